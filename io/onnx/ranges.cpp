#include "io/onnx/ranges.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/graph/quantization.hpp"

namespace riffle::onnx {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using kernels::Clamp;

using Ranges = graph::ById<std::optional<Clamp>>;

void widen(std::optional<Clamp>& range, const Clamp& by) {
  range = range ? Clamp{std::min(range->lower, by.lower), std::max(range->upper, by.upper)} : by;
}

/// What a byte of u8 can stand for.
Clamp range_of(const Quantization& quantization) {
  const std::int32_t lower = -quantization.zero_point, upper = 255 - quantization.zero_point;
  return {quantization.scale * static_cast<float>(lower), quantization.scale * static_cast<float>(upper)};
}

bool is_max_pool(const graph::Operation& operation) {
  const auto* pool = std::get_if<graph::Pool>(&operation);
  return pool != nullptr && pool->kind == graph::PoolKind::max;
}

/// By node that computes. A tensor may be quantised behind what only moves or selects its numbers, and in several
/// places: then it has the range of all of them, but for what has been quantised before it got there.
Ranges ranges_of(const Graph& graph, const Conversions& conversions) {
  Ranges ranges(graph.nodes.size());
  for (NodeId id = graph.nodes.end_id() - 1; id >= 0; --id) {
    const Node& node = graph.nodes[id];
    std::optional<Clamp>& range = ranges[id];
    if (conversions.dequantised.contains(id)) range.reset();
    if (node.quantization) range = range_of(*node.quantization);
    const bool moves = graph::only_moves(node.operation);
    const bool passes_on = node.quantization || moves || is_max_pool(node.operation);
    if (!range || !passes_on) continue;
    for (const NodeId input : node.inputs) widen(ranges[input], *range);
    if (!is_max_pool(node.operation)) range.reset();
  }
  return ranges;
}

/// Do the node's integers stand for what the file's QuantizeLinear made them of?
void expect_one_scale(const Graph& graph, NodeId id, float scale) {
  const auto& quantization = graph.nodes[graph.nodes[id].inputs[0]].quantization;
  if (quantization && quantization->scale == scale) return;
  throw Error({"DequantizeLinear node '", graph.nodes[id].name,
               "': its scale is not that of QuantizeLinear, so that there is no range to take; convert without "
               "--folded"});
}

}  // namespace

Ranged in_floats(const Graph& graph, const Conversions& conversions) {
  if (!conversions.looked_up.empty()) {
    throw Error({"Gather node '", graph.nodes[conversions.looked_up.begin()->first].name,
                 "': a table of integers is no function of real numbers; convert without --folded"});
  }
  const Ranges ranges = ranges_of(graph, conversions);
  Ranged result{graph, {}};
  Graph& to = result.graph;
  to.nodes.clear();
  graph::ById<NodeId> place;
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    Node node = graph.nodes[id];
    const auto dequantised = conversions.dequantised.find(id);
    if (dequantised != conversions.dequantised.end()) expect_one_scale(graph, id, dequantised->second);
    if (dequantised != conversions.dequantised.end() || node.quantization || conversions.rounded.contains(id)) {
      place.push_back(place[node.inputs[0]]);
      continue;
    }
    for (NodeId& input : node.inputs) input = place[input];
    to.nodes.push_back(std::move(node));
    place.push_back(to.nodes.end_id() - 1);
    if (const auto* input = std::get_if<graph::Input>(&graph.nodes[id].operation)) {
      const auto& [scale, zero_point] = input->quantization;
      const bool is_bytes = is_quantised(input->type);
      const Clamp of_type = range_of({scale, zero_point + (input->type == Type::i8 ? 128 : 0)});
      result.inputs.push_back(ranges[id].value_or(is_bytes ? of_type : Clamp{}));
    } else if (ranges[id]) {
      place[id] = to.add(graph.nodes[id].name, graph::Activate{{*ranges[id]}}, {place[id]});
    }
  }
  for (graph::Output& output : to.outputs) {
    if (graph.nodes[output.node].quantization) {
      throw Error({"the output '", output.name, "' is integers that layers read, too; convert without --folded"});
    }
    output.node = place[output.node];
  }
  return result;
}

}  // namespace riffle::onnx
