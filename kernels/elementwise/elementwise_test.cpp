#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class ElementwiseRows : public EveryRow<ElementwiseKernel> {
 protected:
  struct Layer {
    ElementwiseArgs args;
    std::vector<ChannelwiseRun> a;
    std::vector<kernels::ChannelRun> b;
  };

  Layer random_layer(Scene& scene, bool add, bool in_place) {
    const std::int32_t channels = scene.channels();
    const Type type = row().types.output;
    Layer layer;
    ElementwiseArgs& args = layer.args;
    args.pixels = scene.integer(1, 30);
    args.clamp = scene.clamp();
    const Block elsewhere = scene.block(args.pixels, channels, type);
    layer.a = scene.mapped_runs(args.pixels, channels, in_place ? 1 : scene.integer(1, 4), type);
    for (const ChannelwiseRun& run : layer.a) layer.b.push_back(scene.run(args.pixels, run.input.channels, 0, type));
    args.a = layer.a.data();
    args.b = add ? layer.b.data() : nullptr;
    args.run_count = static_cast<std::int32_t>(layer.a.size());
    const kernels::ChannelRun& first = layer.a[0].input;
    args.output = in_place ? Block{first.first, first.pixel_stride, 0, type} : elsewhere;
    args.tile_pixels = scene.integer(1, args.pixels);
    args.tiles = (args.pixels + args.tile_pixels - 1) / args.tile_pixels;
    return layer;
  }
};

class Elementwise : public ElementwiseRows {
 protected:
  void try_one(Scene& scene, bool add, bool in_place, bool poison) {
    const Layer layer = random_layer(scene, add, in_place);
    const ElementwiseArgs& args = layer.args;
    // A NaN in place would not be seen to change.
    if (poison && !in_place) scene.poison(layer.a[0].input, 1);
    check(
        scene, args.tiles, [&](const Addresses& memory) { elementwise_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); }, 0);
  }
};

TEST_P(Elementwise, EqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, scene.coin(), false, scene.coin());
  }
}

TEST_P(Elementwise, AddsInPlace) {
  for (std::uint32_t seed = 0; seed < 50 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, true, true, false);
  }
}

RIFFLE_EVERY_ROW(Elementwise, ElementwiseKernel);

class ElementwiseOfBytes : public ElementwiseRows {
 protected:
  void try_one(Scene& scene, bool add, bool in_place) {
    const Type type = row().types.output;
    Layer layer = random_layer(scene, add, in_place);
    ElementwiseArgs& args = layer.args;
    args.zeros = {scene.zero_point(type), scene.zero_point(type), scene.zero_point(type)};
    args.clamp = scene.bounds(type, args.zeros.output);
    args.factor = scene.pick({1.0F, 0.5F, 0.6F, 7.3F, 1e-30F, 1e30F});
    check_bytes(
        scene, args.tiles, [&](const Addresses& memory) { elementwise_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); }, in_place);
  }
};

TEST_P(ElementwiseOfBytes, EqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, scene.coin(), false);
  }
}

TEST_P(ElementwiseOfBytes, AddsInPlace) {
  for (std::uint32_t seed = 0; seed < 50 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, true, true);
  }
}

RIFFLE_EVERY_BYTE_ROW(ElementwiseOfBytes, ElementwiseKernel);

}  // namespace
}  // namespace riffle::kernels::testing
