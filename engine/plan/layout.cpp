#include "engine/plan/layout.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/plan/convolution_kind.hpp"

namespace riffle::plan {

using graph::NodeId;
using passes::Channel;

namespace {

// Floats from which on half a tensor's memory is worth having back early.
constexpr std::int64_t large_tensor = 32 * 1024;

std::vector<std::int32_t> natural_order(std::int32_t channels) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(channels));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

}  // namespace

bool is_natural(std::span<const std::int32_t> order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<std::int32_t>(i)) return false;
  }
  return true;
}

/// Which steps read a channel. All lists stand in one, channel after channel: a list of its own for each of a network's
/// thousands of channels would be most of what making a plan allocates.
class Readers {
 public:
  Readers(const graph::ById<graph::Shape>& shapes, const passes::LoweredChannels& lowered) {
    std::size_t channels = 0;
    for (const graph::Shape& shape : shapes) {
      first_.push_back(channels);
      channels += static_cast<std::size_t>(shape.c);
    }
    begin_.resize(channels + 1, 0);
    for_each(lowered, [&](std::size_t channel, NodeId) { ++begin_[channel + 1]; });
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    readers_.resize(begin_.back());
    std::vector<std::size_t> next = begin_;
    for_each(lowered, [&](std::size_t channel, NodeId reader) { readers_[next[channel]++] = reader; });
  }

  /// Ascending; the graph's outputs count as the last steps.
  [[nodiscard]] std::span<const NodeId> of(NodeId node, std::int32_t channel) const {
    const std::size_t at = first_[node] + static_cast<std::size_t>(channel);
    return std::span(readers_).subspan(begin_[at], begin_[at + 1] - begin_[at]);
  }

 private:
  /// f(channel, reader) once for every pair of the two, by readers.
  template <class F>
  void for_each(const passes::LoweredChannels& lowered, F&& f) const {
    std::vector<NodeId> last(begin_.size(), -1);  // by channel
    const auto read = [&](const passes::ChannelList& list, NodeId reader) {
      for (const Channel& channel : list) {
        const std::size_t at = first_[channel.node] + static_cast<std::size_t>(channel.index);
        if (std::exchange(last[at], reader) != reader) f(at, reader);
      }
    };
    NodeId reader = 0;
    for (; reader < lowered.operands.end_id(); ++reader) {
      for (const passes::ChannelList& operand : lowered.operands[reader]) read(operand, reader);
    }
    for (const passes::ChannelList& output : lowered.outputs) read(output, reader++);
  }

  graph::ById<std::size_t> first_;  // a node's first channel among all
  std::vector<std::size_t> begin_;  // by channel: where its readers begin; one more behind them
  std::vector<NodeId> readers_;
};

Layout::Layout(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes,
               const passes::LoweredChannels& lowered, const Without& without)
    : order_(graph.nodes.size()), position_(graph.nodes.size()), blocks_(graph.nodes.size(), 1) {
  const Readers readers(shapes, lowered);
  const auto order = [&](NodeId node, std::int32_t channels, std::int32_t groups) {
    if (without.order) return set_order(node, natural_order(channels));
    order_by_readers(node, channels, groups, readers);
  };
  for (NodeId node = 0; node < graph.nodes.end_id(); ++node) {
    if (!lowered.computes[node]) continue;
    const graph::Operation& operation = graph.nodes[node].operation;
    const auto* convolution = std::get_if<graph::Convolution>(&operation);
    if (std::holds_alternative<graph::Input>(operation)) {
      set_order(node, natural_order(shapes[node].c));
    } else if (convolution == nullptr && graph::is_channelwise(operation)) {
      set_order(node, read_sorted(lowered.operands[node][0]).order);
    } else if (convolution == nullptr) {
      order(node, shapes[node].c, 1);
    } else if (const auto kind = convolution_kind(graph, shapes, lowered, node, without);
               kind == ConvolutionKind::depthwise) {
      set_order(node, read_sorted(lowered.operands[node][0]).order);
    } else {
      order(node, shapes[node].c, convolution->groups);
      if (!without.halves && kind == ConvolutionKind::pointwise && convolution->groups == 1 &&
          is_worth_halving(node, shapes[node], readers)) {
        blocks_[node] = 2;
      }
    }
  }
}

void Layout::order_by_readers(NodeId node, std::int32_t channels, std::int32_t groups, const Readers& readers) {
  std::vector<std::int32_t> order = natural_order(channels);
  const auto each = static_cast<std::ptrdiff_t>(order.size()) / groups;
  for (auto group = order.begin(); group != order.end(); group += each) {
    std::stable_sort(group, group + each, [&](std::int32_t a, std::int32_t b) {
      return std::ranges::lexicographical_compare(readers.of(node, a), readers.of(node, b));
    });
  }
  set_order(node, std::move(order));
}

bool Layout::is_worth_halving(NodeId node, const graph::Shape& shape, const Readers& readers) const {
  if (shape.size() < large_tensor || shape.c % 2 != 0) return false;
  const auto last_reader = [&](std::size_t begin, std::size_t end) {
    NodeId last = 0;
    for (std::size_t p = begin; p < end; ++p) {
      const std::span<const NodeId> of = readers.of(node, order(node)[p]);
      if (!of.empty()) last = std::max(last, of.back());
    }
    return last;
  };
  const auto channels = static_cast<std::size_t>(shape.c);
  return last_reader(0, channels / 2) < last_reader(channels / 2, channels);
}

void Layout::set_order(NodeId node, std::vector<std::int32_t> order) {
  std::vector<std::int32_t>& position = position_[node];
  position.resize(order.size());
  for (std::size_t p = 0; p < order.size(); ++p) {
    position[static_cast<std::size_t>(order[p])] = static_cast<std::int32_t>(p);
  }
  order_[node] = std::move(order);
}

Reading Layout::read_sorted(std::span<const Channel> channels) const {
  Reading reading;
  reading.order = natural_order(static_cast<std::int32_t>(channels.size()));
  std::stable_sort(reading.order.begin(), reading.order.end(), [&](std::int32_t a, std::int32_t b) {
    const Channel &ca = channels[static_cast<std::size_t>(a)], &cb = channels[static_cast<std::size_t>(b)];
    return ca.node != cb.node ? ca.node < cb.node : position(ca) < position(cb);
  });
  std::vector<Channel> sorted;
  for (const std::int32_t index : reading.order) sorted.push_back(channels[static_cast<std::size_t>(index)]);
  reading.runs = read_in_order(sorted);
  return reading;
}

std::vector<BlockRange> Layout::read_in_order(std::span<const Channel> channels) const {
  std::vector<BlockRange> runs;
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
