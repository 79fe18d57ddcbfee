// Which nodes compute in integers, and what those that meet have to agree on.
//
// A channel's scale is its own as long as layers alone read it, which have it in their weights. It has to agree with
// another channel's where the integers themselves meet: in an add, in a residual, in what a pooling makes of them. A
// zero point has to agree where one number stands for zero in all channels that a node reads: at the border of an
// image, in a mean, in a sum.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/passes/lower_channels.hpp"
#include "quantise/quantise.hpp"

namespace riffle::quantise {

/// How a node's integers come by their scales.
enum class Origin : std::uint8_t {
  none,    ///< there are no integers, or they are an operand's: a maximum, a resize, what only moves numbers
  chosen,  ///< a layer's, an input's, those made of real numbers: whatever is chosen
  given,   ///< an input's of u8: the caller's bytes
  scaled,  ///< an average's, a sum's, a leaky ReLU's: its operand's times a factor of the node's
};

struct Agreement {
  graph::ById<graph::Shape> shapes;
  passes::LoweredChannels lowered;

  graph::ById<bool> reads_integers;
  graph::ById<bool> makes_integers;
  graph::ById<bool> is_converted;  ///< its results are real, and somebody reads integers of them

  graph::ById<Origin> origin;
  /// By channel, of nodes with integers: channels with one number have one scale.
  graph::ById<std::vector<std::int32_t>> scale_of;
  std::int32_t scale_count = 0;
  /// Of nodes with integers: nodes with one number have one zero point.
  graph::ById<std::int32_t> zero_of;

  /// The first operand's channel of which a node that computes by channel makes its own.
  [[nodiscard]] const passes::Channel& source_of(const passes::Channel& channel) const {
    const passes::ChannelList& from = lowered.operands[channel.node][0];
    return from[from.size() == 1 ? 0 : static_cast<std::size_t>(channel.index)];
  }
  [[nodiscard]] bool has_integers(graph::NodeId id) const { return makes_integers[id] || is_converted[id]; }
  [[nodiscard]] std::int32_t scale_of_channel(const passes::Channel& channel) const {
    return scale_of[channel.node][static_cast<std::size_t>(channel.index)];
  }
};

/// Does the node make of integers what a table says, of a function of its own?
bool is_tabulated(const graph::Operation& operation);
/// Has every channel a table of its own?
inline bool has_table_a_channel(const graph::Activation& activation) { return !activation.slopes.empty(); }
/// Is it the larger by a factor the larger its operand is, so that tables tell nothing but a ratio of scales?
bool is_homogeneous(const graph::Activation& activation);

/// `keep`: by node, whether it stays as it is.
Agreement agree(const graph::Graph& graph, const graph::ById<bool>& keep);

/// Is the node a convolution whose weights multiply that operand, which is not its residual?
bool multiplies(const graph::Node& node, graph::NodeId operand);

/// Does the activation have a bound that no zero point is?
bool has_other_bounds(const graph::Operation& operation);

}  // namespace riffle::quantise
