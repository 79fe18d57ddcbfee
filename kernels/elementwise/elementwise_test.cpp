#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Elementwise : public EveryRow<ElementwiseKernel> {
 protected:
  void try_one(Scene& scene, bool add, bool in_place, bool poison) {
    const std::int32_t channels = scene.channels();
    const Type type = row().types.output;
    ElementwiseArgs args;
    args.pixels = scene.integer(1, 30);
    args.clamp = scene.clamp();
    const Block elsewhere = scene.block(args.pixels, channels, type);
    const std::vector<ChannelwiseRun> a =
        scene.mapped_runs(args.pixels, channels, in_place ? 1 : scene.integer(1, 4), type);
    std::vector<kernels::ChannelRun> b;
    for (const ChannelwiseRun& run : a) b.push_back(scene.run(args.pixels, run.input.channels, 0, type));
    args.a = a.data();
    args.b = add ? b.data() : nullptr;
    args.run_count = static_cast<std::int32_t>(a.size());
    args.output = in_place ? Block{a[0].input.first, a[0].input.pixel_stride, 0, type} : elsewhere;
    args.tile_pixels = scene.integer(1, args.pixels);
    args.tiles = (args.pixels + args.tile_pixels - 1) / args.tile_pixels;
    // A NaN in place would not be seen to change.
    if (poison && !in_place) scene.poison(a[0].input, 1);
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

}  // namespace
}  // namespace riffle::kernels::testing
