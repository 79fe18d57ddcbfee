#include "engine/passes/passes.hpp"

namespace riffle::passes {

void remove_dead_nodes(Graph& graph) {
  std::vector<bool> live(graph.nodes.size(), false);
  live[0] = true;
  live[static_cast<std::size_t>(graph.output)] = true;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    if (!live[i]) continue;
    for (const graph::NodeId input : graph.nodes[i].inputs) live[static_cast<std::size_t>(input)] = true;
  }

  std::vector<graph::NodeId> moved(graph.nodes.size(), -1);
  std::vector<graph::Node> kept;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!live[i]) continue;
    graph::Node& node = graph.nodes[i];
    for (graph::NodeId& input : node.inputs) input = moved[static_cast<std::size_t>(input)];
    moved[i] = static_cast<graph::NodeId>(kept.size());
    kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
  graph.output = moved[static_cast<std::size_t>(graph.output)];
}

}  // namespace riffle::passes
