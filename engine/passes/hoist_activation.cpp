#include <optional>

#include "engine/passes/passes.hpp"

namespace riffle::passes {
void hoist_activation(Graph& graph) {
  const auto readers = graph::reader_counts(graph);
  const std::size_t count = graph.nodes.size();
  // From the end to the beginning: wanted[i] is the activation that node i's result shall have because the one
  // behind it was taken away; `gone` are those activations. `held` are those behind which another stays: they stay
  // behind what moves channels, too, or that one could follow them.
  std::vector<std::optional<graph::Activation>> wanted(count);
  std::vector<bool> gone(count, false), held(count, false);
  const auto can_take = [&](graph::NodeId id, const graph::Activation& activation) {
    const auto i = static_cast<std::size_t>(id);
    if (readers[i] != 1) return false;
    const auto* before = std::get_if<graph::Activate>(&graph.nodes[i].operation);
    return before != nullptr ? composed(before->kind, activation).has_value()
                             : graph::moves_channels(graph.nodes[i].operation);
  };
  const auto give = [&](graph::NodeId id, const graph::Activation& activation, bool is_held) {
    const auto i = static_cast<std::size_t>(id);
    const bool taken = can_take(id, activation) && !(is_held && graph::moves_channels(graph.nodes[i].operation));
    if (taken) wanted[i] = activation;
    held[i] = readers[i] == 1 && (is_held || !taken);
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

  std::vector<graph::NodeId> moved(count, -1);
  std::vector<graph::Node> nodes;
  nodes.swap(graph.nodes);
  for (std::size_t i = 0; i < count; ++i) {
    graph::Node& node = nodes[i];
    std::vector<graph::NodeId> inputs;
    for (const graph::NodeId input : node.inputs) {
      const auto from = static_cast<std::size_t>(input);
      graph::NodeId operand = moved[from];
      if (wanted[i] && !std::holds_alternative<graph::Activate>(node.operation) && !wanted[from]) {
        operand = graph.add(joined({node.name, ".activation", inputs.size()}), graph::Activate{*wanted[i]}, {operand});
      }
      inputs.push_back(operand);
    }
    moved[i] = gone[i] ? inputs[0] : graph.add(std::move(node.name), std::move(node.operation), std::move(inputs));
  }
  for (graph::Output& output : graph.outputs) output.node = moved[static_cast<std::size_t>(output.node)];
}

}  // namespace riffle::passes
