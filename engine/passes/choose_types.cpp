#include "engine/passes/choose_types.hpp"

#include "engine/graph/quantization.hpp"

namespace riffle::passes {

graph::ById<NodeTypes> choose_types(const graph::Graph& graph, Type precision, Type bytes) {
  const graph::ById<graph::NumbersRead> read = graph::numbers_read(graph);
  const auto has_weights = [](const graph::Node& node) {
    return std::holds_alternative<graph::Convolution>(node.operation) ||
           std::holds_alternative<graph::FullyConnected>(node.operation);
  };
  const auto sums_floats = [](const graph::Node& node) {
    return std::holds_alternative<graph::FullyConnected>(node.operation) ||
           std::holds_alternative<graph::Softmax>(node.operation) ||
           std::holds_alternative<graph::Reduce>(node.operation);
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
    const bool reads_integers = !node.inputs.empty() && read[node.inputs[0]].integers;
    if (has_weights(node)) types[id].weights = reads_integers ? Type::i8 : precision;
    if (node.quantization || (reads_integers && graph::moves_numbers(node.operation))) {
      types[id].result = bytes;
    } else if (!reads_integers && (!sums_floats(node) || is_read[id])) {
      types[id].result = precision;
    }
  }
  return types;
}

}  // namespace riffle::passes
