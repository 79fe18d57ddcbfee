#include "engine/plan/layout.hpp"

#include <algorithm>
#include <numeric>

namespace riffle::plan {

using graph::NodeId;
using passes::Channel;

namespace {

// Floats from which on half a tensor's memory is worth having back early.
constexpr std::int64_t large_tensor = 32 * 1024;

}  // namespace

bool is_channelwise(const graph::Node& node, std::int32_t channels) {
  const graph::Operation& operation = node.operation;
  if (const auto* convolution = std::get_if<graph::Convolution>(&operation)) {
    return graph::is_depthwise(*convolution, channels) && node.inputs.size() == 1;
  }
  return std::holds_alternative<graph::Activate>(operation) || std::holds_alternative<graph::Pool>(operation) ||
         std::holds_alternative<graph::GlobalAveragePool>(operation) || std::holds_alternative<graph::Add>(operation) ||
         std::holds_alternative<graph::Softmax>(operation);
}

Layout::Layout(const graph::Graph& graph, const std::vector<graph::Shape>& shapes,
               const passes::LoweredChannels& lowered)
    : order_(graph.nodes.size()), position_(graph.nodes.size()), blocks_(graph.nodes.size(), 1) {
  const std::size_t count = graph.nodes.size();
  // readers[n][c]: the steps that read channel c of node n, ascending; the graph's end counts as the last of them.
  std::vector<std::vector<std::vector<NodeId>>> readers(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (lowered.computes[i]) readers[i].resize(static_cast<std::size_t>(shapes[i].c));
  }
  const auto note_reader = [&](const passes::ChannelList& list, NodeId reader) {
    for (const Channel& channel : list) {
      std::vector<NodeId>& of =
          readers[static_cast<std::size_t>(channel.node)][static_cast<std::size_t>(channel.index)];
      if (of.empty() || of.back() != reader) of.push_back(reader);
    }
  };
  for (std::size_t i = 0; i < count; ++i) {
    for (const passes::ChannelList& operand : lowered.operands[i]) note_reader(operand, static_cast<NodeId>(i));
  }
  note_reader(lowered.output, static_cast<NodeId>(count));

  for (std::size_t i = 0; i < count; ++i) {
    if (!lowered.computes[i]) continue;
    const auto node = static_cast<NodeId>(i);
    const graph::Operation& operation = graph.nodes[i].operation;
    if (i != 0 && is_channelwise(graph.nodes[i], static_cast<std::int32_t>(lowered.operands[i][0].size()))) {
      set_order(node, read_sorted(lowered.operands[i][0]).order);
    } else {
      const auto* convolution = std::get_if<graph::Convolution>(&operation);
      order_by_readers(node, convolution == nullptr ? 1 : convolution->groups, readers[i]);
      if (convolution != nullptr && convolution->groups == 1 && graph::is_pointwise(*convolution) &&
          is_worth_halving(node, shapes[i], readers[i])) {
        blocks_[i] = 2;
      }
    }
  }
}

void Layout::order_by_readers(NodeId node, std::int32_t groups,
                              const std::vector<std::vector<NodeId>>& readers_of_channel) {
  std::vector<std::int32_t> order(readers_of_channel.size());
  std::iota(order.begin(), order.end(), 0);
  const auto each = static_cast<std::ptrdiff_t>(order.size()) / groups;
  for (auto group = order.begin(); group != order.end(); group += each) {
    std::stable_sort(group, group + each, [&](std::int32_t a, std::int32_t b) {
      return readers_of_channel[static_cast<std::size_t>(a)] < readers_of_channel[static_cast<std::size_t>(b)];
    });
  }
  set_order(node, std::move(order));
}

bool Layout::is_worth_halving(NodeId node, const graph::Shape& shape,
                              const std::vector<std::vector<NodeId>>& readers_of_channel) const {
  if (shape.size() < large_tensor || shape.c % 2 != 0) return false;
  const auto last_reader = [&](std::size_t begin, std::size_t end) {
    NodeId last = 0;
    for (std::size_t p = begin; p < end; ++p) {
      const auto& of = readers_of_channel[static_cast<std::size_t>(order(node)[p])];
      if (!of.empty()) last = std::max(last, of.back());
    }
    return last;
  };
  const auto channels = static_cast<std::size_t>(shape.c);
  return last_reader(0, channels / 2) < last_reader(channels / 2, channels);
}

void Layout::set_order(NodeId node, std::vector<std::int32_t> order) {
  std::vector<std::int32_t>& position = position_[static_cast<std::size_t>(node)];
  position.resize(order.size());
  for (std::size_t p = 0; p < order.size(); ++p) {
    position[static_cast<std::size_t>(order[p])] = static_cast<std::int32_t>(p);
  }
  order_[static_cast<std::size_t>(node)] = std::move(order);
}

Reading Layout::read_sorted(std::span<const Channel> channels) const {
  Reading reading;
  reading.order.resize(channels.size());
  std::iota(reading.order.begin(), reading.order.end(), 0);
  std::stable_sort(reading.order.begin(), reading.order.end(), [&](std::int32_t a, std::int32_t b) {
    const Channel &ca = channels[static_cast<std::size_t>(a)], &cb = channels[static_cast<std::size_t>(b)];
    return ca.node != cb.node ? ca.node < cb.node : position(ca) < position(cb);
  });
  std::vector<Channel> sorted;
  for (const std::int32_t index : reading.order) sorted.push_back(channels[static_cast<std::size_t>(index)]);
  reading.runs = read_in_order(sorted);
  return reading;
}

std::vector<PhysicalRun> Layout::read_in_order(std::span<const Channel> channels) const {
  std::vector<PhysicalRun> runs;
  for (const Channel& channel : channels) {
    const std::int32_t at = position(channel);
    const bool is_next = !runs.empty() && runs.back().node == channel.node &&
                         runs.back().first + runs.back().channels == at && at % block_channels(channel.node) != 0;
    if (is_next) {
      ++runs.back().channels;
    } else {
      runs.push_back({channel.node, at, 1});
    }
  }
  return runs;
}

}  // namespace riffle::plan
