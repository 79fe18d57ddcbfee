// A small network with several inputs and outputs: every way in which an output can stand in a graph.
#pragma once

#include <string>
#include <vector>

#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "tests/networks.hpp"

namespace riffle::testing {

/// Inputs "left" (3 channels, which a stem reads) and "right" (8 channels). Outputs, in this order: one that is read
/// further, the same node under another name, a vector, one that is only a permutation of channels, an input, another
/// input's slice, and one that joins what several nodes make.
inline graph::Graph several_inputs_and_outputs() {
  std::uint32_t seed = 1;
  const auto weights = [&](std::int64_t count) {
    std::vector<float> values = noise(count, seed++);
    for (float& value : values) value *= 0.5F;
    return graph::Constant(std::move(values));
  };
  graph::Graph graph;
  graph.name = "several";
  const graph::NodeId left = graph.add("left", graph::Input{{9, 12, 3}});
  const graph::NodeId right = graph.add("right", graph::Input{{9, 12, 8}});
  graph::Convolution stem;
  stem.outputs = 8;
  stem.window = {.kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
  stem.weights = weights(8 * 3 * 9);
  stem.activation = graph::Activation::relu;
  const graph::NodeId first = graph.add("stem", stem, {left});
  const graph::NodeId sum = graph.add("sum", graph::Binary{}, {first, right});
  graph::Convolution pointwise;
  pointwise.outputs = 16;
  pointwise.weights = weights(16 * 8);
  pointwise.bias = weights(16);
  pointwise.activation = graph::Activation::hard_swish;
  const graph::NodeId wide = graph.add("wide", pointwise, {sum});
  const graph::NodeId shuffled = graph.add("shuffled", graph::Shuffle{4}, {wide});
  const graph::NodeId slice = graph.add("slice", graph::Slice{2, 5}, {right});
  const graph::NodeId joined = graph.add("joined", graph::Concat{}, {shuffled, first, slice});
  const graph::NodeId mean = graph.add("mean", graph::GlobalAveragePool{graph::Activation::sigmoid}, {wide});
  graph::FullyConnected dense;
  dense.outputs = 5;
  dense.weights = weights(5 * 16);
  dense.activation = graph::Activation::sigmoid;
  const graph::NodeId scores = graph.add("scores", dense, {mean});
  graph.outputs = {{wide}, {wide, "wide again"}, {scores}, {shuffled}, {left, "as it came"}, {slice}, {joined}};
  return graph;
}

/// Room for what a session reads or writes of a batch.
inline std::vector<std::vector<std::byte>> buffers_for(const std::vector<plan::Tensor>& tensors,
                                                       std::int64_t batch = 1) {
  std::vector<std::vector<std::byte>> all;
  for (const plan::Tensor& tensor : tensors) all.emplace_back(static_cast<std::size_t>(batch * tensor.bytes()));
  return all;
}

/// Numbers in -1 to 1, as bytes.
inline std::vector<std::byte> noise_bytes(std::int64_t count, std::uint32_t seed) {
  const std::vector<float> values = noise(count, seed);
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

/// The outputs' bytes.
inline std::vector<std::vector<std::byte>> run_all(run::Session& session,
                                                   const std::vector<std::vector<std::byte>>& inputs,
                                                   std::int64_t batch = 1) {
  std::vector<std::vector<std::byte>> outputs = buffers_for(session.plan().outputs, batch);
  std::vector<const void*> from;
  std::vector<void*> to;
  for (const auto& input : inputs) from.push_back(input.data());
  for (auto& output : outputs) to.push_back(output.data());
  session.run(from.data(), to.data(), batch);
  return outputs;
}

}  // namespace riffle::testing
