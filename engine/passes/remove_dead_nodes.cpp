#include <algorithm>

#include "engine/passes/passes.hpp"

namespace riffle::passes {

void remove_dead_nodes(Graph& graph) {
  graph::ById<bool> live(graph.nodes.size(), false);
  std::fill_n(live.begin(), graph.input_count(), true);
  for (const graph::Output& output : graph.outputs) live[output.node] = true;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    if (!live[i]) continue;
    for (const graph::NodeId input : graph.nodes[i].inputs) live[input] = true;
  }

  graph::ById<graph::NodeId> moved(graph.nodes.size(), -1);
  graph::ById<graph::Node> kept;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!live[i]) continue;
    graph::Node& node = graph.nodes[i];
    for (graph::NodeId& input : node.inputs) input = moved[input];
    moved[i] = kept.end_id();
    kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
  for (graph::Output& output : graph.outputs) output.node = moved[output.node];
}

}  // namespace riffle::passes
