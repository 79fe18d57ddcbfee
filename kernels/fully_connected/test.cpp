#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class FullyConnected : public EveryIsa {
 protected:
  void try_one(Scene& scene, std::int32_t inputs, std::int32_t outputs, bool poison) {
    SCOPED_TRACE(std::to_string(inputs) + " -> " + std::to_string(outputs));
    FullyConnectedArgs args;
    args.inputs = inputs;
    args.outputs = outputs;
    args.clamp = scene.clamp();
    args.output = scene.block(1, outputs).first;
    const std::vector<kernels::Run> runs = scene.runs(1, inputs, scene.integer(1, 4), 3);
    args.runs = runs.data();
    args.run_count = static_cast<std::int32_t>(runs.size());
    args.tiles = panel_count(outputs, kernels().lanes, kernels().fully_connected.max_vectors);
    if (poison) scene.at(runs[0].first.offset) = std::numeric_limits<float>::quiet_NaN();

    const std::vector<float> weights = scene.values(static_cast<std::int64_t>(outputs) * inputs, 1 / std::sqrt(inputs));
    const std::vector<float> bias = scene.coin() ? scene.values(outputs) : std::vector<float>{};
    const std::vector<std::int32_t> input_order = scene.permutation(inputs);
    const std::vector<std::int32_t> output_order = scene.permutation(outputs);
    std::vector<float> packed(static_cast<std::size_t>(packed_fully_connected_size(inputs, outputs, kernels().lanes)));
    pack_fully_connected(kernels().fully_connected, inputs, outputs, weights, bias, input_order, output_order, packed);
    args.packed = packed.data();

    const std::vector<float> ordered = reorder(weights, 1, inputs, outputs, 1, input_order, output_order);
    const std::vector<float> ordered_bias = reorder_bias(bias, 1, outputs, output_order);
    check(
        scene, args.tiles,
        [&](const Memory& memory) { fully_connected_reference(args, ordered, ordered_bias, memory); },
        [&](const Memory& memory, TileRange range) { kernels().fully_connected.run(args, memory, range); });
  }
};

TEST_P(FullyConnected, EqualsTheReferenceOnEveryPanelWidth) {
  const std::int32_t lanes = kernels().lanes, most = kernels().fully_connected.max_vectors;
  for (std::int32_t vectors = 1; vectors <= 2 * most + 1; ++vectors) {
    for (std::uint32_t seed = 0; seed < 6 && !HasFatalFailure(); ++seed) {
      Scene scene(seed * 64 + static_cast<std::uint32_t>(vectors));
      try_one(scene, scene.integer(1, 70), vectors * lanes - scene.integer(0, lanes - 1), false);
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

RIFFLE_EVERY_ISA(FullyConnected);

}  // namespace
}  // namespace riffle::kernels::testing
