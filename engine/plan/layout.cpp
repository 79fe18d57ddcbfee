#include "engine/plan/layout.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "base/sort.hpp"

namespace riffle::plan {

using graph::NodeId;
using passes::Channel;

namespace {

/// Sorts each of the groups by itself, stably.
void sort_groups(std::span<std::int32_t> order, std::int32_t groups, IsBefore is_before) {
  const std::size_t each = order.size() / static_cast<std::size_t>(groups);
  for (; !order.empty(); order = order.subspan(each)) sort_indices(order.first(each), is_before);
}

}  // namespace

std::size_t part_at(std::span<const Part> parts, std::int32_t position) {
  std::size_t p = 0;
  while (position >= parts[p].first + parts[p].channels) ++p;
  return p;
}

std::vector<std::int32_t> natural_order(std::int32_t channels) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(channels));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

bool is_natural(std::span<const std::int32_t> order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<std::int32_t>(i)) return false;
  }
  return true;
}

std::vector<std::int32_t> within_groups(std::span<const std::int32_t> order, std::int32_t groups) {
  const auto each = static_cast<std::int32_t>(order.size()) / groups;
  std::vector<std::int32_t> result(order.begin(), order.end());
  for (std::int32_t p = 0; p < static_cast<std::int32_t>(result.size()); ++p) {
    result[static_cast<std::size_t>(p)] -= p / each * each;
  }
  return result;
}

passes::ChannelList permuted(std::span<const Channel> channels, std::span<const std::int32_t> order) {
  passes::ChannelList result;
  result.reserve(order.size());
  for (const std::int32_t index : order) result.push_back(channels[static_cast<std::size_t>(index)]);
  return result;
}

Readers::Readers(const graph::ById<OrderRule>& rules, const passes::LoweredChannels& lowered) {
  std::size_t channels = 0;
  for (const OrderRule& rule : rules) {
    first_.push_back(channels);
    channels += static_cast<std::size_t>(rule.channels);
  }
  begin_.resize(channels + 1, 0);
  for_each(lowered, [&](std::size_t channel, NodeId) { ++begin_[channel + 1]; });
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  readers_.resize(begin_.back());
  std::vector<std::size_t> next = begin_;
  for_each(lowered, [&](std::size_t channel, NodeId reader) { readers_[next[channel]++] = reader; });
}

/// f(channel, reader) once for every pair of the two, by readers.
template <class F>
void Readers::for_each(const passes::LoweredChannels& lowered, F&& f) const {
  std::vector<NodeId> last(begin_.size(), -1);  // by channel
  const auto read = [&](const passes::ChannelList& list, NodeId by) {
    for (const Channel& channel : list) {
      const std::size_t at = index(channel);
      if (std::exchange(last[at], by) != by) f(at, by);
    }
  };
  NodeId reader = 0;
  for (; reader < lowered.operands.end_id(); ++reader) {
    for (const passes::ChannelList& operand : lowered.operands[reader]) read(operand, reader);
  }
  for (const passes::ChannelList& output : lowered.outputs) read(output, reader++);
}

Layout::Layout(const graph::ById<OrderRule>& rules, const passes::LoweredChannels& lowered)
    : readers_(rules, lowered), order_(rules.size()), position_(rules.size()), parts_(rules.size()) {
  for (NodeId node = 0; node < rules.end_id(); ++node) {
    const OrderRule& rule = rules[node];
    parts_[node] = {{0, rule.channels}};
    switch (rule.kind) {
      case OrderRule::natural:
        set_order(node, natural_order(rule.channels));
        break;
      case OrderRule::of_first_operand:
        set_order(node, sorted(lowered.operands[node][0]));
        break;
      case OrderRule::any: {
        const passes::ChannelList* partner = partner_of(node, rules, lowered);
        set_order(node, partner != nullptr ? sorted(*partner) : by_readers(node, rule));
        break;
      }
    }
  }
}

const passes::ChannelList* Layout::partner_of(NodeId node, const graph::ById<OrderRule>& rules,
                                              const passes::LoweredChannels& lowered) const {
  const std::span<const NodeId> readers = readers_.of({node, 0});
  if (rules[node].groups != 1 || readers.size() != 1 || readers[0] >= rules.end_id()) return nullptr;
  const auto& operands = lowered.operands[readers[0]];
  if (rules[readers[0]].kind != OrderRule::of_first_operand || operands.size() != 2) return nullptr;
  const bool is_second = operands[1][0].node == node;
  const passes::ChannelList &own = operands[is_second ? 1 : 0], &partner = operands[is_second ? 0 : 1];
  if (own.size() != partner.size() || static_cast<std::int32_t>(own.size()) != rules[node].channels) return nullptr;
  for (std::size_t c = 0; c < own.size(); ++c) {
    if (own[c].node != node || own[c].index != static_cast<std::int32_t>(c) || partner[c].node >= node) return nullptr;
  }
  return &partner;
}

std::vector<std::int32_t> Layout::by_readers(NodeId node, const OrderRule& rule) const {
  std::vector<std::int32_t> order = natural_order(rule.channels);
  sort_groups(order, rule.groups, [&](std::int32_t a, std::int32_t b) {
    return std::ranges::lexicographical_compare(readers_.of({node, a}), readers_.of({node, b}));
  });
  return order;
}

void Layout::set_order(NodeId node, std::vector<std::int32_t> order) {
  std::vector<std::int32_t>& position = position_[node];
  position.resize(order.size());
  for (std::size_t p = 0; p < order.size(); ++p) {
    position[static_cast<std::size_t>(order[p])] = static_cast<std::int32_t>(p);
  }
  order_[node] = std::move(order);
}

void Layout::cut(NodeId node, std::int32_t position) {
  std::vector<Part>& parts = parts_[node];
  const Part last = parts.back();
  parts.back().channels = position - last.first;
  parts.push_back({position, last.first + last.channels - position});
}

std::vector<std::int32_t> Layout::sorted(std::span<const Channel> channels, std::int32_t groups) const {
  std::vector<std::int32_t> order = natural_order(static_cast<std::int32_t>(channels.size()));
  sort_groups(order, groups, [&](std::int32_t a, std::int32_t b) {
    const Channel &ca = channels[static_cast<std::size_t>(a)], &cb = channels[static_cast<std::size_t>(b)];
    return std::pair(ca.node, position(ca)) < std::pair(cb.node, position(cb));
  });
  return order;
}

Reading Layout::read_sorted(std::span<const Channel> channels) const {
  std::vector<std::int32_t> order = sorted(channels);
  return {read_in_order(permuted(channels, order)), std::move(order)};
}

std::vector<PartRange> Layout::read_in_order(std::span<const Channel> channels) const {
  std::vector<PartRange> runs;
  std::int32_t end = 0;  // of the part that the last run is in
  for (const Channel& channel : channels) {
    const std::int32_t at = position(channel);
    if (!runs.empty() && runs.back().node == channel.node && runs.back().first + runs.back().channels == at &&
        at != end) {
      ++runs.back().channels;
    } else {
      const std::span<const Part> of = parts(channel.node);
      const Part& part = of[part_at(of, at)];
      end = part.first + part.channels;
      runs.push_back({channel.node, at, 1});
    }
  }
  return runs;
}

}  // namespace riffle::plan
