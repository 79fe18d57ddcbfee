// A zero point a node and a scale a channel, for everything that a network computes in integers.
#pragma once

#include <cstdint>
#include <vector>

#include "quantise/agreement.hpp"
#include "quantise/statistics.hpp"

namespace riffle::quantise {

/// How scales come of ranges, for a group of nodes that share some. A channel's own scale is the least with which its
/// range is held; with S, the largest of the group, it has
///
///   scale = clip * S * (own / S) ^ spread
///
/// Spread 0 is one scale for all, 1 is each channel's own: finer numbers, and weights that differ more in a row of
/// those who read them, which makes their rounding coarser.
struct Choice {
  double clip = 1.0;
  double spread = 0.5;
};

/// What a table alone reads need not be held where the function hardly changes any more, as hard swish below -3: there
/// integers may saturate. Cuts such ranges off.
void leave_out_saturated(const graph::Graph& graph, const Agreement& agreement, Ranges& ranges);

class Scales {
 public:
  Scales(const graph::Graph& graph, const Agreement& agreement, const Ranges& ranges);

  [[nodiscard]] double scale(const passes::Channel& channel) const {
    return scales_[static_cast<std::size_t>(agreement_->scale_of_channel(channel))];
  }
  /// Of a node with integers.
  [[nodiscard]] std::int32_t zero_point(graph::NodeId id) const { return zero_points_[id]; }
  /// What a node's integers are multiples of: for Node::quantization.
  [[nodiscard]] double factor(graph::NodeId id) const;

  /// Groups of scales that are chosen together, in the network's order.
  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }
  [[nodiscard]] bool is_given(std::size_t group) const { return groups_[group].is_given; }  ///< no choice
  [[nodiscard]] bool has_spread(std::size_t group) const { return groups_[group].can_spread; }
  [[nodiscard]] const Choice& choice(std::size_t group) const { return groups_[group].choice; }
  void choose(std::size_t group, const Choice& choice);
  /// The same choices for other ranges of the same network.
  void choose_as(const Scales& other);
  /// Has no layer's results be larger than what kernels round the short way, whatever integers it reads, before bytes
  /// saturate: where they are far smaller on the samples, as those of a channel that is hardly ever above zero, their
  /// scales become larger. What that rounds off is less than what rounding the layer's weights does. Of the choices as
  /// they are.
  void hold_sums(const graph::ById<std::optional<Layer>>& layers);

  /// The groups on which a channel's scale depends: its own, and, where it is a multiple of others, theirs.
  void add_groups(const passes::Channel& channel, std::vector<bool>& groups) const;

 private:
  struct Group {
    Choice choice;
    std::vector<std::int32_t> scales;
    bool is_given = false, can_spread = false;
  };

  [[nodiscard]] std::vector<Range> held_by(graph::NodeId id) const;
  void choose_zero_points();
  void find_own_scales();
  void find_groups();
  void update();

  const graph::Graph* graph_;
  const Agreement* agreement_;
  const Ranges* ranges_;
  graph::ById<std::int32_t> zero_points_;
  std::vector<double> own_;                 // by scale: the least with which its channels' ranges are held
  std::vector<double> most_;                // by scale: the largest with which no byte is beyond an activation's bound
  std::vector<double> least_;               // by scale: the least that holds sums
  std::vector<double> scales_;              // by scale
  std::vector<graph::NodeId> multiple_of_;  // by scale: the node that makes it of its operand's, or -1
  std::vector<Group> groups_;
  std::vector<std::int32_t> group_of_;  // by scale
};

}  // namespace riffle::quantise
