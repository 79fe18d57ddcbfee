#include <algorithm>

#include "engine/passes/passes.hpp"

namespace riffle::passes {

void fuse_residual(Graph& graph) {
  const auto readers = graph::reader_counts(graph);
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  // The kernels with an epilogue for a residual are pointwise and the general convolution.
  const auto takes_residual = [&](graph::NodeId id) {
    const graph::Node& node = graph.nodes[id];
    const auto* convolution = std::get_if<graph::Convolution>(&node.operation);
    return convolution != nullptr && node.inputs.size() == 1 &&
           !std::holds_alternative<graph::Input>(graph.nodes[node.inputs[0]].operation) &&  // the stem has none, either
           convolution->activation == graph::Activation::none && readers[id] == 1 &&
           !graph::is_depthwise(*convolution, shapes[node.inputs[0]].c);
  };
  for (graph::Node& node : graph.nodes) {
    const auto* add = graph::as_sum(node.operation);
    if (add == nullptr || node.inputs[0] == node.inputs[1]) continue;
    if (shapes[node.inputs[0]] != shapes[node.inputs[1]]) continue;
    // The later operand, if it can: its result is the one that is still warm.
    graph::NodeId last = std::max(node.inputs[0], node.inputs[1]), other = std::min(node.inputs[0], node.inputs[1]);
    if (!takes_residual(last)) std::swap(last, other);
    if (!takes_residual(last)) continue;
    const graph::Node& producer = graph.nodes[last];
    graph::Convolution convolution = std::get<graph::Convolution>(producer.operation);
    convolution.activation = add->activation;
    node = {producer.name, std::move(convolution), {producer.inputs[0], other}};
  }
}

}  // namespace riffle::passes
