#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class ConvolutionRows : public EveryRow<ConvolutionKernel> {
 protected:
  /// All of a layer but its weights.
  struct Layer {
    ConvolutionArgs args;
    Residual residual;
    std::vector<kernels::ChannelRun> runs;
    std::vector<std::int32_t> run_begin{0};
  };

  Layer random_layer(Scene& scene, const Geometry& g, std::int32_t groups, std::int32_t inputs, std::int32_t outputs) {
    const std::int64_t in_pixels = static_cast<std::int64_t>(g.extent.in_h) * g.extent.in_w;
    const std::int64_t out_pixels = static_cast<std::int64_t>(g.extent.out_h) * g.extent.out_w;
    const Types& types = row().types;
    Layer layer;
    ConvolutionArgs& args = layer.args;
    args.extent = g.extent;
    args.window = g.window;
    args.groups = groups;
    args.inputs = inputs;
    args.outputs = outputs;
    args.clamp = scene.leaky_clamp(types.output);
    args.output = scene.block(out_pixels, groups * outputs, types.output);
    if (scene.coin() && !makes_floats_of_bytes(types)) {
      layer.residual = random_residual(scene, out_pixels, groups, outputs, row().lanes, types.output);
      args.residual = layer.residual.vectors.data();
    }
    for (std::int32_t group = 0; group < groups; ++group) {
      const std::int64_t slack = readable_behind(types.input);
      for (const kernels::ChannelRun& run : scene.runs(in_pixels, inputs, scene.integer(1, 3), slack, types.input)) {
        layer.runs.push_back(run);
      }
      layer.run_begin.push_back(static_cast<std::int32_t>(layer.runs.size()));
    }
    args.runs = layer.runs.data();
    args.run_begin = layer.run_begin.data();
    args.tile_rows = scene.integer(1, g.extent.out_h);
    args.tiles = (g.extent.out_h + args.tile_rows - 1) / args.tile_rows;
    return layer;
  }
};

std::string words(const Geometry& g, std::int32_t groups, std::int32_t inputs, std::int32_t outputs) {
  return to_string(g) + ", groups " + std::to_string(groups) + ", " + std::to_string(inputs) + " -> " +
         std::to_string(outputs);
}

class Convolution : public ConvolutionRows {
 protected:
  void try_one(Scene& scene, const Geometry& g, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
               bool poison) {
    SCOPED_TRACE(words(g, groups, inputs, outputs));
    const std::int32_t lanes = row().lanes, taps = g.window.kernel_h * g.window.kernel_w;
    const Types& types = row().types;
    Layer layer = random_layer(scene, g, groups, inputs, outputs);
    ConvolutionArgs& args = layer.args;
    const std::vector<std::byte> zeros(static_cast<std::size_t>(inputs * size_of(types.input) + 16));
    args.zeros = zeros.data();
    if (poison) scene.poison(layer.runs[0], static_cast<std::int64_t>(g.extent.in_h) * g.extent.in_w);

    const std::vector<float> weights = scene.values(static_cast<std::int64_t>(groups) * outputs * inputs * taps,
                                                    1 / std::sqrt(inputs * taps), types.weights);
    const std::vector<float> bias = scene.coin()
                                        ? scene.values(static_cast<std::int64_t>(groups) * outputs, 1, types.weights)
                                        : std::vector<float>{};
    const std::vector<std::int32_t> input_order = grouped_order(scene, groups, inputs);
    const std::vector<std::int32_t> output_order = grouped_order(scene, groups, outputs);
    std::vector<std::byte> packed(
        static_cast<std::size_t>(packed_convolution_bytes(row(), groups, inputs, outputs, taps)));
    pack_convolution(row(), groups, inputs, outputs, taps, weights, bias, input_order, output_order, packed);
    args.packed = packed.data();

    const std::vector<float> ordered = reorder(weights, groups, inputs, outputs, taps, input_order, output_order);
    const std::vector<float> ordered_bias = reorder_bias(bias, groups, outputs, output_order);
    check(
        scene, args.tiles,
        [&](const Addresses& memory) { convolution_reference(args, ordered, ordered_bias, memory, lanes); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); },
        summed(types, inputs * taps + 2));
  }
};

TEST_P(Convolution, EqualsTheReferenceOnRandomShapes) {
  for (std::uint32_t seed = 0; seed < 150 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 5, 14, false);
    const std::int32_t groups = scene.pick({1, 1, 2, 3});
    try_one(scene, g, groups, scene.pick({1, 3, 5, 17, 29}), scene.pick({1, 3, 5, 17, 29, 58}), false);
  }
}

/// ResNeXt's: 32 groups of 4.
TEST_P(Convolution, EqualsTheReferenceOnGroupsNarrowerThanAVector) {
  for (std::uint32_t seed = 0; seed < 20 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const std::int32_t stride = scene.integer(1, 2), size = scene.integer(1, 14);
    const std::int32_t out = (size - 1) / stride + 1;
    const Geometry g{{3, 3, stride, stride, 1, 1, 1, 1}, {size, size, out, out}};
    try_one(scene, g, scene.pick({4, 7, 32}), 4, 4, false);
  }
}

TEST_P(Convolution, HandsANanThroughTheClamp) {
  for (std::uint32_t seed = 0; seed < 40 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 3, 9, true);
    try_one(scene, g, scene.integer(1, 2), scene.pick({1, 3, 5, 17}), scene.pick({1, 3, 5, 17}), true);
  }
}

RIFFLE_EVERY_ROW(Convolution, ConvolutionKernel);

class ConvolutionOfBytes : public ConvolutionRows {
 protected:
  void try_one(Scene& scene, const Geometry& g, std::int32_t groups, std::int32_t inputs, std::int32_t outputs) {
    SCOPED_TRACE(words(g, groups, inputs, outputs));
    const std::int32_t lanes = row().lanes, taps = g.window.kernel_h * g.window.kernel_w;
    const Types& types = row().types;
    Layer layer = random_layer(scene, g, groups, inputs, outputs);
    ConvolutionArgs& args = layer.args;
    args.byte_zeros = {scene.zero_point(types.input), scene.zero_point(types.input), scene.zero_point(types.input)};
    args.clamp = {scene.bounds(types.output, args.byte_zeros.output)};

    const ByteWeights weights = random_byte_weights(scene, groups * outputs, inputs * taps);
    const std::vector<std::int32_t> input_order = grouped_order(scene, groups, inputs);
    const std::vector<std::int32_t> output_order = grouped_order(scene, groups, outputs);
    std::vector<std::byte> packed(
        static_cast<std::size_t>(packed_convolution_bytes(row(), groups, inputs * taps, outputs)));
    pack_convolution(row(), groups, inputs, outputs, taps, weights.view(), input_order, output_order, packed);
    args.packed = packed.data();

    const ByteWeights ordered = weights.ordered(groups, inputs, outputs, taps, input_order, output_order);
    check_bytes(
        scene, args.tiles,
        [&](const Addresses& memory) { convolution_bytes_reference(args, ordered.view(), memory, lanes); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); });
  }
};

TEST_P(ConvolutionOfBytes, EqualsTheReferenceOnRandomShapes) {
  for (std::uint32_t seed = 0; seed < 150 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 5, 14, false);
    const std::int32_t groups = scene.pick({1, 1, 2, 3});
    try_one(scene, g, groups, scene.pick({1, 3, 5, 17, 29}), scene.pick({1, 3, 5, 17, 29, 58}));
  }
}

/// Several panels, whose pixels are copied a few at a time; and one pixel at a time, with as many terms as there may be
/// (graph::check_quantization: so that sums and biases fit 32 bits together).
TEST_P(ConvolutionOfBytes, EqualsTheReferenceOnManyTerms) {
  const std::int32_t outputs = row().lanes * row().max_vectors + 1;
  const std::int32_t most = std::min(8224, row().most_quads);
  for (std::uint32_t seed = 0; seed < 8 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, {{3, 3, 1, 1, 1, 1, 1, 1}, {5, 6, 5, 6}}, 1, 200, outputs);
    try_one(scene, {{2, 2, 1, 1, 1, 0, 0, 1}, {2, 3, 2, 3}}, 1, most, 3);
  }
  static_assert(4 * 8224 <= ConvolutionKernel::most_terms && 4 * 8224 * 255 * 128 <= 1 << 30);
}

RIFFLE_EVERY_BYTE_ROW(ConvolutionOfBytes, ConvolutionKernel);

}  // namespace
}  // namespace riffle::kernels::testing
