#include "engine/plan/block_layout.hpp"

#include <algorithm>

#include "engine/plan/convolution_kind.hpp"

namespace riffle::plan {

using graph::NodeId;

namespace {

// Numbers from which on half a tensor's memory is worth having back early.
constexpr std::int64_t large_tensor = 32 * 1024;

/// The last node that reads any of the channels, or 0.
NodeId last_reader(const Layout& layout, NodeId node, std::span<const std::int32_t> channels) {
  NodeId last = 0;
  for (const std::int32_t channel : channels) {
    const std::span<const NodeId> of = layout.readers().of({node, channel});
    if (!of.empty()) last = std::max(last, of.back());
  }
  return last;
}

bool is_worth_halving(const Layout& layout, NodeId node, const graph::Shape& shape) {
  if (shape.size() < large_tensor || shape.c % 2 != 0) return false;
  const std::span<const std::int32_t> order = layout.order(node);
  return last_reader(layout, node, order.first(order.size() / 2)) <
         last_reader(layout, node, order.last(order.size() / 2));
}

OrderRule::Kind order_of(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes, NodeId id) {
  const graph::Node& node = graph.nodes[id];
  const auto* softmax = std::get_if<graph::Softmax>(&node.operation);
  const bool is_of_neighbours =
      std::holds_alternative<graph::Reduce>(node.operation) || (softmax != nullptr && softmax->groups > 1);
  if (node.inputs.empty() || is_of_neighbours || graph::moves_numbers(node.operation)) return OrderRule::natural;
  if (!graph::is_channelwise(node.operation)) return OrderRule::any;
  // A first operand of one channel has no order.
  return shapes[node.inputs[0]].c == shapes[id].c ? OrderRule::of_first_operand : OrderRule::natural;
}

}  // namespace

Layout block_layout(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes,
                    const passes::LoweredChannels& lowered, const Without& without) {
  graph::ById<OrderRule> rules(graph.nodes.size());
  std::vector<NodeId> pointwise;  // of one group
  for (NodeId node = 0; node < graph.nodes.end_id(); ++node) {
    if (!lowered.computes[node]) continue;
    const graph::Operation& operation = graph.nodes[node].operation;
    OrderRule& rule = rules[node];
    rule.channels = shapes[node].c;
    const auto* convolution = std::get_if<graph::Convolution>(&operation);
    if (convolution == nullptr) {
      rule.kind = order_of(graph, shapes, node);
    } else {
      const ConvolutionKind kind = convolution_kind(graph, shapes, lowered, node, without);
      rule.kind = kind == ConvolutionKind::depthwise ? OrderRule::of_first_operand : OrderRule::any;
      rule.groups = convolution->groups;
      if (kind == ConvolutionKind::pointwise && convolution->groups == 1) pointwise.push_back(node);
    }
    if (without.order && rule.kind == OrderRule::any) rule.kind = OrderRule::natural;
  }
  Layout layout(rules, lowered);
  for (const NodeId node : pointwise) {
    if (!without.halves && is_worth_halving(layout, node, shapes[node])) layout.cut(node, shapes[node].c / 2);
  }
  return layout;
}

}  // namespace riffle::plan
