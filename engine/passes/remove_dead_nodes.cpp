#include <algorithm>

#include "engine/passes/passes.hpp"

namespace riffle::passes {

void remove_dead_nodes(Graph& graph) {
  std::vector<bool> live(graph.nodes.size(), false);
  std::fill_n(live.begin(), graph.input_count(), true);
  for (const graph::Output& output : graph.outputs) live[static_cast<std::size_t>(output.node)] = true;
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
  for (graph::Output& output : graph.outputs) output.node = moved[static_cast<std::size_t>(output.node)];
}

}  // namespace riffle::passes
