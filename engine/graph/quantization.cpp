#include "engine/graph/quantization.hpp"

#include <algorithm>
#include <cmath>

namespace riffle::graph {
namespace {

/// A bias may be as large as this, and so may all products that join it.
constexpr std::int64_t largest_bias = 1 << 30;

/// Of an operation's constants by PyTorch's words, null where it has none.
struct Layer {
  const Constant* weights = nullptr;
  const Constant* bias = nullptr;
  std::int32_t outputs = 0;
};

Layer layer_of(const Operation& operation) {
  if (const auto* o = std::get_if<Convolution>(&operation)) return {&o->weights, &o->bias, o->outputs};
  if (const auto* o = std::get_if<FullyConnected>(&operation)) return {&o->weights, &o->bias, o->outputs};
  return {};
}

class Check {
 public:
  Check(const Graph& graph, const ById<Shape>& shapes, const ById<NumbersRead>& read, NodeId id)
      : node_(graph.nodes[id]), shapes_(shapes), read_(read), id_(id) {}

  void run() const {
    if (node_.quantization) check_numbers(*node_.quantization);
    if (only_moves(node_.operation)) {
      if (node_.quantization) fail("what only moves numbers is quantised by what computes them");
      if (moves_numbers(node_.operation) && read_[id_].integers) expect_one_zero_point();
      return;
    }
    if (const auto* input = std::get_if<Input>(&node_.operation)) return check_input(*input);
    if (std::holds_alternative<Literal>(node_.operation)) return;
    const bool integers = reads_integers();
    if (std::holds_alternative<Activate>(node_.operation)) {
      if (integers || node_.quantization) check_activate(integers);
      return;
    }
    if (!integers) {
      if (node_.quantization) fail("it is quantised, and what it reads is not");
      return;
    }
    if (node_.quantization) check_function();
    if (const Layer layer = layer_of(node_.operation); layer.weights != nullptr) return check_layer(layer);
    const auto* binary = std::get_if<Binary>(&node_.operation);
    const bool is_known = std::holds_alternative<Pool>(node_.operation) || (binary && is_of_integers(binary->kind)) ||
                          std::holds_alternative<GlobalAveragePool>(node_.operation) ||
                          std::holds_alternative<Resize>(node_.operation) || chooses_numbers(node_.operation);
    if (!is_known) fail("it does not take integers; an activation in between makes them real numbers");
    if (!node_.quantization) fail("it reads integers and is not quantised");
    const bool is_resize = std::holds_alternative<Resize>(node_.operation);  // of whose second operand nothing is read
    for (std::size_t i = 0; i < (is_resize ? 1 : node_.inputs.size()); ++i) expect_one_zero_point(i);
    if (shapes_[node_.inputs[0]].pixels() * 255 > largest_bias) fail("the sums of so many pixels do not fit 32 bits");
    if (chooses_numbers(node_.operation) &&
        (node_.quantization->scale != 1.0F || zero_before_table(node_) != *read_[node_.inputs[0]].zero_point)) {
      fail("what chooses among integers has its operand's zero point and a scale of 1");
    }
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error({"node ", id_, " '", node_.name, "' (", operation_name(node_.operation), "): ", what});
  }

  void check_numbers(const Quantization& q) const {
    if (!is_scale(static_cast<double>(q.scale))) fail("its scale is no positive number");
    if (q.zero_point < 0 || q.zero_point > 255) fail("its zero point is not in 0 to 255");
  }

  void check_input(const Input& input) const {
    const bool is_same = input.type == Type::u8 && input.quantization == node_.quantization;
    if (node_.quantization && input.type != Type::f32 && !is_same) {
      fail("it is quantised, and the caller's numbers are neither f32 nor the same u8");
    }
  }

  /// Of a quantised node.
  void check_function() const {
    const Activation* activation = fused_activation(node_.operation);
    if (activation == nullptr || activation->function == kernels::Function::none) return;
    if (activation->function != kernels::Function::table) {
      fail("a function of integers that is no table; an activation in between makes them real numbers");
    }
    if (activation->b != static_cast<float>(node_.quantization->zero_point))
      fail("its table's zero point is not its own");
  }

  void check_activate(bool integers) const {
    const Activation& kind = std::get<Activate>(node_.operation).kind;
    const bool is_table = integers && kind.function == kernels::Function::table;  // and so quantised: infer_shapes()
    if (kind.bounds.has_bounds() || (kind.function != kernels::Function::none && !is_table)) {
      fail("one that reads or makes integers has neither bounds nor a function, but for a table of integers");
    }
    if (integers) expect_one_zero_point(0);
    if (!is_table) return;
    check_function();
    const auto zero = static_cast<float>(*read_[node_.inputs[0]].zero_point);
    if (node_.quantization->scale != 1.0F || kind.a != zero)
      fail("a table has its operand's zero point, and a scale of 1");
  }

  [[nodiscard]] bool reads_integers() const {
    if (node_.inputs.empty()) return false;
    const bool integers = read_[node_.inputs[0]].integers;
    for (const NodeId input : node_.inputs) {
      if (read_[input].integers != integers) fail("one operand is quantised, another one is not");
    }
    return integers;
  }

  /// Of what makes every channel of any of its operands' ones.
  void expect_one_zero_point() const {
    if (!read_[id_].zero_point) fail("the numbers that it moves have different zero points");
  }
  void expect_one_zero_point(std::size_t operand) const {
    if (!read_[node_.inputs[operand]].zero_point) fail("the channels of an operand have different zero points");
  }

  void check_layer(const Layer& layer) const {
    const auto rows = static_cast<std::size_t>(layer.outputs);
    if (layer.weights->type() != Type::i8 || layer.weights->row_scale().size() != rows) {
      fail("it reads integers, and its weights are not of i8 with a factor for each output");
    }
    for (const double factor : layer.weights->row_scale()) {
      if (!is_scale(factor)) fail("a factor of its weights is no positive number");
    }
    const std::int64_t terms = static_cast<std::int64_t>(layer.weights->size()) / layer.outputs;
    if (terms * 255 * 128 > largest_bias) fail("the sums of so many products do not fit 32 bits");
    for (const float b : layer.bias->values()) {
      if (!std::isfinite(b)) fail("its bias is not finite");
    }
    const auto* convolution = std::get_if<Convolution>(&node_.operation);
    if (convolution == nullptr) {
      if (node_.quantization && node_.quantization->scale != 1.0F) fail("its scale is not 1");
      return;
    }
    if (node_.quantization && node_.quantization->scale != 1.0F) fail("its scale is not 1");
    if (!node_.quantization && node_.inputs.size() == 2) fail("with a residual it is quantised");
    if (!is_pointwise(*convolution)) expect_one_zero_point(0);
    if (node_.inputs.size() == 2) expect_one_zero_point(1);
  }

  const Node& node_;
  const ById<Shape>& shapes_;
  const ById<NumbersRead>& read_;
  NodeId id_;
};

}  // namespace

bool is_scale(double x) { return x >= std::numeric_limits<float>::min() && x <= std::numeric_limits<float>::max(); }

bool is_quantised(const Graph& graph) {
  return std::ranges::any_of(graph.nodes, [](const Node& node) { return node.quantization.has_value(); });
}

ById<NumbersRead> numbers_read(const Graph& graph) {
  ById<NumbersRead> read(graph.nodes.size());
  for (NodeId id = 0; id < read.end_id(); ++id) {
    const Node& node = graph.nodes[id];
    if (!only_moves(node.operation)) {
      if (node.quantization) read[id] = {true, node.quantization->zero_point};
      continue;
    }
    read[id] = read[node.inputs[0]];
    for (const NodeId input : node.inputs) {
      if (read[input].integers != read[id].integers) {
        throw Error({"node ", id, " '", node.name, "' (", operation_name(node.operation),
                     "): one operand is quantised, another one is not"});
      }
      if (read[input].zero_point != read[id].zero_point) read[id].zero_point = std::nullopt;
    }
  }
  return read;
}

bool chooses_numbers(const Operation& operation) {
  if (const auto* pool = std::get_if<Pool>(&operation)) return pool->kind == PoolKind::max;
  if (const auto* resize = std::get_if<Resize>(&operation)) return resize->mode == ResizeMode::nearest;
  return std::holds_alternative<Crop>(operation) || std::holds_alternative<Pad>(operation);
}

bool is_of_integers(BinaryKind kind) { return kind != BinaryKind::divide && kind != BinaryKind::power; }

std::int32_t padded_with(const Pad& pad, std::int32_t zero_point) {
  return rounded(pad.value, -zero_point, 255 - zero_point);
}

void check_quantization(const Graph& graph, const ById<Shape>& shapes) {
  if (!is_quantised(graph)) return;
  const ById<NumbersRead> read = numbers_read(graph);
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) Check(graph, shapes, read, id).run();
  for (const Output& output : graph.outputs) {
    const NumbersRead& numbers = read[output.node];
    if (!numbers.integers) continue;
    const std::string where = joined({"output '", graph.output_name(output), "': "});
    if (!numbers.zero_point) throw Error({where, "its channels have different zero points"});
    const bool is_same = output.type == Type::u8 && output.quantization.zero_point == *numbers.zero_point;
    if (output.type != Type::f32 && !is_same) {
      throw Error({where, "it is quantised, and the caller's numbers are neither f32 nor u8 with its zero point"});
    }
  }
}

std::int32_t rounded(float x, std::int32_t least, std::int32_t most) {
  const auto low = static_cast<float>(least), high = static_cast<float>(most);
  return static_cast<std::int32_t>(std::nearbyint(x > low ? (x < high ? x : high) : low));
}

bool has_table(const Node& node) {
  const Activation* activation = fused_activation(node.operation);
  return activation != nullptr && activation->function == kernels::Function::table;
}

std::int32_t zero_before_table(const Node& node) {
  return has_table(node) ? static_cast<std::int32_t>(fused_activation(node.operation)->a)
                         : node.quantization->zero_point;
}

IntegerBounds integer_bounds(const Node& node) {
  const std::int32_t zero = zero_before_table(node);
  IntegerBounds bounds{-zero, 255 - zero};
  if (const Activation* activation = fused_activation(node.operation)) {
    const auto& [lower, upper] = activation->bounds;
    bounds = {rounded(lower, bounds.lower, bounds.upper), rounded(upper, bounds.lower, bounds.upper)};
  }
  return bounds;
}

std::vector<std::int32_t> integer_bias(const Constant& weights, const Constant& bias) {
  std::vector<std::int32_t> result(weights.row_scale().size(), 0);
  for (std::size_t o = 0; o < result.size() && !bias.empty(); ++o) {
    constexpr auto most = static_cast<double>(largest_bias);
    const double units = static_cast<double>(bias.values()[o]) / weights.row_scale()[o];
    result[o] = static_cast<std::int32_t>(std::nearbyint(std::clamp(units, -most, most)));
  }
  return result;
}

}  // namespace riffle::graph
