#include "kernels/byte_panels.hpp"
#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class PointwiseRows : public EveryRow<PointwiseKernel> {
 protected:
  /// All of a layer but its weights.
  struct Layer {
    PointwiseArgs args;
    std::vector<Block> blocks;
    Residual residual;
    std::vector<kernels::ChannelRun> runs;
    std::vector<std::int32_t> run_begin{0};
  };

  /// K is read in up to so many parts.
  Layer random_layer(Scene& scene, std::int32_t pixels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                     std::int32_t most_parts, std::int32_t most_runs = 4) {
    const Types& types = row().types;
    Layer layer;
    PointwiseArgs& args = layer.args;
    args.pixels = pixels;
    args.groups = groups;
    args.inputs = inputs;
    args.outputs = outputs;
    args.clamp = scene.leaky_clamp(types.output);
    for (std::int32_t group = 0; group < groups; ++group) {
      layer.blocks.push_back(scene.coin() ? scene.block(pixels, outputs, types.output)
                                          : scene.spacious_block(pixels, outputs, types.output));
    }
    args.blocks = layer.blocks.data();
    if (scene.coin() && !makes_floats_of_bytes(types)) {
      layer.residual = random_residual(scene, pixels, groups, outputs, row().lanes, types.output);
      args.residual = layer.residual.vectors.data();
    }
    args.parts = scene.integer(1, std::min(most_parts, inputs));
    for (std::int32_t group = 0; group < groups; ++group) {
      for (std::int32_t part = 0; part < args.parts; ++part) {
        const std::int32_t channels = inputs * (part + 1) / args.parts - inputs * part / args.parts;
        const std::int64_t slack = readable_behind(types.input);
        for (const kernels::ChannelRun& run :
             scene.runs(pixels, channels, scene.integer(1, most_runs), slack, types.input)) {
          layer.runs.push_back(run);
        }
        layer.run_begin.push_back(static_cast<std::int32_t>(layer.runs.size()));
      }
    }
    args.runs = layer.runs.data();
    args.run_begin = layer.run_begin.data();
    return layer;
  }

  void share_out(Scene& scene, PointwiseArgs& args) {
    const std::int32_t panels = panel_count(args.outputs, row().lanes, row().max_vectors);
    args.block_pixels = scene.integer(1, args.pixels);
    args.split = scene.coin() ? PointwiseSplit::panels : PointwiseSplit::pixels;
    args.tile_pixels = scene.integer(1, args.pixels);
    args.tiles = args.split == PointwiseSplit::panels ? args.groups * panels
                                                      : (args.pixels + args.tile_pixels - 1) / args.tile_pixels;
  }
};

std::string words(std::int32_t pixels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs) {
  return std::to_string(pixels) + " pixels, groups " + std::to_string(groups) + ", " + std::to_string(inputs) + " -> " +
         std::to_string(outputs);
}

class Pointwise : public PointwiseRows {
 protected:
  void try_one(Scene& scene, std::int32_t pixels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
               bool poison) {
    SCOPED_TRACE(words(pixels, groups, inputs, outputs));
    const std::int32_t lanes = row().lanes;
    const Types& types = row().types;
    Layer layer = random_layer(scene, pixels, groups, inputs, outputs, row().dot > 1 ? 1 : 3);
    PointwiseArgs& args = layer.args;
    if (poison) scene.poison(layer.runs[0], pixels);
    share_out(scene, args);

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
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); }, summed(types, inputs + 2));
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

/// More than are gathered at once.
TEST_P(Pointwise, EqualsTheReferenceOnManyInputs) {
  Scene scene(1);
  const std::int32_t most = row().most_quads == 0 ? 4100 : 4 * row().most_quads;
  for (const std::int32_t inputs : {most / 2 - 10, most}) try_one(scene, 15, 1, inputs, 70, false);
}

TEST_P(Pointwise, HandsANanThroughTheClamp) {
  for (std::uint32_t seed = 0; seed < 40 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, scene.integer(1, 20), scene.integer(1, 2), scene.channels(), scene.channels(), true);
  }
}

RIFFLE_EVERY_ROW(Pointwise, PointwiseKernel);

class PointwiseOfBytes : public PointwiseRows {
 protected:
  void try_one(Scene& scene, std::int32_t pixels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
               std::int32_t most_runs = 4) {
    SCOPED_TRACE(words(pixels, groups, inputs, outputs));
    const Types& types = row().types;
    Layer layer = random_layer(scene, pixels, groups, inputs, outputs, 1, most_runs);
    PointwiseArgs& args = layer.args;
    share_out(scene, args);
    args.zeros = {0, scene.zero_point(types.input), scene.zero_point(types.input)};
    args.clamp = {scene.bounds(types.output, args.zeros.output)};

    const ByteWeights weights = random_byte_weights(scene, groups * outputs, inputs);
    const std::vector<std::int32_t> input_order = grouped_order(scene, groups, inputs);
    const std::vector<std::int32_t> output_order = grouped_order(scene, groups, outputs);
    const std::vector<std::int32_t> reads = quads_of(layer, row().form == QuadForm::eights ? 8 : 4, input_order);
    std::vector<std::byte> packed(
        static_cast<std::size_t>(byte_panels_bytes(byte_panels_of(row()), groups, args.quads, outputs)));
    pack_byte_panels(byte_panels_of(row()), groups, args.quads, outputs, weights.view(), reads, output_order, packed);
    args.packed = packed.data();

    const ByteWeights ordered = weights.ordered(groups, inputs, outputs, 1, input_order, output_order);
    check_bytes(
        scene, args.tiles,
        [&](const Addresses& memory) { pointwise_bytes_reference(args, ordered.view(), memory, row().lanes); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); });
  }

 private:
  /// The inputs that are read, each run's by themselves in whole multiples of so many; sets args.quads to the most of a
  /// group.
  static std::vector<std::int32_t> quads_of(Layer& layer, std::size_t multiple,
                                            const std::vector<std::int32_t>& input_order) {
    PointwiseArgs& args = layer.args;
    std::vector<std::vector<std::int32_t>> of_group(static_cast<std::size_t>(args.groups));
    auto next = input_order.begin();
    for (std::size_t group = 0; group < of_group.size(); ++group) {
      std::vector<std::int32_t>& reads = of_group[group];
      for (std::int32_t r = layer.run_begin[group]; r < layer.run_begin[group + 1]; ++r) {
        for (std::int32_t c = 0; c < args.runs[r].channels; ++c) reads.push_back(*next++);
        reads.resize((reads.size() + multiple - 1) / multiple * multiple, -1);
      }
      args.quads = std::max(args.quads, static_cast<std::int32_t>(reads.size() / 4));
    }
    std::vector<std::int32_t> all;
    for (std::vector<std::int32_t>& reads : of_group) {
      reads.resize(static_cast<std::size_t>(args.quads) * 4, -1);
      all.insert(all.end(), reads.begin(), reads.end());
    }
    return all;
  }
};

TEST_P(PointwiseOfBytes, EqualsTheReferenceOnRandomShapes) {
  for (std::uint32_t seed = 0; seed < 150 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const std::int32_t groups = scene.pick({1, 1, 2, 3, 8});
    try_one(scene, scene.integer(1, 60), groups, scene.channels(), scene.channels());
  }
}

/// Of so many runs that they are gathered, some blocks of pixels after the other.
TEST_P(PointwiseOfBytes, EqualsTheReferenceOnManyRuns) {
  for (std::uint32_t seed = 0; seed < 4 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, 300, 1, scene.integer(100, 200), scene.channels(), 80);
  }
}

/// And of as many as fit, a few pixels at a time.
TEST_P(PointwiseOfBytes, EqualsTheReferenceOnTheMostRuns) {
  Scene scene(1);
  const std::int32_t most = row().most_quads;
  ASSERT_GT(most, 0);
  try_one(scene, 7, 1, 2 * most, 20, most / 4);  // each of which may end in the first of eight
}

/// More than residuals are copied of at once.
TEST_P(PointwiseOfBytes, EqualsTheReferenceOnManyPixels) {
  for (std::uint32_t seed = 0; seed < 8 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, 900, 1, scene.channels(), scene.channels());
  }
}

/// Every height and every width of register tile.
TEST_P(PointwiseOfBytes, EqualsTheReferenceOnEveryTile) {
  const std::int32_t lanes = row().lanes, most = row().max_vectors;
  for (std::int32_t vectors = 1; vectors <= 2 * most + 1; ++vectors) {
    for (std::int32_t pixels = 1; pixels <= 25 && !HasFatalFailure(); ++pixels) {
      Scene scene(static_cast<std::uint32_t>(vectors * 32 + pixels));
      try_one(scene, pixels, 1, scene.integer(1, 20), vectors * lanes - scene.integer(0, lanes - 1));
    }
  }
}

RIFFLE_EVERY_BYTE_ROW(PointwiseOfBytes, PointwiseKernel);

}  // namespace
}  // namespace riffle::kernels::testing
