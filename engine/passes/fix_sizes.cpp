#include <algorithm>

#include "engine/passes/passes.hpp"

namespace riffle::passes {

void fix_sizes(Graph& graph) {
  const auto follows = [](const graph::Node& node) {
    return std::holds_alternative<graph::Resize>(node.operation) && node.inputs.size() == 2;
  };
  if (std::ranges::none_of(graph.nodes, follows)) return;
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  for (graph::Node& node : graph.nodes) {
    if (!follows(node)) continue;
    auto& resize = std::get<graph::Resize>(node.operation);
    resize.height = shapes[node.inputs[1]].h;
    resize.width = shapes[node.inputs[1]].w;
    node.inputs.pop_back();
  }
  remove_dead_nodes(graph);
}

}  // namespace riffle::passes
