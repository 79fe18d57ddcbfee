#include "trainer/initial/weights.hpp"

#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/graph/quantization.hpp"

namespace riffle::trainer {
namespace {

constexpr std::size_t most_named = 3;  // in a message

/// Calls f(name, constant, shape) for everything that a node has learnt; a bias that is not there is left out.
template <class Node, class F>
void for_each_parameter(Node& node, F f) {
  graph::for_each_constant(node.operation, [&](const std::string& word, auto& constant, const graph::Extents& extents) {
    if (!constant.empty()) f(node.name + "." + word, constant, extents);
  });
}

std::string text(const std::vector<std::int64_t>& shape) {
  std::string result;
  for (const std::int64_t extent : shape) result.append(result.empty() ? "" : "x").append(std::to_string(extent));
  return result;
}

bool has_batch_norm(const graph::Graph& graph) {
  for (const graph::Node& node : graph.nodes) {
    if (std::holds_alternative<graph::BatchNorm>(node.operation)) return true;
  }
  return false;
}

/// "a, b, c and 7 more".
std::string first_of(const std::vector<std::string>& all) {
  std::string result;
  for (std::size_t i = 0; i < all.size() && i < most_named; ++i) result.append(i == 0 ? "" : ", ").append(all[i]);
  if (all.size() > most_named) result += " and " + std::to_string(all.size() - most_named) + " more";
  return result;
}

}  // namespace

graph::Graph with_classes(graph::Graph graph, std::int32_t classes, const models::WeightSource& weights) {
  (void)graph::infer_shapes(graph);
  if (classes < 1 || classes > graph::max_extent) {
    throw Error(std::to_string(classes) + " classes; 1 to " + std::to_string(graph::max_extent) + " are possible");
  }
  graph::Node* last = &graph.nodes[graph.outputs[0].node];
  if (std::holds_alternative<graph::Softmax>(last->operation)) {
    last = &graph.nodes[last->inputs[0]];
  }
  auto* layer = std::get_if<graph::FullyConnected>(&last->operation);
  if (layer == nullptr) {
    throw Error("graph '" + graph.name + "': its output is made by '" + last->name + "' (" +
                std::string(graph::operation_name(last->operation)) +
                "), not by a fully connected layer whose classes could be changed");
  }
  const std::int64_t inputs = static_cast<std::int64_t>(layer->weights.size()) / layer->outputs;
  layer->outputs = classes;
  graph.labels.clear();
  layer->weights = weights(last->name + ".weight", std::vector<std::int64_t>{classes, inputs});
  if (!layer->bias.empty()) layer->bias = weights(last->name + ".bias", std::vector<std::int64_t>{classes});
  (void)graph::infer_shapes(graph);  // nobody else may have read the layer, and the source must keep its word
  return graph;
}

graph::Graph with_weights(graph::Graph graph, const graph::Graph& from) {
  (void)graph::infer_shapes(graph);
  (void)graph::infer_shapes(from);
  if (graph::is_quantised(from)) {
    throw Error("'" + from.name + "' is quantised; take the weights of the network of floats that it was made of");
  }
  struct Found {
    graph::Constant constant;
    std::vector<std::int64_t> shape;
  };
  std::map<std::string, Found> there;
  for (const graph::Node& node : from.nodes) {
    for_each_parameter(node, [&](const std::string& name, const graph::Constant& constant, auto shape) {
      if (!there.emplace(name, Found{constant, std::move(shape)}).second) {
        throw Error("graph '" + from.name + "' has two parameters named " + name);
      }
    });
  }

  std::vector<std::string> wrong;
  std::size_t taken = 0;
  for (graph::Node& node : graph.nodes) {
    for_each_parameter(node, [&](const std::string& name, graph::Constant& constant, const auto& shape) {
      const auto found = there.find(name);
      if (found == there.end()) {
        wrong.push_back(name + " (it has none)");
      } else if (found->second.shape != shape) {
        wrong.push_back(name + " (" + text(found->second.shape) + " there, " + text(shape) + " here)");
      } else {
        constant = found->second.constant;
        ++taken;
      }
      if (found != there.end()) there.erase(found);
    });
  }
  for (const auto& [name, found] : there) wrong.push_back(name + " (it has no place here)");
  if (wrong.empty()) return graph;
  const bool folded = has_batch_norm(graph) && !has_batch_norm(from);
  throw Error("the weights of '" + from.name + "' do not fit '" + graph.name + "': " + std::to_string(taken) +
              " parameters do, these do not: " + first_of(wrong) +
              (folded ? "; its batch norm is folded into its convolutions, as riffle build and riffle convert do, but "
                        "this network has batch norm"
                      : ""));
}

}  // namespace riffle::trainer
