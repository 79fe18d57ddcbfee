#include "engine/passes/choose_types.hpp"

namespace riffle::passes {

std::vector<NodeTypes> choose_types(const graph::Graph& graph, Type precision) {
  const auto has_weights = [](const graph::Node& node) {
    return std::holds_alternative<graph::Convolution>(node.operation) ||
           std::holds_alternative<graph::FullyConnected>(node.operation);
  };
  const auto sums_floats = [](const graph::Node& node) {
    return std::holds_alternative<graph::FullyConnected>(node.operation) ||
           std::holds_alternative<graph::Softmax>(node.operation);
  };
  std::vector<bool> is_read(graph.nodes.size(), false);  // by another node, or by the caller as something else than f32
  for (const graph::Node& node : graph.nodes) {
    for (const graph::NodeId input : node.inputs) is_read[static_cast<std::size_t>(input)] = true;
  }
  for (const graph::Output& output : graph.outputs) {
    if (output.type != Type::f32) is_read[static_cast<std::size_t>(output.node)] = true;
  }
  std::vector<NodeTypes> types;
  for (const graph::Node& node : graph.nodes) {
    NodeTypes& of = types.emplace_back();
    if (has_weights(node)) of.weights = precision;
    if (!sums_floats(node) || is_read[types.size() - 1]) of.result = precision;
  }
  return types;
}

}  // namespace riffle::passes
