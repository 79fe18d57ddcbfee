// One convolution a phase, with exactly its taps.
//
// Of a stride of 2, even rows of the result are reached by every other row of the weights, odd rows by the others:
//
//   rows of the operand     a       b       c
//   of the result           0   1   2   3   4   5      kernel 3, padding 1: row 2 is b w1, row 3 is b w2 + c w0
//
// So the rows 0, 2, 4 ... are a convolution of the operand with w1, and the rows 1, 3, 5 ... one with (w2, w0); columns
// alike. Phases whose windows are equal are one convolution of as many times the outputs. Then the phases, which are
// channels now, become rows and columns.
#include <algorithm>
#include <map>
#include <tuple>

#include "engine/graph/pixels.hpp"
#include "engine/passes/passes.hpp"

namespace riffle::passes {
namespace {

using graph::NodeId;

/// What one phase of an axis is: a window of stride 1.
struct AxisPhase {
  std::vector<std::int32_t> taps;  ///< of the weights, in the window's order; -1: a weight of 0, where there is no tap
  std::int32_t before = 0, after = 0;  ///< padding
  std::int32_t dilation = 1;

  [[nodiscard]] std::tuple<std::size_t, std::int32_t, std::int32_t> window() const {
    return {taps.size(), before, after};
  }
};

struct AxisPhases {
  std::vector<AxisPhase> phases;
  std::int32_t before = 0;  ///< pixels that they make before the result's first one
  std::int32_t extent = 0;  ///< that each makes
};

/// The phases of a result of which `before` pixels are left out, `out` long.
AxisPhases phases_of(std::int32_t in, std::int32_t kernel, std::int32_t stride, std::int32_t dilation,
                     std::int32_t before, std::int32_t out) {
  AxisPhases result;
  result.extent = (out + stride - 1) / stride;
  for (std::int32_t p = 0; p < stride; ++p) {
    AxisPhase phase;
    std::int32_t first = 0, last = 0;  // rows of the operand, seen from row 0 of the phase
    for (std::int32_t k = kernel - 1; k >= 0; --k) {
      const std::int32_t distance = p + before - k * dilation;
      if (distance % stride != 0) continue;
      last = distance / stride;
      if (phase.taps.empty()) first = last;
      if (phase.taps.size() == 1) phase.dilation = last - first;
      phase.taps.push_back(k);
    }
    if (phase.taps.empty()) phase.taps.push_back(-1);
    phase.before = -first;
    phase.after = result.extent + last - in;
    result.phases.push_back(std::move(phase));
  }
  return result;
}

/// The same; where padding takes away more than the window of a phase reaches over the edge, all is made and the edges
/// are cropped.
AxisPhases phases_that_pad(std::int32_t in, std::int32_t kernel, std::int32_t stride, std::int32_t dilation,
                           std::int32_t before, std::int32_t after, std::int32_t out) {
  AxisPhases result = phases_of(in, kernel, stride, dilation, before, out);
  const auto pads = [](const AxisPhase& phase) { return phase.before >= 0 && phase.after >= 0; };
  if (std::ranges::all_of(result.phases, pads)) return result;
  result = phases_of(in, kernel, stride, dilation, 0, before + out + after);
  result.before = before;
  return result;
}

class Lowering {
 public:
  Lowering(Graph& graph, const graph::Node& node, NodeId operand, const graph::Shape& in, const graph::Shape& out)
      : graph_(graph),
        node_(node),
        o_(std::get<graph::TransposedConvolution>(node.operation)),
        weights_(o_.weights.values()),
        operand_(operand),
        in_(in),
        out_(out) {
    const graph::Window& w = o_.window;
    rows_ = phases_that_pad(in.h, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top, w.pad_bottom, out.h);
    columns_ = phases_that_pad(in.w, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left, w.pad_right, out.w);
  }

  /// The node that makes the result.
  NodeId run() {
    // Depthwise phases stay by themselves: together they would not be depthwise.
    const bool is_depthwise = o_.groups == in_.c && o_.outputs == in_.c;
    std::map<std::tuple<std::size_t, std::int32_t, std::int32_t, std::size_t, std::int32_t, std::int32_t, std::int32_t>,
             std::vector<Phase>>
        alike;
    std::int32_t number = 0;
    for (const AxisPhase& row : rows_.phases) {
      for (const AxisPhase& column : columns_.phases) {
        const auto key = std::tuple_cat(row.window(), column.window(), std::tuple(is_depthwise ? number : 0));
        alike[key].push_back({number, &row, &column});
        ++number;
      }
    }
    std::vector<NodeId> parts;
    std::vector<std::int32_t> place(static_cast<std::size_t>(number * o_.outputs));  // of each phase's outputs
    std::int32_t made = 0;
    for (const auto& [key, phases] : alike) {
      const std::int32_t count = static_cast<std::int32_t>(phases.size()), outputs = o_.outputs / o_.groups;
      parts.push_back(
          add(alike.size() == 1 ? "phases" : joined({"phases.", parts.size()}), convolution(phases), {operand_}));
      for (std::int32_t i = 0; i < count; ++i) {
        for (std::int32_t c = 0; c < o_.outputs; ++c) {
          place[static_cast<std::size_t>(phases[static_cast<std::size_t>(i)].number * o_.outputs + c)] =
              made + (c / outputs * count + i) * outputs + c % outputs;
        }
      }
      made += count * o_.outputs;
    }
    NodeId result = parts.size() == 1 ? parts[0] : add("joined", graph::Concat{}, parts);
    if (number > 1) {
      result = add("ordered", graph::Gather{std::move(place)}, {result});
      result = rearranged(result);
    }
    const std::int32_t stride_h = o_.window.stride_h, stride_w = o_.window.stride_w;
    const graph::Crop crop{rows_.before, columns_.before, rows_.extent * stride_h - rows_.before - out_.h,
                           columns_.extent * stride_w - columns_.before - out_.w};
    if (crop.top != 0 || crop.left != 0 || crop.bottom != 0 || crop.right != 0) result = add("crop", crop, {result});
    graph_.nodes[result].name = node_.name;
    return result;
  }

 private:
  struct Phase {
    std::int32_t number;
    const AxisPhase* row;
    const AxisPhase* column;
  };

  NodeId add(const std::string& what, graph::Operation operation, std::vector<NodeId> inputs) {
    return graph_.add(joined({node_.name, ".", what}), std::move(operation), std::move(inputs));
  }

  /// Phases, which are groups of channels, become rows and columns.
  NodeId rearranged(NodeId phases) {
    const std::string to = joined({"(h c0:", o_.window.stride_h, ") (w c1:", o_.window.stride_w, ") c2"});
    return add("pixels", graph::Rearrange{graph::arranged(to)}, {phases});
  }

  /// Of phases with one window, whose outputs stand side by side in each group.
  [[nodiscard]] graph::Convolution convolution(const std::vector<Phase>& phases) const {
    const AxisPhase &row = *phases[0].row, &column = *phases[0].column;
    const auto count = static_cast<std::int32_t>(phases.size());
    graph::Convolution result;
    result.outputs = count * o_.outputs;
    result.groups = o_.groups;
    result.activation = o_.activation;
    if (!o_.activation.slopes.empty()) result.activation.slopes = of_phases(o_.activation.slopes, count);
    result.bias = of_phases(o_.bias, count);
    result.window.kernel_h = static_cast<std::int32_t>(row.taps.size());
    result.window.kernel_w = static_cast<std::int32_t>(column.taps.size());
    result.window.dilation_h = row.dilation;
    result.window.dilation_w = column.dilation;
    result.window.pad_top = row.before;
    result.window.pad_left = column.before;
    result.window.pad_bottom = row.after;
    result.window.pad_right = column.after;
    const std::int32_t inputs = in_.c / o_.groups, outputs = o_.outputs / o_.groups;
    std::vector<float> weights;
    for (std::int32_t group = 0; group < o_.groups; ++group) {
      for (const Phase& phase : phases) {
        for (std::int32_t c = 0; c < outputs; ++c) {
          for (std::int32_t i = group * inputs; i < (group + 1) * inputs; ++i) {
            for (const std::int32_t y : phase.row->taps) {
              for (const std::int32_t x : phase.column->taps) weights.push_back(weight(i, c, y, x));
            }
          }
        }
      }
    }
    result.weights = graph::Constant(std::move(weights));
    return result;
  }

  /// A number an output, for so many phases side by side in each group; or none.
  [[nodiscard]] graph::Constant of_phases(const graph::Constant& constant, std::int32_t count) const {
    const std::span<const float> all = constant.values();
    const auto outputs = static_cast<std::size_t>(o_.outputs / o_.groups);
    std::vector<float> result;
    for (std::size_t first = 0; first < all.size(); first += outputs) {
      const std::span<const float> group = all.subspan(first, outputs);
      for (std::int32_t i = 0; i < count; ++i) result.insert(result.end(), group.begin(), group.end());
    }
    return graph::Constant(std::move(result));
  }

  [[nodiscard]] float weight(std::int64_t input, std::int64_t output, std::int32_t y, std::int32_t x) const {
    if (y < 0 || x < 0) return 0.0F;
    const std::int64_t row = (input * (o_.outputs / o_.groups) + output) * o_.window.kernel_h + y;
    return weights_[static_cast<std::size_t>(row * o_.window.kernel_w + x)];
  }

  Graph& graph_;
  const graph::Node& node_;
  const graph::TransposedConvolution& o_;
  std::span<const float> weights_;
  NodeId operand_;
  graph::Shape in_, out_;
  AxisPhases rows_, columns_;
};

}  // namespace

void lower_transposed_convolution(Graph& graph) {
  const auto is_lowered = [](const graph::Node& node) {
    return std::holds_alternative<graph::TransposedConvolution>(node.operation);
  };
  if (std::ranges::none_of(graph.nodes, is_lowered)) return;
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  graph::ById<graph::Node> nodes;
  nodes.swap(graph.nodes);
  graph::ById<NodeId> moved(nodes.size(), -1);
  for (NodeId id = 0; id < nodes.end_id(); ++id) {
    graph::Node& node = nodes[id];
    const NodeId operand = node.inputs.empty() ? -1 : node.inputs[0];
    for (NodeId& input : node.inputs) input = moved[input];
    if (is_lowered(node)) {
      moved[id] = Lowering(graph, node, node.inputs[0], shapes[operand], shapes[id]).run();
    } else {
      graph.nodes.push_back(std::move(node));
      moved[id] = graph.nodes.end_id() - 1;
    }
  }
  for (graph::Output& output : graph.outputs) output.node = moved[output.node];
}

}  // namespace riffle::passes
