#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Pointwise : public EveryRow<PointwiseKernel> {
 protected:
  void try_one(Scene& scene, std::int32_t pixels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
               bool poison) {
    SCOPED_TRACE(std::to_string(pixels) + " pixels, groups " + std::to_string(groups) + ", " + std::to_string(inputs) +
                 " -> " + std::to_string(outputs));
    const std::int32_t lanes = row().lanes;
    const Types& types = row().types;
    PointwiseArgs args;
    args.pixels = pixels;
    args.groups = groups;
    args.inputs = inputs;
    args.outputs = outputs;
    args.clamp = scene.clamp();
    std::vector<Block> blocks;
    for (std::int32_t group = 0; group < groups; ++group) {
      blocks.push_back(scene.coin() ? scene.block(pixels, outputs, types.output)
                                    : scene.spacious_block(pixels, outputs, types.output));
    }
    args.blocks = blocks.data();
    const Residual residual =
        scene.coin() ? random_residual(scene, pixels, groups, outputs, lanes, types.output) : Residual{};
    if (!residual.vectors.empty()) args.residual = residual.vectors.data();
    std::vector<kernels::ChannelRun> runs;
    std::vector<std::int32_t> run_begin{0};
    args.parts = scene.integer(1, std::min(3, inputs));
    for (std::int32_t group = 0; group < groups; ++group) {
      for (std::int32_t part = 0; part < args.parts; ++part) {
        const std::int32_t channels = inputs * (part + 1) / args.parts - inputs * part / args.parts;
        const std::int64_t slack = readable_behind(types.input);
        for (const kernels::ChannelRun& run : scene.runs(pixels, channels, scene.integer(1, 4), slack, types.input)) {
          runs.push_back(run);
        }
        run_begin.push_back(static_cast<std::int32_t>(runs.size()));
      }
    }
    args.runs = runs.data();
    args.run_begin = run_begin.data();
    if (poison) scene.poison(runs[0], pixels);
    const std::int32_t panels = panel_count(outputs, lanes, row().max_vectors);
    args.block_pixels = scene.integer(1, pixels);
    args.split = scene.coin() ? PointwiseSplit::panels : PointwiseSplit::pixels;
    args.tile_pixels = scene.integer(1, pixels);
    args.tiles =
        args.split == PointwiseSplit::panels ? groups * panels : (pixels + args.tile_pixels - 1) / args.tile_pixels;

    const std::vector<float> weights =
        scene.values(static_cast<std::int64_t>(groups) * outputs * inputs, 1 / std::sqrt(inputs), types.weights);
    const std::vector<float> bias = scene.coin()
                                        ? scene.values(static_cast<std::int64_t>(groups) * outputs, 1, types.weights)
                                        : std::vector<float>{};
    const std::vector<std::int32_t> input_order = grouped_order(scene, groups, inputs);
    const std::vector<std::int32_t> output_order = grouped_order(scene, groups, outputs);
    const Panels shape = panels_of(row());
    std::vector<std::byte> packed(static_cast<std::size_t>(packed_panels_bytes(shape, groups, inputs, outputs)));
    const std::vector<double> scale = row_scale(scene, groups * outputs);
    pack_panels(shape, groups, inputs, outputs, {weights, scale}, bias, input_order, output_order, packed);
    args.packed = packed.data();

    const std::vector<float> ordered =
        reorder(scaled(weights, scale, types.weights), groups, inputs, outputs, 1, input_order, output_order);
    const std::vector<float> ordered_bias = reorder_bias(bias, groups, outputs, output_order);
    check(
        scene, args.tiles,
        [&](const Addresses& memory) { pointwise_reference(args, ordered, ordered_bias, memory, lanes); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); },
        summed(types.weights, inputs + 2));
  }
};

TEST_P(Pointwise, EqualsTheReferenceOnRandomShapes) {
  for (std::uint32_t seed = 0; seed < 150 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const std::int32_t groups = scene.pick({1, 1, 2, 3, 8});
    try_one(scene, scene.integer(1, 60), groups, scene.channels(), scene.channels(), false);
  }
}

/// Every height and every width of register tile.
TEST_P(Pointwise, EqualsTheReferenceOnEveryTile) {
  const std::int32_t lanes = row().lanes, most = row().max_vectors;
  for (std::int32_t vectors = 1; vectors <= most + 1; ++vectors) {
    for (std::int32_t pixels = 1; pixels <= 25 && !HasFatalFailure(); ++pixels) {
      Scene scene(static_cast<std::uint32_t>(vectors * 32 + pixels));
      try_one(scene, pixels, 1, scene.integer(1, 20), vectors * lanes - scene.integer(0, lanes - 1), false);
    }
  }
}

TEST_P(Pointwise, HandsANanThroughTheClamp) {
  for (std::uint32_t seed = 0; seed < 40 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, scene.integer(1, 20), scene.integer(1, 2), scene.channels(), scene.channels(), true);
  }
}

RIFFLE_EVERY_ROW(Pointwise, PointwiseKernel);

}  // namespace
}  // namespace riffle::kernels::testing
