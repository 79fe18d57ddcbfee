#include "engine/passes/passes.hpp"

namespace riffle::passes {

void fix_sizes(Graph& graph) {
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  for (graph::Node& node : graph.nodes) {
    auto* resize = std::get_if<graph::Resize>(&node.operation);
    if (resize == nullptr || node.inputs.size() != 2) continue;
    resize->height = shapes[node.inputs[1]].h;
    resize->width = shapes[node.inputs[1]].w;
    node.inputs.pop_back();
  }
  remove_dead_nodes(graph);
}

}  // namespace riffle::passes
