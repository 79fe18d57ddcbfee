#include "engine/graph/graph.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

namespace riffle::graph {

bool Activation::operator==(const Activation& other) const {
  return bounds == other.bounds && function == other.function && a == other.a && b == other.b &&
         std::ranges::equal(slopes.values(), other.slopes.values()) &&
         std::ranges::equal(table.stored(), other.table.stored());
}

kernels::FunctionArgs function_args(const Activation& activation, const float* slopes) {
  if (slopes == nullptr && !activation.slopes.empty()) slopes = activation.slopes.values().data();
  const auto* const table = reinterpret_cast<const std::uint8_t*>(activation.table.stored().data());
  return {activation.function, activation.a, activation.b, slopes, table, activation.table.size() > 256 ? 256 : 0};
}

NodeId Graph::add(std::string node_name, Operation operation, std::vector<NodeId> inputs) {
  nodes.push_back({std::move(node_name), std::move(operation), std::move(inputs)});
  return nodes.end_id() - 1;
}

std::size_t Graph::input_count() const {
  std::size_t count = 0;
  while (count < nodes.size() && std::holds_alternative<Input>(nodes[count].operation)) ++count;
  return count;
}

const Input& Graph::input(std::size_t i) const {
  if (i >= nodes.size() || !std::holds_alternative<Input>(nodes[i].operation)) {
    throw Error({"graph '", name, "': node ", i, " is not an input"});
  }
  return std::get<Input>(nodes[i].operation);
}

const std::string& Graph::output_name(const Output& output) const {
  return output.name.empty() ? nodes[output.node].name : output.name;
}

void Graph::set_input_size(std::int32_t h, std::int32_t w) {
  const Shape own = input_shape();
  if (h == own.h && w == own.w) return;
  const auto text = [](std::int32_t height, std::int32_t width) { return joined({height, " x ", width}); };
  for (std::size_t i = 0; i < input_count(); ++i) {
    const graph::Shape& shape = input(i).shape;
    const std::string& only_size = input(i).only_size;
    if (!only_size.empty()) {
      throw Error({"graph '", name, "': it holds for an input of ", text(shape.h, shape.w),
                   " (height x width) alone, not of ", text(h, w), ": ", only_size});
    }
    if (shape.h != own.h || shape.w != own.w) {
      throw Error({"graph '", name, "': its inputs are of several sizes, ", text(own.h, own.w), " and ",
                   text(shape.h, shape.w), " (height x width): it has no other than its own"});
    }
  }
  for (std::size_t i = 0; i < input_count(); ++i) {
    auto& shape = std::get<Input>(nodes[i].operation).shape;
    shape.h = h;
    shape.w = w;
  }
}

namespace {

/// What f says of each type of operation, as a table: std::visit would make a function of each.
template <class F, class... Operations>
constexpr auto of_each_operation(const F& f, std::type_identity<std::variant<Operations...>>) {
  return std::array{f(std::type_identity<Operations>())...};
}
template <class F>
constexpr auto of_each_operation(const F& f) {
  return of_each_operation(f, std::type_identity<Operation>());
}

}  // namespace

std::string_view operation_name(const Operation& operation) {
  return std::visit(
      [](const auto& o) {
        if constexpr (requires { o.words; }) {
          const auto kind = static_cast<std::size_t>(o.kind);
          return kind < o.words.size() ? o.words[kind] : "operation that there is none of";
        } else {
          return o.word;
        }
      },
      operation);
}

bool is_channelwise(const Operation& operation) {
  static constexpr auto table = of_each_operation([]<class O>(std::type_identity<O>) {
    return requires { O::is_channelwise; };
  });
  return table[operation.index()];
}

bool moves_channels(const Operation& operation) {
  static constexpr auto table = of_each_operation([]<class O>(std::type_identity<O>) {
    return requires { O::moves_channels; };
  });
  return table[operation.index()];
}

const Binary* as_sum(const Operation& operation) {
  const auto* binary = std::get_if<Binary>(&operation);
  return binary != nullptr && binary->kind == BinaryKind::add ? binary : nullptr;
}

bool is_index(const Operation& operation) {
  const auto* reduce = std::get_if<Reduce>(&operation);
  return reduce != nullptr && (reduce->kind == ReduceKind::arg_max || reduce->kind == ReduceKind::arg_min);
}

bool moves_numbers(const Operation& operation) {
  static constexpr auto table = of_each_operation([]<class O>(std::type_identity<O>) {
    return requires { O::moves_numbers; };
  });
  return table[operation.index()];
}

Arrangement planes_arrangement() { return arranged("c h w"); }

std::optional<bool> holds_pixels(const Arrangement& arrangement) {
  if (arrangement_of(arrangement) == pixels_arrangement()) return true;
  if (arrangement_of(arrangement) == planes_arrangement()) return false;
  return std::nullopt;
}

Activation* fused_activation(Operation& operation) {
  return std::visit(
      [](auto& o) -> Activation* {
        if constexpr (requires { o.activation; }) {
          return &o.activation;
        } else if constexpr (std::is_same_v<decltype(o), Activate&>) {
          return &o.kind;
        } else {
          return nullptr;
        }
      },
      operation);
}

const Activation* fused_activation(const Operation& operation) {
  return fused_activation(const_cast<Operation&>(operation));  // which changes nothing
}

bool is_pointwise(const Convolution& convolution) {
  Window unit;                                      // 1x1, stride 1, no padding
  unit.dilation_h = convolution.window.dilation_h;  // of one tap, any dilation is none
  unit.dilation_w = convolution.window.dilation_w;
  unit.auto_pad = convolution.window.auto_pad;  // with a stride of 1, as large as the operand it is without padding
  return convolution.window == unit;
}

bool is_depthwise(const Convolution& convolution, std::int32_t channels) {
  return convolution.groups == channels && convolution.outputs == channels;
}

ById<std::int32_t> reader_counts(const Graph& graph) {
  ById<std::int32_t> counts(graph.nodes.size(), 0);
  ById<NodeId> last(graph.nodes.size(), -1);  // who counted for it last
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    for (const NodeId input : graph.nodes[id].inputs) {
      if (std::exchange(last[input], id) != id) ++counts[input];
    }
  }
  for (const Output& output : graph.outputs) ++counts[output.node];
  return counts;
}

Cost cost(const Graph& graph, const ById<Shape>& shapes, NodeId node) {
  const Operation& operation = graph.nodes[node].operation;
  Cost result;
  for_each_constant(operation, [&](std::string_view word, const Constant& constant, const Extents&) {
    const auto size = static_cast<std::int64_t>(constant.size());
    if (word == "weight" || word == "bias" || word == "slope") result.parameters += size;
    if (word == "weight" && !std::holds_alternative<BatchNorm>(operation)) {
      result.macs = size * (std::holds_alternative<Convolution>(operation) ? shapes[node].pixels() : 1);
    }
    if (word == "weight" && std::holds_alternative<TransposedConvolution>(operation)) {
      result.macs = size * shapes[graph.nodes[node].inputs[0]].pixels();
    }
  });
  return result;
}

Cost total_cost(const Graph& graph) {
  const ById<Shape> shapes = infer_shapes(graph);
  Cost total;
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const Cost one = cost(graph, shapes, id);
    total.macs += one.macs;
    total.parameters += one.parameters;
  }
  return total;
}

}  // namespace riffle::graph
