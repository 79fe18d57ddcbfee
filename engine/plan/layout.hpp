// The physical layout: a physical channel is a place.
//
// Every node that computes owns one block, all its channels of a pixel side by side. In which order they stand there
// is free for a convolution (its packed weights follow), and chosen by who reads them: channels that the same steps
// read stand together, so that what a reader takes is a few long runs. A channel-wise operation (depthwise, pooling,
// add ...) passes on the order in which it reads; the network's inputs are as the caller has it.
//
//   logical names            who reads them              block of node n
//   n.0 n.1 n.2 n.3 ...  ->  n.1 n.3: unit 2; rest: 3  ->  [n.1 n.3 | n.0 n.2]
//
// Where half of a large tensor's channels is done with earlier than the rest (the half that V2's next unit takes), the
// two halves are blocks of their own: the memory of the first is soon free.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/lower_channels.hpp"
#include "engine/plan/plan.hpp"

namespace riffle::plan {

/// Neighbouring channels of one of a node's blocks.
struct BlockRange {
  graph::NodeId node = -1;
  std::int32_t first = 0;  ///< position in the node's order, which goes through its blocks
  std::int32_t channels = 0;
};

/// How a step reads an operand: the runs, and for each channel read which of the operand's logical channels it is.
struct Reading {
  std::vector<BlockRange> runs;
  std::vector<std::int32_t> order;
};

/// Is order[i] == i everywhere?
bool is_natural(std::span<const std::int32_t> order);

class Readers;

class Layout {
 public:
  /// Chooses every block's order. The graph has `shapes` and was lowered to `lowered`; all three outlive the layout.
  /// The network's inputs are in their natural order: the step that reads the caller's planes knows no other.
  Layout(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes, const passes::LoweredChannels& lowered,
         const Without& without);

  /// order(n)[p] is the logical channel that stands at position p of node n's block.
  [[nodiscard]] std::span<const std::int32_t> order(graph::NodeId node) const { return order_[node]; }

  /// Into how many blocks of equally many channels node n's order is cut: 1 or 2.
  [[nodiscard]] std::int32_t blocks(graph::NodeId node) const { return blocks_[node]; }

  /// The block, among the node's, in which a channel stands.
  [[nodiscard]] std::int32_t block_of(const passes::Channel& channel) const {
    return position(channel) / block_channels(channel.node);
  }
  [[nodiscard]] std::int32_t block_channels(graph::NodeId node) const {
    return static_cast<std::int32_t>(order(node).size()) / blocks(node);
  }

  /// The channels in the order of their places: fewest, longest runs.
  [[nodiscard]] Reading read_sorted(std::span<const passes::Channel> channels) const;

  /// The channels in the order given, neighbours joined where their places are neighbours.
  [[nodiscard]] std::vector<BlockRange> read_in_order(std::span<const passes::Channel> channels) const;

 private:
  void order_by_readers(graph::NodeId node, std::int32_t channels, std::int32_t groups, const Readers& readers);
  [[nodiscard]] bool is_worth_halving(graph::NodeId node, const graph::Shape& shape, const Readers& readers) const;
  void set_order(graph::NodeId node, std::vector<std::int32_t> order);
  [[nodiscard]] std::int32_t position(const passes::Channel& channel) const {
    return position_[channel.node][static_cast<std::size_t>(channel.index)];
  }

  graph::ById<std::vector<std::int32_t>> order_;     // position -> channel
  graph::ById<std::vector<std::int32_t>> position_;  // channel -> position
  graph::ById<std::int32_t> blocks_;
};

}  // namespace riffle::plan
