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

void fuse_activation(Graph& graph) {
  const auto readers = graph::reader_counts(graph);
  for (graph::Node& node : graph.nodes) {
    const auto* activate = std::get_if<graph::Activate>(&node.operation);
    if (activate == nullptr) continue;
    const graph::NodeId before = node.inputs[0];
    graph::Node producer = graph.nodes[before];
    graph::Activation* fused = graph::fused_activation(producer.operation);
    if (fused == nullptr || readers[before] != 1) continue;
    const std::optional<graph::Activation> both = composed(*fused, activate->kind);
    if (!both) continue;
    *fused = *both;
    node = std::move(producer);
  }
}

}  // namespace riffle::passes
