#include <algorithm>

#include "engine/passes/passes.hpp"

namespace riffle::passes {
graph::Activation composed(graph::Activation first, graph::Activation second) {
  static_assert(graph::Activation::none < graph::Activation::relu &&
                graph::Activation::relu < graph::Activation::relu6);
  return std::max(first, second);
}

void fuse_activation(Graph& graph) {
  const auto readers = graph::readers(graph);
  for (graph::Node& node : graph.nodes) {
    const auto* activate = std::get_if<graph::Activate>(&node.operation);
    if (activate == nullptr) continue;
    const auto before = static_cast<std::size_t>(node.inputs[0]);
    graph::Node producer = graph.nodes[before];
    graph::Activation* fused = graph::fused_activation(producer.operation);
    if (fused == nullptr || readers[before].size() != 1 || node.inputs[0] == graph.output) continue;
    *fused = composed(*fused, activate->kind);
    node = std::move(producer);
  }
}

}  // namespace riffle::passes
