#include "engine/passes/choose_types.hpp"

namespace riffle::passes {

graph::ById<NodeTypes> choose_types(const graph::Graph& graph, Type precision) {
  const auto has_weights = [](const graph::Node& node) {
    return std::holds_alternative<graph::Convolution>(node.operation) ||
           std::holds_alternative<graph::FullyConnected>(node.operation);
  };
  const auto sums_floats = [](const graph::Node& node) {
    return std::holds_alternative<graph::FullyConnected>(node.operation) ||
           std::holds_alternative<graph::Softmax>(node.operation);
  };
  graph::ById<bool> is_read(graph.nodes.size(), false);  // by another node, or by the caller as something else than f32
  for (const graph::Node& node : graph.nodes) {
    for (const graph::NodeId input : node.inputs) is_read[input] = true;
  }
  for (const graph::Output& output : graph.outputs) {
    if (output.type != Type::f32) is_read[output.node] = true;
  }
  graph::ById<NodeTypes> types(graph.nodes.size());
  for (graph::NodeId id = 0; id < types.end_id(); ++id) {
    const graph::Node& node = graph.nodes[id];
    if (has_weights(node)) types[id].weights = precision;
    if (!sums_floats(node) || is_read[id]) types[id].result = precision;
  }
  return types;
}

}  // namespace riffle::passes
