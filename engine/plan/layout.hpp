// The physical layout: a physical channel is a place. The plan and the trainer both have one; what it orders is the
// nodes of a graph for the one, layers for the other.
//
// Every node that computes has its results in one order, all channels of a pixel side by side. In which order they
// stand there is free for a convolution (its packed weights follow), and chosen by who reads them: channels that the
// same nodes read stand together, so that what a reader takes is a few long runs; what is only added to something else
// stands in that one's order, so that both are read in the same long runs. A channel-wise operation (depthwise,
// pooling, add ...) passes on the order in which it reads; the network's inputs are as the caller has it.
//
//   logical names            who reads them              results of node n
//   n.0 n.1 n.2 n.3 ...  ->  n.1 n.3: unit 2; rest: 3  ->  [n.1 n.3 | n.0 n.2]
//
// An order may be cut into parts, each of which then has its own memory: of a pixel, a part's channels are neighbours,
// those of two parts are not.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/lower_channels.hpp"

namespace riffle::plan {

/// A node's results, and in which order they may stand.
struct OrderRule {
  enum Kind : std::uint8_t {
    natural,           ///< as they are
    of_first_operand,  ///< as the first operand is read, whose channels they are one by one
    any                ///< within each of the groups
  };
  std::int32_t channels = 0;
  Kind kind = natural;
  std::int32_t groups = 1;  ///< of as many channels, one after the other
};

/// Neighbouring positions of a node's order that have memory of their own.
struct Part {
  std::int32_t first = 0, channels = 0;
};

/// Which of the parts, all of an order, has the position.
std::size_t part_at(std::span<const Part> parts, std::int32_t position);

/// Neighbouring channels of one part of a node's results.
struct PartRange {
  graph::NodeId node = -1;
  std::int32_t first = 0;  ///< position in the node's order, which goes through its parts
  std::int32_t channels = 0;
};

/// How a node reads an operand: the runs, and for each channel read which of the operand's logical channels it is.
struct Reading {
  std::vector<PartRange> runs;
  std::vector<std::int32_t> order;
};

/// order[i] == i everywhere.
std::vector<std::int32_t> natural_order(std::int32_t channels);
bool is_natural(std::span<const std::int32_t> order);

/// The order with each channel counted from where the group of its position begins, as packing has it.
std::vector<std::int32_t> within_groups(std::span<const std::int32_t> order, std::int32_t groups);

/// The channels in this order: result[i] is channels[order[i]].
passes::ChannelList permuted(std::span<const passes::Channel> channels, std::span<const std::int32_t> order);

/// Which nodes read a channel. All lists stand in one, channel after channel: a list of its own for each of a network's
/// thousands of channels would be most of what making a plan allocates.
class Readers {
 public:
  Readers(const graph::ById<OrderRule>& rules, const passes::LoweredChannels& lowered);

  /// Ascending, each once; the graph's outputs count as the last nodes.
  [[nodiscard]] std::span<const graph::NodeId> of(const passes::Channel& channel) const {
    const std::size_t at = index(channel);
    return std::span(readers_).subspan(begin_[at], begin_[at + 1] - begin_[at]);
  }

 private:
  [[nodiscard]] std::size_t index(const passes::Channel& channel) const {
    return first_[channel.node] + static_cast<std::size_t>(channel.index);
  }
  template <class F>
  void for_each(const passes::LoweredChannels& lowered, F&& f) const;

  graph::ById<std::size_t> first_;  // a node's first channel among all
  std::vector<std::size_t> begin_;  // by channel: where its readers begin; one more behind them
  std::vector<graph::NodeId> readers_;
};

class Layout {
 public:
  /// Chooses every node's order, in one part. rules[n] is node n's, whose operands are in `lowered`.
  Layout(const graph::ById<OrderRule>& rules, const passes::LoweredChannels& lowered);

  [[nodiscard]] const Readers& readers() const { return readers_; }

  /// order(n)[p] is the logical channel that stands at position p of node n's results.
  [[nodiscard]] std::span<const std::int32_t> order(graph::NodeId node) const { return order_[node]; }
  [[nodiscard]] std::int32_t position(const passes::Channel& channel) const {
    return position_[channel.node][static_cast<std::size_t>(channel.index)];
  }

  /// Where node n's order is cut.
  [[nodiscard]] std::span<const Part> parts(graph::NodeId node) const { return parts_[node]; }
  /// Cuts the last of the node's parts in two.
  void cut(graph::NodeId node, std::int32_t position);

  /// The indices of `channels` in the order of their places, each group's by itself.
  [[nodiscard]] std::vector<std::int32_t> sorted(std::span<const passes::Channel> channels,
                                                 std::int32_t groups = 1) const;
  /// The channels in the order of their places: fewest, longest runs.
  [[nodiscard]] Reading read_sorted(std::span<const passes::Channel> channels) const;
  /// The channels in the order given, neighbours joined where their places are neighbours.
  [[nodiscard]] std::vector<PartRange> read_in_order(std::span<const passes::Channel> channels) const;

 private:
  /// What stands already and is combined with all results of this node, channel by channel and in their order, by the
  /// only node that reads them; none where there is no such thing.
  [[nodiscard]] const passes::ChannelList* partner_of(graph::NodeId node, const graph::ById<OrderRule>& rules,
                                                      const passes::LoweredChannels& lowered) const;
  [[nodiscard]] std::vector<std::int32_t> by_readers(graph::NodeId node, const OrderRule& rule) const;
  void set_order(graph::NodeId node, std::vector<std::int32_t> order);

  Readers readers_;
  graph::ById<std::vector<std::int32_t>> order_;     // position -> channel
  graph::ById<std::vector<std::int32_t>> position_;  // channel -> position
  graph::ById<std::vector<Part>> parts_;
};

}  // namespace riffle::plan
