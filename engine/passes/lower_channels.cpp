#include "engine/passes/lower_channels.hpp"

#include <optional>

namespace riffle::passes {
namespace {

/// The names of a node's results if it only moves channels, nothing if it computes.
std::optional<ChannelList> moved_channels(const graph::Operation& operation,
                                          const std::vector<const ChannelList*>& operands) {
  if (const auto* slice = std::get_if<graph::Slice>(&operation)) {
    const auto first = operands[0]->begin() + slice->first;
    return ChannelList(first, first + slice->count);
  }
  if (std::holds_alternative<graph::Concat>(operation)) {
    ChannelList result;
    for (const ChannelList* operand : operands) result.insert(result.end(), operand->begin(), operand->end());
    return result;
  }
  if (const auto* shuffle = std::get_if<graph::Shuffle>(&operation)) {
    const ChannelList& in = *operands[0];
    const std::size_t groups = static_cast<std::size_t>(shuffle->groups), each = in.size() / groups;
    ChannelList result(in.size());
    for (std::size_t h = 0; h < groups; ++h) {
      for (std::size_t j = 0; j < each; ++j) result[j * groups + h] = in[h * each + j];
    }
    return result;
  }
  if (const auto* gather = std::get_if<graph::Gather>(&operation)) {
    ChannelList result;
    for (const std::int32_t channel : gather->channels) {
      result.push_back((*operands[0])[static_cast<std::size_t>(channel)]);
    }
    return result;
  }
  return std::nullopt;
}

}  // namespace

LoweredChannels lower_channels(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes) {
  const std::size_t count = graph.nodes.size();
  LoweredChannels lowered;
  lowered.computes.resize(count, false);
  lowered.operands.resize(count);
  graph::ById<ChannelList> names(count);  // of each node's results
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const graph::Node& node = graph.nodes[id];
    std::vector<const ChannelList*> operands;
    for (const graph::NodeId input : node.inputs) operands.push_back(&names[input]);
    if (std::optional<ChannelList> moved = moved_channels(node.operation, operands)) {
      names[id] = std::move(*moved);
      continue;
    }
    lowered.computes[id] = true;
    for (const ChannelList* operand : operands) lowered.operands[id].push_back(*operand);
    for (std::int32_t c = 0; c < shapes[id].c; ++c) names[id].push_back({id, c});
  }
  for (const graph::Output& output : graph.outputs) lowered.outputs.push_back(names[output.node]);
  return lowered;
}

}  // namespace riffle::passes
