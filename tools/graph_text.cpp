#include "tools/graph_text.hpp"

#include <map>
#include <utility>

namespace riffle::tools {
namespace {

/// ", ReLU6", or nothing.
std::string activation_text(const graph::Operation& operation) {
  const graph::Activation* activation = graph::fused_activation(operation);
  if (activation == nullptr || *activation == graph::Activation::none) return "";
  return ", " + graph::to_text(*activation);
}

/// ", nearest", ", reflect", or nothing.
std::string mode_text(const graph::Operation& operation) {
  if (const auto* resize = std::get_if<graph::Resize>(&operation)) {
    return resize->mode == graph::ResizeMode::nearest ? ", nearest" : ", linear";
  }
  const auto* pad = std::get_if<graph::Pad>(&operation);
  if (pad == nullptr || pad->mode == graph::PadMode::constant) return "";
  return pad->mode == graph::PadMode::edge ? ", edge" : ", reflect";
}

/// ", h w c", how it arranges what it reads, or nothing.
std::string arrangement_text(const graph::Operation& operation) {
  const auto* rearrange = std::get_if<graph::Rearrange>(&operation);
  return rearrange == nullptr ? "" : ", " + graph::to_text(rearrange->to);
}

/// "convolution, bias, ReLU6". That a batch norm has a bias goes without saying.
std::string details_text(const graph::Operation& operation) {
  bool bias = false;
  graph::for_each_constant(operation, [&](std::string_view word, const graph::Constant& constant, const auto&) {
    bias |= word == "bias" && !constant.empty() && !std::holds_alternative<graph::BatchNorm>(operation);
  });
  return std::string(graph::operation_name(operation)) + mode_text(operation) + (bias ? ", bias" : "") +
         activation_text(operation) + arrangement_text(operation);
}

std::string node_text(const graph::Graph& graph, const graph::Node& node) {
  std::string operands;
  for (const graph::NodeId id : node.inputs) {
    operands += (operands.empty() ? "" : ", ") + graph.nodes[id].name;
  }
  return details_text(node.operation) + "(" + operands + ")";
}

/// Where its numbers stand: passes share those that they do not change.
std::vector<const void*> constants_of(const graph::Operation& operation) {
  std::vector<const void*> places;
  graph::for_each_constant(operation, [&](std::string_view, const graph::Constant& constant, const auto&) {
    places.insert(places.end(), {constant.stored().data(), constant.row_scale().data()});
  });
  return places;
}

/// By node, its name and how many before it have the same.
std::vector<std::pair<std::string, int>> keys_of(const graph::Graph& graph) {
  std::map<std::string, int> seen;
  std::vector<std::pair<std::string, int>> keys;
  for (const graph::Node& node : graph.nodes) keys.emplace_back(node.name, seen[node.name]++);
  return keys;
}

}  // namespace

std::string operation_text(const graph::Operation& operation) {
  return std::string(graph::operation_name(operation)) + mode_text(operation) + activation_text(operation) +
         arrangement_text(operation);
}

std::vector<std::string> changes(const graph::Graph& before, const graph::Graph& after) {
  const auto keys_before = keys_of(before), keys_after = keys_of(after);
  std::map<std::pair<std::string, int>, std::size_t> is_before, is_after;
  for (std::size_t i = 0; i < keys_before.size(); ++i) is_before[keys_before[i]] = i;
  for (std::size_t i = 0; i < keys_after.size(); ++i) is_after[keys_after[i]] = i;
  std::vector<std::string> lines;
  std::size_t listed = 0;  // of the nodes after
  const auto list_new = [&](std::size_t end) {
    for (; listed < end; ++listed) {
      const graph::Node& node = after.nodes[listed];
      if (!is_before.contains(keys_after[listed])) lines.push_back("+ " + node.name + ": " + node_text(after, node));
    }
  };
  for (std::size_t i = 0; i < before.nodes.size(); ++i) {
    const graph::Node& old = before.nodes[i];
    const auto found = is_after.find(keys_before[i]);
    if (found == is_after.end()) {
      lines.push_back("- " + old.name + ": " + node_text(before, old));
      continue;
    }
    list_new(found->second);
    const graph::Node& now = after.nodes[found->second];
    if (details_text(old.operation) != details_text(now.operation) || old.inputs.size() != now.inputs.size()) {
      lines.push_back("~ " + old.name + ": " + node_text(before, old) + " -> " + node_text(after, now));
    } else if (constants_of(old.operation) != constants_of(now.operation)) {
      lines.push_back("~ " + old.name + ": " + node_text(after, now) + ", other weights");
    }
  }
  list_new(after.nodes.size());
  return lines;
}

}  // namespace riffle::tools
