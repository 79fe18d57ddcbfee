// A pointwise convolution of pixels that are there several times is done before they are.
//
//   convolution(resize(x))             resize(convolution(x))
//   convolution(concat(resize(x), y))  convolution'(y) + resize(convolution"(x)), each with its part of the weights
//
// Resized to twice the height and width, a pixel is there four times: a quarter of the multiply-adds. The second form
// is the neck of a feature pyramid; the sum is the residual of the convolution of y. Whether it is worth while is asked
// of the size that the graph has; what is computed is the same at every size.
#include <algorithm>
#include <optional>
#include <utility>

#include "engine/passes/passes.hpp"

namespace riffle::passes {
namespace {

using graph::NodeId;

class EarlyConvolutions {
 public:
  explicit EarlyConvolutions(Graph& graph) : graph_(graph), old_shapes_(graph::infer_shapes(graph)) {
    const auto readers = graph::reader_counts(graph);
    graph::ById<std::int32_t> convolutions(graph.nodes.size(), 0);  // among a node's readers
    for (const graph::Node& node : graph.nodes) {
      if (is_pointwise(node)) ++convolutions[node.inputs[0]];
    }
    for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
      only_convolved_.push_back(convolutions[id] > 0 && convolutions[id] == readers[id]);
    }
  }

  void run() {
    graph::ById<graph::Node> nodes;
    nodes.swap(graph_.nodes);
    graph::ById<NodeId> moved(nodes.size(), -1);
    for (NodeId id = 0; id < nodes.end_id(); ++id) {
      graph::Node& node = nodes[id];
      const bool may_change = is_pointwise(node) && only_convolved_[node.inputs[0]];
      for (NodeId& input : node.inputs) input = moved[input];
      moved[id] = may_change ? convolved(std::move(node), old_shapes_[id]) : append(std::move(node), old_shapes_[id]);
    }
    for (graph::Output& output : graph_.outputs) output.node = moved[output.node];
  }

 private:
  /// Without a residual.
  static bool is_pointwise(const graph::Node& node) {
    const auto* convolution = std::get_if<graph::Convolution>(&node.operation);
    return convolution != nullptr && graph::is_pointwise(*convolution) && node.inputs.size() == 1;
  }
  template <class Operation>
  [[nodiscard]] bool is(NodeId id) const {
    return std::holds_alternative<Operation>(graph_.nodes[id].operation);
  }

  /// Does the node repeat pixels of another one?
  [[nodiscard]] bool enlarges(NodeId id) const {
    const auto* resize = std::get_if<graph::Resize>(&graph_.nodes[id].operation);
    if (resize == nullptr || resize->mode != graph::ResizeMode::nearest) return false;
    return shapes_[id].pixels() > shapes_[graph_.nodes[id].inputs[0]].pixels();
  }

  NodeId append(graph::Node node, const graph::Shape& shape) {
    graph_.nodes.push_back(std::move(node));
    shapes_.push_back(shape);
    return graph_.nodes.end_id() - 1;
  }

  /// `resize`, of another operand.
  NodeId resized(NodeId resize, NodeId operand, std::string name) {
    graph::Node node = graph_.nodes[resize];
    node.inputs[0] = operand;
    node.name = std::move(name);
    return append(std::move(node), {shapes_[resize].h, shapes_[resize].w, shapes_[operand].c});
  }

  /// The node that has the result of a pointwise convolution, whose operands are in the new graph.
  NodeId convolved(graph::Node node, const graph::Shape& out) {
    const NodeId operand = node.inputs[0];
    if (enlarges(operand)) {
      const std::string name = node.name;
      const graph::Shape& small = shapes_[graph_.nodes[operand].inputs[0]];
      node.name += ".small";
      node.inputs[0] = graph_.nodes[operand].inputs[0];
      return resized(operand, append(std::move(node), {small.h, small.w, out.c}), name);
    }
    const auto& convolution = std::get<graph::Convolution>(node.operation);
    if (is<graph::Concat>(operand) && convolution.groups == 1) {
      if (const auto place = enlarged_part(graph_.nodes[operand].inputs)) {
        return convolved_in_parts(node, convolution, graph_.nodes[operand].inputs, *place, out);
      }
    }
    return append(std::move(node), out);
  }

  /// The place of the largest part that is enlarged; none where nothing is left beside it but literals, which may be of
  /// one pixel, or an input: the convolution that reads the caller's planes adds no residual.
  [[nodiscard]] std::optional<std::size_t> enlarged_part(const std::vector<NodeId>& parts) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (enlarges(parts[i]) && (!found || shapes_[parts[i]].c > shapes_[parts[*found]].c)) found = i;
    }
    bool is_left = false;
    for (std::size_t i = 0; found && i < parts.size(); ++i) {
      is_left = is_left ||
                (i != *found && !is<graph::Literal>(parts[i]) && !(parts.size() == 2 && is<graph::Input>(parts[i])));
    }
    return is_left ? found : std::nullopt;
  }

  NodeId convolved_in_parts(const graph::Node& node, const graph::Convolution& whole, std::vector<NodeId> parts,
                            std::size_t place, const graph::Shape& out) {
    const NodeId enlarged = parts[place], x = graph_.nodes[enlarged].inputs[0];
    std::int32_t first = 0;
    for (std::size_t i = 0; i < place; ++i) first += shapes_[parts[i]].c;
    const std::int32_t end = first + shapes_[enlarged].c;
    const auto is_enlarged = [&](std::int32_t channel) { return channel >= first && channel < end; };

    graph::Convolution small;
    small.outputs = whole.outputs;
    small.weights = columns(whole, is_enlarged);
    const NodeId sums =
        append({node.name + ".small", std::move(small), {x}}, {shapes_[x].h, shapes_[x].w, whole.outputs});
    const NodeId residual = resized(enlarged, sums, node.name + ".enlarged");

    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(place));
    NodeId operand = parts[0];
    if (parts.size() > 1) {
      std::int32_t channels = 0;
      for (const NodeId part : parts) channels += shapes_[part].c;
      operand = append({node.name + ".concat", graph::Concat{}, std::move(parts)}, {out.h, out.w, channels});
    }
    graph::Convolution large = whole;
    large.weights = columns(whole, [&](std::int32_t channel) { return !is_enlarged(channel); });
    return append({node.name, std::move(large), {operand, residual}}, out);
  }

  /// The weights of some of the inputs.
  template <class F>
  static graph::Constant columns(const graph::Convolution& whole, F&& is_taken) {
    const std::span<const float> all = whole.weights.values();
    const auto inputs = static_cast<std::int64_t>(all.size()) / whole.outputs;
    std::vector<float> taken;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (is_taken(static_cast<std::int32_t>(static_cast<std::int64_t>(i) % inputs))) taken.push_back(all[i]);
    }
    return graph::Constant(std::move(taken));
  }

  Graph& graph_;
  graph::ById<graph::Shape> old_shapes_, shapes_;  ///< of the nodes before, and of those so far
  graph::ById<bool> only_convolved_;  ///< by node before: do pointwise convolutions read it, and nobody else?
};

}  // namespace

void convolve_before_enlarging(Graph& graph) {
  const auto resizes = [](const graph::Node& node) { return std::holds_alternative<graph::Resize>(node.operation); };
  if (std::ranges::any_of(graph.nodes, resizes)) EarlyConvolutions(graph).run();
}

}  // namespace riffle::passes
