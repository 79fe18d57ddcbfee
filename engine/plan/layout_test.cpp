// In which order results stand, and in how many runs they are read: no result shows it.
#include "engine/plan/layout.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "base/text.hpp"

namespace riffle::plan {
namespace {

using graph::NodeId;
using passes::ChannelList;
using Order = std::vector<std::int32_t>;

/// Nodes of so many results each, which read lists of others'.
struct Nodes {
  graph::ById<OrderRule> rules;
  passes::LoweredChannels lowered;

  NodeId add(OrderRule rule, std::vector<ChannelList> operands = {}) {
    rules.push_back(rule);
    lowered.computes.push_back(true);
    lowered.operands.push_back(std::move(operands));
    return rules.end_id() - 1;
  }
  [[nodiscard]] ChannelList all(NodeId node) const {
    ChannelList list;
    for (std::int32_t c = 0; c < rules[node].channels; ++c) list.push_back({node, c});
    return list;
  }
  [[nodiscard]] Order order(NodeId node) const {
    const Layout layout(rules, lowered);
    return {layout.order(node).begin(), layout.order(node).end()};
  }
};

ChannelList of(NodeId node, std::initializer_list<std::int32_t> indices) {
  ChannelList list;
  for (const std::int32_t index : indices) list.push_back({node, index});
  return list;
}

constexpr OrderRule natural(std::int32_t channels) { return {channels, OrderRule::natural}; }
constexpr OrderRule as_read(std::int32_t channels) { return {channels, OrderRule::of_first_operand}; }
constexpr OrderRule any(std::int32_t channels, std::int32_t groups = 1) { return {channels, OrderRule::any, groups}; }

std::string text(const std::vector<PartRange>& runs) {
  std::string result;
  for (const PartRange& run : runs) {
    result += joined({result.empty() ? "" : " ", run.node, ":", run.first, "+", run.channels});
  }
  return result;
}

TEST(Layout, ChannelsThatTheSameNodesReadStandTogether) {
  Nodes nodes;
  const NodeId x = nodes.add(any(6));
  nodes.add(natural(1), {of(x, {1, 3})});
  nodes.add(natural(1), {of(x, {0, 3, 4}), of(x, {0})});
  nodes.lowered.outputs = {of(x, {2}), of(x, {5, 1})};
  // By who reads them: 1: {1, output 1}, 3: {1, 2}, 0 and 4: {2}, 2: {output 0}, 5: {output 1}.
  EXPECT_EQ(nodes.order(x), (Order{3, 1, 0, 4, 2, 5}));
  const Layout layout(nodes.rules, nodes.lowered);
  const auto readers = [&](std::int32_t channel) {
    const auto all = layout.readers().of({x, channel});
    return std::vector<NodeId>(all.begin(), all.end());
  };
  EXPECT_EQ(readers(0), (std::vector<NodeId>{2})) << "each reader once";
  EXPECT_EQ(readers(1), (std::vector<NodeId>{1, 4}));
  EXPECT_EQ(readers(5), (std::vector<NodeId>{4}));
  for (std::int32_t c = 0; c < 6; ++c) EXPECT_EQ(layout.order(x)[static_cast<std::size_t>(layout.position({x, c}))], c);
  nodes.rules[x].groups = 2;
  EXPECT_EQ(nodes.order(x), (Order{1, 0, 2, 3, 4, 5})) << "each group by itself";
  nodes.rules[x].kind = OrderRule::natural;
  EXPECT_EQ(nodes.order(x), (Order{0, 1, 2, 3, 4, 5}));
}

TEST(Layout, WhatHasNoOrderOfItsOwnStandsAsItsOperandIsRead) {
  Nodes nodes;
  const NodeId x = nodes.add(any(4)), y = nodes.add(any(2));
  nodes.add(natural(1), {of(x, {2})});
  const NodeId max = nodes.add(as_read(4), {ChannelList{{y, 1}, {x, 3}, {x, 2}, {y, 0}}});
  EXPECT_EQ(nodes.order(x), (Order{0, 1, 2, 3})) << "what nobody reads is first";
  EXPECT_EQ(nodes.order(max), (Order{2, 1, 3, 0}));
}

/// What is only added to something else stands in that one's order.
class Partner : public ::testing::Test {
 protected:
  void SetUp() override {
    x = nodes.add(any(4));
    nodes.add(natural(1), {of(x, {3})});
    y = nodes.add(any(4));
  }
  NodeId add_sum(std::vector<ChannelList> operands) { return nodes.add(as_read(4), std::move(operands)); }
  const Order own = {0, 1, 2, 3};
  Nodes nodes;
  NodeId x = 0, y = 0;
};

TEST_F(Partner, IsTheOperandBesideIt) {
  Nodes second = nodes;
  add_sum({nodes.all(x), nodes.all(y)});
  ASSERT_EQ(nodes.order(x), (Order{3, 0, 1, 2}));
  EXPECT_EQ(nodes.order(y), (Order{3, 0, 1, 2}));
  second.add(as_read(4), {second.all(y), of(x, {1, 3, 0, 2})});
  EXPECT_EQ(second.order(y), (Order{1, 2, 0, 3})) << "as the first operand";
}

TEST_F(Partner, IsNoneOfWhatOthersReadAsWell) {
  add_sum({nodes.all(x), nodes.all(y)});
  nodes.add(natural(1), {of(y, {0})});
  EXPECT_EQ(nodes.order(y), (Order{1, 2, 3, 0}));
}

TEST_F(Partner, IsNoneOfWhatTheCallerGets) {
  nodes.lowered.outputs = {nodes.all(y)};
  EXPECT_EQ(nodes.order(y), own);
}

TEST_F(Partner, IsNoneOfGroups) {
  nodes.rules[y].groups = 2;
  add_sum({nodes.all(x), nodes.all(y)});
  EXPECT_EQ(nodes.order(y), own);
}

TEST_F(Partner, IsNoneWhereTheReaderHasAnOrderOfItsOwn) {
  nodes.rules[add_sum({nodes.all(x), nodes.all(y)})].kind = OrderRule::any;
  EXPECT_EQ(nodes.order(y), own);
}

TEST_F(Partner, IsNoneOfOneOperandOrThree) {
  Nodes three = nodes;
  add_sum({nodes.all(y)});
  EXPECT_EQ(nodes.order(y), own);
  three.add(as_read(4), {three.all(x), three.all(y), three.all(x)});
  EXPECT_EQ(three.order(y), own);
}

TEST_F(Partner, IsNoneOfAPartOrAnotherNumberOfChannels) {
  Nodes part = nodes, wider = nodes, shuffled = nodes, mixed = nodes;
  part.rules[y].channels = 5;
  part.add(as_read(4), {part.all(x), of(y, {0, 1, 2, 3})});
  EXPECT_EQ(part.order(y), (Order{4, 0, 1, 2, 3})) << "nobody reads the fifth";
  const NodeId z = wider.add(any(1));
  ChannelList five = wider.all(x);
  five.push_back({z, 0});
  wider.add(as_read(5), {wider.all(y), five});
  EXPECT_EQ(wider.order(y), own);
  shuffled.add(as_read(4), {shuffled.all(x), of(y, {0, 1, 3, 2})});
  EXPECT_EQ(shuffled.order(y), own);
  mixed.add(as_read(4), {mixed.all(x), ChannelList{{y, 0}, {x, 0}, {y, 2}, {y, 3}}});
  EXPECT_EQ(mixed.order(y), (Order{1, 0, 2, 3}));
}

TEST_F(Partner, IsNoneOfWhatStandsLater) {
  const NodeId z = nodes.add(any(4));
  nodes.add(natural(1), {of(z, {0, 2})});
  add_sum({nodes.all(z), nodes.all(y)});
  EXPECT_EQ(nodes.order(y), own);
  EXPECT_EQ(nodes.order(z), (Order{0, 2, 1, 3}));
  nodes.lowered.operands.back()[0] = {{z, 0}, {x, 1}, {x, 2}, {x, 3}};
  EXPECT_EQ(nodes.order(y), own) << "nor a part of it";
}

TEST_F(Partner, IsNotItself) {
  add_sum({of(y, {3, 2, 1, 0}), nodes.all(y)});
  EXPECT_EQ(nodes.order(y), own);
}

TEST(Layout, RunsAreAsLongAsTheyCanBe) {
  Nodes nodes;
  const NodeId x = nodes.add(natural(8)), y = nodes.add(natural(4));
  Layout layout(nodes.rules, nodes.lowered);
  const ChannelList list = {{y, 2}, {x, 5}, {x, 6}, {x, 0}, {x, 7}, {y, 3}, {x, 1}};
  EXPECT_EQ(text(layout.read_in_order(list)), "1:2+1 0:5+2 0:0+1 0:7+1 1:3+1 0:1+1");
  const Reading sorted = layout.read_sorted(list);
  EXPECT_EQ(text(sorted.runs), "0:0+2 0:5+3 1:2+2");
  EXPECT_EQ(sorted.order, (Order{3, 6, 1, 2, 4, 0, 5}));
  EXPECT_EQ(layout.sorted(of(x, {3, 1, 0, 2, 7, 6}), 2), (Order{2, 1, 0, 3, 5, 4}));
  EXPECT_EQ(layout.sorted(of(x, {3, 1, 0, 2, 7, 6}), 3), (Order{1, 0, 2, 3, 5, 4}));

  layout.cut(x, 2);
  layout.cut(x, 6);
  EXPECT_EQ(text(layout.read_in_order(nodes.all(x))), "0:0+2 0:2+4 0:6+2");
  EXPECT_EQ(text(layout.read_in_order(of(x, {1, 2, 3, 5, 6}))), "0:1+1 0:2+2 0:5+1 0:6+1");
  const std::span<const Part> parts = layout.parts(x);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(layout.parts(y).size(), 1U);
  const std::size_t at[] = {0, 0, 1, 1, 1, 1, 2, 2};
  for (std::int32_t p = 0; p < 8; ++p) EXPECT_EQ(part_at(parts, p), at[p]);
}

TEST(Layout, OrdersAreCountedWithinTheirGroups) {
  EXPECT_EQ(within_groups(Order{1, 0, 2, 5, 3, 4}, 2), (Order{1, 0, 2, 2, 0, 1}));
  EXPECT_EQ(within_groups(Order{1, 0, 2}, 1), (Order{1, 0, 2}));
  EXPECT_TRUE(is_natural(natural_order(3)));
  EXPECT_FALSE(is_natural(Order{0, 2, 1}));
  EXPECT_FALSE(is_natural(Order{1}));
  EXPECT_EQ(permuted(of(7, {4, 5, 6}), Order{2, 0}), of(7, {6, 4}));
}

}  // namespace
}  // namespace riffle::plan
