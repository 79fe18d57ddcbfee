// Which kernel computes a convolution: decided in one place, for the layout of its results depends on it, too.
#pragma once

#include <cstdint>

#include "engine/graph/graph.hpp"
#include "engine/passes/lower_channels.hpp"
#include "engine/plan/plan.hpp"

namespace riffle::plan {

enum class ConvolutionKind : std::uint8_t {
  stem,       ///< of all of one of the network's inputs, at most 4 planes, which it reads where the caller has them
  depthwise,  ///< one filter a channel: passes on the order in which it reads
  pointwise,  ///< 1x1, in groups; the one kind that may write its results into two blocks
  general
};

/// Of node `id`, a convolution. The graph has `shapes` and was lowered to `lowered`.
ConvolutionKind convolution_kind(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes,
                                 const passes::LoweredChannels& lowered, graph::NodeId id, const Without& without);

/// Is the list all of one node's channels, in their order?
bool is_whole(const passes::ChannelList& list, graph::NodeId node, std::int32_t channels);

}  // namespace riffle::plan
