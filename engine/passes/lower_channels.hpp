// The lowering of shuffle, split and concatenation: a logical channel is a name.
//
// After it, the nodes that only move channels (Slice, Concat, Shuffle, Gather) are no longer looked at: every operand
// of every other node is a list of names, "channel c of what node n computes", in the operand's logical order.
#pragma once

#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::passes {

/// A channel's name: who computes it, and which of its results it is.
struct Channel {
  graph::NodeId node = -1;
  std::int32_t index = 0;
  bool operator==(const Channel&) const = default;
};

using ChannelList = std::vector<Channel>;

struct LoweredChannels {
  graph::ById<bool> computes;                      ///< is a node more than a name for channels of others?
  graph::ById<std::vector<ChannelList>> operands;  ///< by operand; empty for nodes that compute nothing
  std::vector<ChannelList> outputs;                ///< by output of the graph
};

/// The graph verifies and has `shapes`.
LoweredChannels lower_channels(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes);

}  // namespace riffle::passes
