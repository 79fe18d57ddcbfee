#include "engine/passes/passes.hpp"

namespace riffle::passes {

void remove_identities(Graph& graph) {
  std::vector<graph::NodeId> stands_for(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    graph::Node& node = graph.nodes[i];
    for (graph::NodeId& input : node.inputs) input = stands_for[static_cast<std::size_t>(input)];
    const auto* activate = std::get_if<graph::Activate>(&node.operation);
    const bool is_identity = activate != nullptr && activate->kind == graph::Activation::none;
    stands_for[i] = is_identity ? node.inputs[0] : static_cast<graph::NodeId>(i);
  }
  for (graph::Output& output : graph.outputs) output.node = stands_for[static_cast<std::size_t>(output.node)];
}

}  // namespace riffle::passes
