#include <algorithm>

#include "engine/passes/passes.hpp"

namespace riffle::passes {

std::optional<graph::Activation> composed(const graph::Activation& first, const graph::Activation& second) {
  if (second == graph::Activation::none) return first;
  if (first.function != kernels::Function::none) return std::nullopt;
  const auto& [lower, upper] = second.bounds;
  graph::Activation both = second;
  both.bounds = {std::clamp(first.bounds.lower, lower, upper), std::clamp(first.bounds.upper, lower, upper)};
  return both;
}

namespace {

/// Where integers are rounded is a part of what a graph computes: nothing but a table leaves it as it is, behind what
/// computes integers of others.
bool may_follow(const graph::Activate& activate, const graph::Node& node, const graph::Node& producer) {
  if (!node.quantization && !producer.quantization) return true;
  return producer.quantization && activate.kind.function == kernels::Function::table &&
         !std::holds_alternative<graph::Activate>(producer.operation);
}

}  // namespace

void fuse_activation(Graph& graph) {
  const auto readers = graph::reader_counts(graph);
  for (graph::Node& node : graph.nodes) {
    const auto* activate = std::get_if<graph::Activate>(&node.operation);
    if (activate == nullptr) continue;
    const graph::NodeId before = node.inputs[0];
    graph::Node producer = graph.nodes[before];
    graph::Activation* fused = graph::fused_activation(producer.operation);
    if (fused == nullptr || readers[before] != 1 || !may_follow(*activate, node, producer)) continue;
    const std::optional<graph::Activation> both = composed(*fused, activate->kind);
    if (!both) continue;
    *fused = *both;
    if (node.quantization) producer.quantization->zero_point = node.quantization->zero_point;
    node = std::move(producer);
  }
}

}  // namespace riffle::passes
