#include "trainer/network/result_order.hpp"

#include <algorithm>

namespace riffle::trainer {
namespace {

// Channels of the narrowest part: a line of memory holds twice as many.
constexpr std::int32_t least_part = 8;

plan::OrderRule rule_of(const Layer& layer) {
  if (std::holds_alternative<graph::Input>(layer.operation)) return {layer.out.c, plan::OrderRule::natural};
  const auto* convolution = std::get_if<graph::Convolution>(&layer.operation);
  if (convolution == nullptr || is_depthwise(layer)) return {layer.out.c, plan::OrderRule::of_first_operand};
  return {layer.out.c, plan::OrderRule::any, convolution->groups};
}

void cut_between_readers(plan::Layout& layout, graph::NodeId layer) {
  const std::span<const std::int32_t> order = layout.order(layer);
  const auto readers_at = [&](std::int32_t position) {
    return layout.readers().of({layer, order[static_cast<std::size_t>(position)]});
  };
  const auto channels = static_cast<std::int32_t>(order.size());
  for (std::int32_t p = least_part; p + least_part <= channels; ++p) {
    if (p - layout.parts(layer).back().first >= least_part && !std::ranges::equal(readers_at(p - 1), readers_at(p))) {
      layout.cut(layer, p);
    }
  }
}

}  // namespace

plan::Layout order_results(const Trace& trace) {
  graph::ById<plan::OrderRule> rules;
  for (const Layer& layer : trace.layers) rules.push_back(rule_of(layer));
  plan::Layout layout(rules, trace.channels);
  for (graph::NodeId i = 0; i < rules.end_id(); ++i) {
    // The first convolution does not write matrices, of which parts could be taken.
    if (rules[i].kind == plan::OrderRule::any && trace.channels.operands[i][0][0].node != 0) {
      cut_between_readers(layout, i);
    }
  }
  return layout;
}

}  // namespace riffle::trainer
