#include "engine/passes/passes.hpp"

namespace riffle::passes {

void remove_identities(Graph& graph) {
  graph::ById<graph::NodeId> stands_for(graph.nodes.size());
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    graph::Node& node = graph.nodes[id];
    for (graph::NodeId& input : node.inputs) input = stands_for[input];
    const auto* activate = std::get_if<graph::Activate>(&node.operation);
    const bool is_identity = activate != nullptr && activate->kind == graph::Activation::none;
    stands_for[id] = is_identity ? node.inputs[0] : id;
  }
  for (graph::Output& output : graph.outputs) output.node = stands_for[output.node];
}

}  // namespace riffle::passes
