#include "quantise/scales.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "quantise/disjoint_sets.hpp"

namespace riffle::quantise {
namespace {

using graph::NodeId;
using passes::Channel;

/// Of the largest scale of its group, the least part that a channel has: one that is hardly ever anything but zero
/// would have none.
constexpr double least_part = 1.0 / 1024;

/// Of a layer's results in integers: 16 bits hold them, a zero point, and what rounding adds to weights
/// (kernels::small_results).
constexpr double most_result = 0x1.cp14;

/// The least scale with which the range is held.
double scale_for(const Range& range, std::int32_t zero_point) {
  const double above = range.upper > 0.0 ? range.upper / std::max(255 - zero_point, 1) : 0.0;
  const double below = range.lower < 0.0 ? -range.lower / std::max(zero_point, 1) : 0.0;
  return std::max(above, below);
}

bool has_one_scale(const std::vector<std::int32_t>& scales) {
  return std::ranges::all_of(scales, [&](std::int32_t scale) { return scale == scales[0]; });
}

/// Of the range, the part between its ends beyond which the function changes by no more than `step`.
Range changing(const graph::Activation& activation, std::int64_t channel, const Range& range, double step) {
  const kernels::FunctionArgs function = graph::function_args(activation);
  const double least = activation.bounds.lower, most = activation.bounds.upper;
  const auto f = [&](double x) { return kernels::reference_of(function, std::clamp(x, least, most), channel); };
  constexpr int parts = 1024;
  const double part = (range.upper - range.lower) / parts, first = f(range.lower), last = f(range.upper);
  int lower = 0, upper = parts;
  while (lower < upper && std::abs(f(range.lower + (lower + 1) * part) - first) <= step) ++lower;
  while (upper > lower && std::abs(f(range.lower + (upper - 1) * part) - last) <= step) --upper;
  return {range.lower + lower * part, range.lower + upper * part};
}

}  // namespace

void leave_out_saturated(const graph::Graph& graph, const Agreement& agreement, Ranges& ranges) {
  graph::ById<std::int32_t> readers(graph.nodes.size(), 0);  // nodes that read some of its channels
  for (NodeId id = 0; id < readers.end_id(); ++id) {
    for (const passes::ChannelList& operand : agreement.lowered.operands[id]) {
      NodeId last = -1;
      for (const Channel& channel : operand) readers[channel.node] += std::exchange(last, channel.node) != channel.node;
    }
  }
  for (const passes::ChannelList& output : agreement.lowered.outputs) {
    for (const Channel& channel : output) ++readers[channel.node];
  }
  for (NodeId id = 0; id < readers.end_id(); ++id) {
    if (!agreement.reads_integers[id] || !is_tabulated(graph.nodes[id].operation) || ranges[id].empty()) continue;
    const graph::Activation& kind = std::get<graph::Activate>(graph.nodes[id].operation).kind;
    if (is_homogeneous(kind)) continue;  // which changes everywhere
    double size = 0.0;
    for (const Range& range : ranges[id]) size = std::max({size, range.upper, -range.lower});
    const passes::ChannelList& operand = agreement.lowered.operands[id][0];
    for (std::size_t c = 0; c < operand.size(); ++c) {
      if (readers[operand[c].node] != 1 || ranges[operand[c].node].empty()) continue;
      Range& range = ranges[operand[c].node][static_cast<std::size_t>(operand[c].index)];
      range = changing(kind, static_cast<std::int64_t>(c), range, size / 1024);
    }
  }
}

Scales::Scales(const graph::Graph& graph, const Agreement& agreement, const Ranges& ranges)
    : graph_(&graph), agreement_(&agreement), ranges_(&ranges) {
  choose_zero_points();
  find_own_scales();
  find_groups();
  update();
}

/// By channel, what a node's integers have to hold: of the caller's, all that a byte may be.
std::vector<Range> Scales::held_by(NodeId id) const {
  if (agreement_->origin[id] != Origin::given) return (*ranges_)[id];
  const auto& [scale, zero_point] = std::get<graph::Input>(graph_->nodes[id].operation).quantization;
  const double unit = static_cast<double>(scale);
  return std::vector<Range>(agreement_->scale_of[id].size(), {-unit * zero_point, unit * (255 - zero_point)});
}

void Scales::choose_zero_points() {
  graph::ById<Range> held(graph_->nodes.size());  // by zero point: what has to be held; 0 always is
  graph::ById<bool> is_given(held.size(), false);
  for (NodeId id = 0; id < held.end_id(); ++id) {
    if (!agreement_->has_integers(id)) continue;
    if (agreement_->origin[id] == Origin::given) is_given[agreement_->zero_of[id]] = true;
    Range& range = held[agreement_->zero_of[id]];
    for (const Range& channel : held_by(id)) {
      range.lower = std::min(range.lower, channel.lower);
      range.upper = std::max(range.upper, channel.upper);
    }
  }
  for (NodeId id = 0; id < held.end_id(); ++id) {
    const auto [lower, upper] = held[agreement_->zero_of[id]];
    const double width = upper - lower, zero = width > 0.0 ? -255.0 * lower / width : 0.0;
    // Of its own choice an even one, to which numbers are rounded as to 0: kernels add it and round at once.
    const double even = std::min(2.0 * std::nearbyint(zero / 2.0), 254.0);
    zero_points_.push_back(static_cast<std::int32_t>(is_given[agreement_->zero_of[id]] ? std::nearbyint(zero) : even));
  }
}

void Scales::find_own_scales() {
  own_.assign(static_cast<std::size_t>(agreement_->scale_count), 0.0);
  most_.assign(own_.size(), std::numeric_limits<double>::infinity());
  for (NodeId id = 0; id < graph_->nodes.end_id(); ++id) {
    if (!agreement_->has_integers(id)) continue;
    const std::vector<Range> held = held_by(id);
    for (std::size_t c = 0; c < agreement_->scale_of[id].size(); ++c) {
      double& own = own_[static_cast<std::size_t>(agreement_->scale_of[id][c])];
      own = std::max(own, scale_for(held[c], zero_points_[id]));
    }
    // Channels whose scales differ have no bound in common.
    if (!has_other_bounds(graph_->nodes[id].operation) || has_one_scale(agreement_->scale_of[id])) continue;
    const auto bound = static_cast<double>(graph::fused_activation(graph_->nodes[id].operation)->bounds.upper);
    for (const std::int32_t scale : agreement_->scale_of[id]) {
      most_[static_cast<std::size_t>(scale)] = bound / std::max(255 - zero_points_[id], 1);
    }
  }
  least_.assign(own_.size(), 0.0);
  scales_ = own_;
}

void Scales::find_groups() {
  DisjointSets sets(own_.size());
  multiple_of_.assign(own_.size(), -1);
  for (NodeId id = 0; id < graph_->nodes.end_id(); ++id) {
    if (!agreement_->has_integers(id) || agreement_->origin[id] == Origin::none) continue;
    for (const std::int32_t scale : agreement_->scale_of[id]) {
      sets.join(agreement_->scale_of[id][0], scale);
      if (agreement_->origin[id] == Origin::scaled) multiple_of_[static_cast<std::size_t>(scale)] = id;
    }
  }
  group_of_.assign(own_.size(), -1);
  std::vector<std::int32_t> numbers(own_.size(), -1);
  for (std::int32_t scale = 0; scale < static_cast<std::int32_t>(own_.size()); ++scale) {
    std::int32_t& number = numbers[static_cast<std::size_t>(sets.set_of(scale))];
    if (number < 0) {
      number = static_cast<std::int32_t>(groups_.size());
      groups_.emplace_back();
    }
    group_of_[static_cast<std::size_t>(scale)] = number;
    groups_[static_cast<std::size_t>(number)].scales.push_back(scale);
  }
  for (NodeId id = 0; id < graph_->nodes.end_id(); ++id) {
    if (agreement_->origin[id] != Origin::given) continue;
    groups_[static_cast<std::size_t>(group_of_[static_cast<std::size_t>(agreement_->scale_of[id][0])])].is_given = true;
  }
  for (Group& group : groups_) {
    group.can_spread = group.scales.size() > 1 && multiple_of_[static_cast<std::size_t>(group.scales[0])] < 0;
  }
}

void Scales::choose(std::size_t group, const Choice& choice) {
  groups_[group].choice = choice;
  update();
}

void Scales::choose_as(const Scales& other) {
  for (std::size_t g = 0; g < groups_.size(); ++g) groups_[g].choice = other.groups_[g].choice;
  update();
}

void Scales::hold_sums(const graph::ById<std::optional<Layer>>& layers) {
  for (NodeId id = 0; id < layers.end_id(); ++id) {
    if (!layers[id] || !agreement_->reads_integers[id] || !agreement_->makes_integers[id]) continue;
    const Matrix& matrix = layers[id]->matrix;
    const std::vector<float>& bias = layers[id]->bias;
    if (matrix.is_average) continue;
    const passes::ChannelList& operand = agreement_->lowered.operands[id][0];
    for (std::int32_t o = 0; o < matrix.groups * matrix.outputs; ++o) {
      const auto first = static_cast<std::size_t>(o / matrix.outputs * matrix.inputs);
      double upper = bias.empty() ? 0.0 : static_cast<double>(bias[static_cast<std::size_t>(o)]), lower = upper;
      const std::span<const float> row = matrix.row(o);
      for (std::size_t k = 0; k < row.size(); ++k) {
        const Channel& from = operand[first + k / static_cast<std::size_t>(matrix.taps)];
        const double weight = static_cast<double>(row[k]) * scale(from);
        const double above = weight * (255 - zero_points_[from.node]), below = -weight * zero_points_[from.node];
        upper += std::max(above, below);
        lower += std::min(above, below);
      }
      const auto result = static_cast<std::size_t>(agreement_->scale_of_channel({id, o}));
      if (is_given(static_cast<std::size_t>(group_of_[result]))) continue;
      least_[result] = std::min(std::max({least_[result], upper / most_result, -lower / most_result}), most_[result]);
    }
    update();  // those behind it read what it makes
  }
}

void Scales::update() {
  for (const Group& group : groups_) {
    double largest = 0.0;
    for (const std::int32_t scale : group.scales) largest = std::max(largest, own_[static_cast<std::size_t>(scale)]);
    if (largest == 0.0) largest = 1.0;  // of nothing but zeros: whatever it is
    for (const std::int32_t scale : group.scales) {
      const auto i = static_cast<std::size_t>(scale);
      const double part = std::max(own_[i] / largest, least_part);
      scales_[i] = std::clamp(group.choice.clip * largest * std::pow(part, group.choice.spread), least_[i], most_[i]);
    }
  }
  for (NodeId id = 0; id < graph_->nodes.end_id(); ++id) {
    if (agreement_->origin[id] != Origin::scaled) continue;
    const std::vector<std::int32_t>& to = agreement_->scale_of[id];
    const auto source = [&](std::size_t c) { return scale(agreement_->source_of({id, static_cast<std::int32_t>(c)})); };
    double factor = 0.0;
    for (std::size_t c = 0; c < to.size(); ++c) {
      factor = std::max(factor, own_[static_cast<std::size_t>(to[c])] / source(c));
    }
    if (factor == 0.0) factor = 1.0;
    factor *= groups_[static_cast<std::size_t>(group_of_[static_cast<std::size_t>(to[0])])].choice.clip;
    for (std::size_t c = 0; c < to.size(); ++c) scales_[static_cast<std::size_t>(to[c])] = factor * source(c);
  }
}

double Scales::factor(NodeId id) const {
  const double own = scale({id, 0});
  if (!agreement_->reads_integers[id]) return own;
  const graph::Operation& operation = graph_->nodes[id].operation;
  if (std::holds_alternative<graph::Convolution>(operation) ||
      std::holds_alternative<graph::FullyConnected>(operation) || is_tabulated(operation)) {
    return 1.0;
  }
  const double first = scale(agreement_->lowered.operands[id][0][0]);
  const auto* binary = std::get_if<graph::Binary>(&operation);
  const bool is_product = binary != nullptr && binary->kind == graph::BinaryKind::multiply;
  const double factor = own / (is_product ? first * scale(agreement_->lowered.operands[id][1][0]) : first);
  // Of what is always 0 it is whatever f32 has room for.
  constexpr double least = std::numeric_limits<float>::min(), most = std::numeric_limits<float>::max();
  return std::clamp(factor, least, most);
}

void Scales::add_groups(const Channel& channel, std::vector<bool>& groups) const {
  const auto scale = static_cast<std::size_t>(agreement_->scale_of_channel(channel));
  groups[static_cast<std::size_t>(group_of_[scale])] = true;
  const NodeId maker = multiple_of_[scale];
  if (maker < 0) return;
  // The factor depends on all of the node's channels.
  for (const Channel& from : agreement_->lowered.operands[maker][0]) add_groups(from, groups);
}

}  // namespace riffle::quantise
