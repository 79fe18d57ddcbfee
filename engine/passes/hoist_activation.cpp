#include <algorithm>
#include <optional>

#include "engine/passes/passes.hpp"

namespace riffle::passes {
void hoist_activation(Graph& graph) {
  const auto readers = graph::reader_counts(graph);
  const std::size_t count = graph.nodes.size();
  // From the end to the beginning: wanted[id] is the activation that a node's result shall have because the one
  // behind it was taken away; `gone` are those activations. `held` are those behind which another stays: they stay
  // behind what moves channels, too, or that one could follow them.
  graph::ById<std::optional<graph::Activation>> wanted(count);
  graph::ById<bool> gone(count, false), held(count, false);
  // A literal of one pixel counts for every pixel of what it is joined with; what an activation makes of it does not.
  const auto moves_tensors = [&](const graph::Node& node) {
    return graph::only_moves(node.operation) && std::ranges::none_of(node.inputs, [&](graph::NodeId input) {
             return std::holds_alternative<graph::Literal>(graph.nodes[input].operation);
           });
  };
  // Some channels of what others read as well: in front of it an activation would compute all of them.
  const auto is_a_part = [&](const graph::Node& node) {
    const bool chooses =
        std::holds_alternative<graph::Slice>(node.operation) || std::holds_alternative<graph::Gather>(node.operation);
    return chooses && readers[node.inputs[0]] != 1;
  };
  const auto can_take = [&](graph::NodeId id, const graph::Activation& activation) {
    if (readers[id] != 1 || is_a_part(graph.nodes[id])) return false;
    const auto* before = std::get_if<graph::Activate>(&graph.nodes[id].operation);
    // Slopes are the channels', which are others, or in another order, before they are moved.
    return before != nullptr ? composed(before->kind, activation).has_value()
                             : activation.slopes.empty() && moves_tensors(graph.nodes[id]);
  };
  const auto give = [&](graph::NodeId id, const graph::Activation& activation, bool is_held) {
    const bool taken = can_take(id, activation) && !(is_held && graph::only_moves(graph.nodes[id].operation));
    if (taken) wanted[id] = activation;
    held[id] = readers[id] == 1 && (is_held || !taken);
    return taken;
  };
  for (std::size_t i = count; i-- > 0;) {
    graph::Node& node = graph.nodes[i];
    if (auto* activate = std::get_if<graph::Activate>(&node.operation)) {
      if (wanted[i]) activate->kind = *composed(activate->kind, *wanted[i]);
      gone[i] = give(node.inputs[0], activate->kind, held[i]);
    } else if (wanted[i]) {
      for (const graph::NodeId input : node.inputs) give(input, *wanted[i], false);
    }
  }

  graph::ById<graph::NodeId> moved(count, -1);
  graph::ById<graph::Node> nodes;
  nodes.swap(graph.nodes);
  for (std::size_t i = 0; i < count; ++i) {
    graph::Node& node = nodes[i];
    std::vector<graph::NodeId> inputs;
    for (const graph::NodeId input : node.inputs) {
      graph::NodeId operand = moved[input];
      if (wanted[i] && !std::holds_alternative<graph::Activate>(node.operation) && !wanted[input]) {
        operand = graph.add(joined({node.name, ".activation", inputs.size()}), graph::Activate{*wanted[i]}, {operand});
      }
      inputs.push_back(operand);
    }
    moved[i] = gone[i] ? inputs[0] : graph.add(std::move(node.name), std::move(node.operation), std::move(inputs));
  }
  for (graph::Output& output : graph.outputs) output.node = moved[output.node];
}

}  // namespace riffle::passes
