#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Stem : public EveryRow<StemKernel> {
 protected:
  void try_one(Scene& scene, const Geometry& g, std::int32_t channels, std::int32_t outputs, bool poison) {
    SCOPED_TRACE(to_string(g) + ", " + std::to_string(channels) + " -> " + std::to_string(outputs));
    const std::int32_t taps = g.window.kernel_h * g.window.kernel_w;
    const std::int64_t in_pixels = static_cast<std::int64_t>(g.extent.in_h) * g.extent.in_w;
    const Types& types = row().types;
    StemArgs args;
    args.extent = g.extent;
    args.window = g.window;
    args.channels = channels;
    args.outputs = outputs;
    args.clamp = scene.leaky_clamp(types.output);
    args.output = scene.block(static_cast<std::int64_t>(g.extent.out_h) * g.extent.out_w, outputs, types.output);
    args.tile_rows = scene.integer(1, g.extent.out_h);
    args.tiles = (g.extent.out_h + args.tile_rows - 1) / args.tile_rows;

    const std::vector<float> weights = scene.values(static_cast<std::int64_t>(outputs) * channels * taps,
                                                    1 / std::sqrt(channels * taps), types.weights);
    const std::vector<float> bias = scene.coin() ? scene.values(outputs, 1, types.weights) : std::vector<float>{};
    std::vector<std::int32_t> input_order(static_cast<std::size_t>(channels));
    std::iota(input_order.begin(), input_order.end(), 0);
    const std::vector<std::int32_t> output_order = scene.permutation(outputs);
    std::vector<std::byte> packed(static_cast<std::size_t>(packed_stem_bytes(row(), channels, taps, outputs)));
    pack_stem(row(), channels, taps, outputs, weights, bias, output_order, packed);
    args.packed = packed.data();

    // The planes are a block of their own that ends with its last number.
    std::vector<float> planes = scene.values(channels * in_pixels, 1, types.weights);
    if (poison) planes[planes.size() / 2] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::byte> input = stored(types.input, planes);
    args.input = {Place{0, Space::input}, types.input};

    const std::vector<float> ordered = reorder(weights, 1, channels, outputs, taps, input_order, output_order);
    const std::vector<float> ordered_bias = reorder_bias(bias, 1, outputs, output_order);
    const std::byte* const inputs = input.data();
    const auto with_planes = [&](Addresses memory) {
      memory.inputs = &inputs;
      return memory;
    };
    check(
        scene, args.tiles,
        [&](const Addresses& memory) { stem_reference(args, ordered, ordered_bias, with_planes(memory)); },
        [&](const Addresses& memory, TileRange range) { row().run(args, with_planes(memory), range); },
        summed(types, channels * taps + 1));
  }
};

TEST_P(Stem, EqualsTheReferenceOnRandomWindows) {
  for (std::uint32_t seed = 0; seed < 150 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 7, 40, false);
    try_one(scene, g, scene.integer(1, 4), scene.channels(), false);
  }
}

/// Every remainder that a row of the networks' window can leave, in panels of every width.
TEST_P(Stem, EqualsTheReferenceOnEveryWidth) {
  for (std::int32_t in_w = 1; in_w <= 60 && !HasFatalFailure(); ++in_w) {
    Scene scene(static_cast<std::uint32_t>(in_w));
    const std::int32_t in_h = scene.integer(1, 6);
    const Geometry g{{3, 3, 2, 2, 1, 1, 1, 1}, {in_h, in_w, (in_h - 1) / 2 + 1, (in_w - 1) / 2 + 1}};
    try_one(scene, g, scene.pick({1, 3}), row().lanes * (in_w % row().max_vectors) + 1, false);
  }
}

TEST_P(Stem, EqualsTheReferenceOnDilatedWindowsOfStrideTwo) {
  for (const std::int32_t columns : {1, 2}) {
    Scene scene(static_cast<std::uint32_t>(columns));
    const Window window = {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .dilation_w = columns};
    try_one(scene, {window, {9, 41, 4, (41 - 2 * columns - 1) / 2 + 1}}, 3, 24, false);
  }
}

TEST_P(Stem, HandsANanThroughTheClamp) {
  for (std::uint32_t seed = 0; seed < 40 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 3, 12, true);
    try_one(scene, g, scene.integer(1, 4), scene.channels(), true);
  }
}

RIFFLE_EVERY_ROW(Stem, StemKernel);

class StemOfBytes : public EveryRow<StemKernel> {
 protected:
  void try_one(Scene& scene, const Geometry& g, std::int32_t channels, std::int32_t outputs) {
    SCOPED_TRACE(to_string(g) + ", " + std::to_string(channels) + " -> " + std::to_string(outputs));
    const std::int32_t taps = g.window.kernel_h * g.window.kernel_w;
    const std::int64_t out_pixels = static_cast<std::int64_t>(g.extent.out_h) * g.extent.out_w;
    const Types& types = row().types;
    StemArgs args;
    args.extent = g.extent;
    args.window = g.window;
    args.channels = channels;
    args.outputs = outputs;
    args.output = scene.coin() ? scene.block(out_pixels, outputs, types.output)
                               : scene.spacious_block(out_pixels, outputs, types.output);
    args.zeros = {scene.zero_point(types.input), 0, scene.zero_point(types.output)};
    args.clamp = {scene.bounds(types.output, args.zeros.output)};
    args.tile_rows = scene.integer(1, g.extent.out_h);
    args.tiles = (g.extent.out_h + args.tile_rows - 1) / args.tile_rows;

    const ByteWeights weights = random_byte_weights(scene, outputs, channels * taps);
    const std::vector<std::int32_t> output_order = scene.permutation(outputs);
    std::vector<std::byte> packed(static_cast<std::size_t>(packed_stem_bytes(row(), channels, g.window, outputs)));
    pack_stem(row(), channels, g.window, outputs, weights.view(), output_order, packed);
    args.packed = packed.data();

    // The planes are a block of their own that ends with its last number.
    const std::int64_t numbers = std::int64_t{channels} * g.extent.in_h * g.extent.in_w;
    const std::vector<std::byte> input = stored(types.input, scene.bytes(numbers, types.input));
    args.input = {Place{0, Space::input}, types.input};

    std::vector<std::int32_t> input_order(static_cast<std::size_t>(channels));
    std::iota(input_order.begin(), input_order.end(), 0);
    const ByteWeights ordered = weights.ordered(1, channels, outputs, taps, input_order, output_order);
    const std::byte* const inputs = input.data();
    const auto with_planes = [&](Addresses memory) {
      memory.inputs = &inputs;
      return memory;
    };
    check_bytes(
        scene, args.tiles,
        [&](const Addresses& memory) { stem_bytes_reference(args, ordered.view(), with_planes(memory)); },
        [&](const Addresses& memory, TileRange range) { row().run(args, with_planes(memory), range); });
  }

  /// A window of that size and stride, half of it before the image and half behind.
  static Geometry padded(std::int32_t kernel_h, std::int32_t kernel_w, std::int32_t stride, std::int32_t in_h,
                         std::int32_t in_w) {
    const std::int32_t pad_h = kernel_h / 2, pad_w = kernel_w / 2;
    return {{kernel_h, kernel_w, stride, stride, pad_h, pad_w, pad_h, pad_w},
            {in_h, in_w, (in_h + 2 * pad_h - kernel_h) / stride + 1, (in_w + 2 * pad_w - kernel_w) / stride + 1}};
  }
};

TEST_P(StemOfBytes, EqualsTheReferenceOnRandomWindows) {
  for (std::uint32_t seed = 0; seed < 150 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    Geometry g = random_geometry(scene, 7, 40, false);
    g.window.dilation_h = g.window.dilation_w = 1;  // of fewer outputs than it could have
    try_one(scene, g, scene.integer(1, 4), scene.channels());
  }
}

/// Every remainder that a row of the networks' windows can leave, in panels of every width.
TEST_P(StemOfBytes, EqualsTheReferenceOnEveryWidth) {
  for (std::int32_t in_w = 1; in_w <= 60 && !HasFatalFailure(); ++in_w) {
    Scene scene(static_cast<std::uint32_t>(in_w));
    const std::int32_t kernel = in_w % 3 == 0 ? 7 : 3, outputs = row().lanes * (in_w % row().max_vectors) + 1;
    try_one(scene, padded(kernel, kernel, 2, scene.integer(1, 6), in_w), scene.pick({1, 3}), outputs);
  }
}

/// Rows of which a part is copied at a time, as many of them and as wide windows as there may be.
TEST_P(StemOfBytes, EqualsTheReferenceOnWideRowsAndTheLargestWindows) {
  Scene scene(1);
  try_one(scene, padded(3, 3, 2, 2, 4001), 3, 5);
  try_one(scene, padded(7, 7, 2, 3, 1999), 3, 17);
  try_one(scene, padded(7, 7, 1, 3, 700), 4, 3);
  const std::int32_t rows = StemKernel::most_rows / 4;
  try_one(scene, padded(rows, StemKernel::most_columns, 1, 2, 300), 4, 3);
  try_one(scene, padded(rows, StemKernel::most_columns, 3, 2, 500), 4, 3);
}

/// More rows of taps than are looked up once, for one row of pixels after the other.
TEST_P(StemOfBytes, EqualsTheReferenceOnManyRowsOfTaps) {
  Scene scene(3);
  try_one(scene, padded(9, 3, 1, 12, 20), 4, 9);
  try_one(scene, padded(11, 11, 4, 40, 40), 3, 17);
}

RIFFLE_EVERY_BYTE_ROW(StemOfBytes, StemKernel);

}  // namespace
}  // namespace riffle::kernels::testing
