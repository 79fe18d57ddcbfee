#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class FullyConnected : public EveryRow<FullyConnectedKernel> {
 protected:
  /// Weights end where their memory does, on any address of a number.
  void try_one(Scene& scene, std::int32_t inputs, std::int32_t outputs, bool poison) {
    SCOPED_TRACE(std::to_string(inputs) + " -> " + std::to_string(outputs));
    const Types& types = row().types;
    FullyConnectedArgs args;
    args.inputs = inputs;
    args.outputs = outputs;
    args.clamp = scene.clamp();
    const std::int32_t rows = row().rows;
    args.tiles = (outputs + rows - 1) / rows;
    args.output = {scene.block(1, outputs, types.output).first, types.output};
    const std::vector<kernels::ChannelRun> runs = scene.runs(1, inputs, scene.integer(1, 4), 0, types.input);
    args.runs = runs.data();
    args.run_count = static_cast<std::int32_t>(runs.size());
    if (poison) scene.poison(runs[0], 1);

    const std::int32_t before = scene.integer(0, 15);
    const std::vector<float> weights =
        scene.values(before + static_cast<std::int64_t>(outputs) * inputs, 1 / std::sqrt(inputs), types.weights);
    const std::vector<float> bias = scene.coin() ? scene.values(outputs) : std::vector<float>{};
    const std::vector<std::byte> packed = stored(types.weights, weights);
    args.packed = packed.data() + before * size_of(types.weights);
    if (!bias.empty()) args.bias = bias.data();
    // Halves are summed in eight lanes, in each of them an eighth of the inputs; the lanes then as floats.
    const Tolerance tolerance = rounded(types.output, summed(types.weights, inputs / 8));
    check(
        scene, args.tiles,
        [&](const Addresses& memory) {
          fully_connected_reference(args, std::span(weights).subspan(static_cast<std::size_t>(before)), memory);
        },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); }, tolerance);
  }
};

TEST_P(FullyConnected, EqualsTheReferenceOnEveryTailOfRowsAndInputs) {
  const std::int32_t rows = row().rows;
  for (std::int32_t outputs = 1; outputs <= 2 * rows + 1; ++outputs) {
    for (std::int32_t inputs = 1; inputs <= 70 && !HasFatalFailure(); ++inputs) {
      Scene scene(static_cast<std::uint32_t>(outputs * 128 + inputs));
      try_one(scene, inputs, outputs, false);
    }
  }
}

TEST_P(FullyConnected, EqualsTheReferenceOnAClassifier) {
  Scene scene(1);
  try_one(scene, 1024, 1000, false);
}

TEST_P(FullyConnected, HandsANanThroughTheClamp) {
  for (std::uint32_t seed = 0; seed < 20 && !HasFatalFailure(); ++seed) {
    Scene scene(seed);
    try_one(scene, scene.channels(), scene.channels(), true);
  }
}

RIFFLE_EVERY_ROW(FullyConnected, FullyConnectedKernel);

class FullyConnectedOfBytes : public EveryRow<FullyConnectedKernel> {
 protected:
  /// Weights end where their memory does, on any address.
  void try_one(Scene& scene, std::int32_t inputs, std::int32_t outputs) {
    SCOPED_TRACE(std::to_string(inputs) + " -> " + std::to_string(outputs));
    const Types& types = row().types;
    FullyConnectedArgs args;
    args.inputs = inputs;
    args.outputs = outputs;
    const auto most = static_cast<float>(scene.integer(0, 300));
    args.clamp = scene.coin() ? Clamp{} : Clamp{-scene.pick({0.0F, 0.3F}) * most, most};
    args.tiles = (outputs + row().rows - 1) / row().rows;
    args.output = {scene.block(1, outputs, types.output).first, types.output};
    const std::vector<kernels::ChannelRun> runs = scene.runs(1, inputs, scene.integer(1, 4), 0, types.input);
    args.runs = runs.data();
    args.run_count = static_cast<std::int32_t>(runs.size());

    const ByteWeights weights = random_byte_weights(scene, outputs, inputs);
    std::vector<std::int8_t> packed(static_cast<std::size_t>(scene.integer(0, 15)));
    const std::size_t before = packed.size();
    packed.insert(packed.end(), weights.values.begin(), weights.values.end());
    packed.shrink_to_fit();
    args.packed = packed.data() + before;
    args.sums = weights.bias.data();
    args.factors = weights.factors.data();
    check_bytes(
        scene, args.tiles,
        [&](const Addresses& memory) { fully_connected_bytes_reference(args, weights.values, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); });
  }
};

TEST_P(FullyConnectedOfBytes, EqualsTheReferenceOnEveryTailOfRowsAndInputs) {
  const std::int32_t rows = row().rows;
  for (std::int32_t outputs = 1; outputs <= 2 * rows + 1; ++outputs) {
    for (std::int32_t inputs = 1; inputs <= 140 && !HasFatalFailure(); ++inputs) {
      Scene scene(static_cast<std::uint32_t>(outputs * 256 + inputs));
      try_one(scene, inputs, outputs);
    }
  }
}

/// A classifier; and as many inputs as sums of 32 bits have room for.
TEST_P(FullyConnectedOfBytes, EqualsTheReferenceOnManyInputs) {
  Scene scene(1);
  try_one(scene, 1024, 1000);
  for (std::int32_t i = 0; i < 8; ++i) try_one(scene, (1 << 30) / (255 * 128), 3);
}

RIFFLE_EVERY_BYTE_ROW(FullyConnectedOfBytes, FullyConnectedKernel);

TEST(PackFullyConnected, OrdersAndScales) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    Scene scene(seed);
    const std::int32_t inputs = scene.channels(), outputs = scene.channels();
    const std::vector<float> weights = scene.values(static_cast<std::int64_t>(outputs) * inputs);
    const std::vector<double> scale = row_scale(scene, outputs);
    const std::vector<std::int32_t> input_order = scene.permutation(inputs), output_order = scene.permutation(outputs);
    for (const Type type : {Type::f32, Type::f16, Type::bf16}) {
      std::vector<std::byte> packed(weights.size() * static_cast<std::size_t>(size_of(type)));
      pack_fully_connected(inputs, outputs, {weights, scale}, input_order, output_order, packed, type);
      EXPECT_EQ(packed,
                stored(type, reorder(scaled(weights, scale, type), 1, inputs, outputs, 1, input_order, output_order)));
    }
  }
}

}  // namespace
}  // namespace riffle::kernels::testing
