// Operators on integers: ONNX's own (QLinearConv ...), ONNX Runtime's (QLinearAdd ...), and those that only move
// numbers where these are of int8 or uint8 (MaxPool, Reshape ...). Each is imported as the nodes of a QDQ model that
// compute the same:
//
//   DequantizeLinear of every operand, the operator on floats, QuantizeLinear
//
// What becomes of integers is then decided in one place (integers.hpp).
#include <onnx.pb.h>

#include <algorithm>
#include <array>

#include "io/onnx/importer.hpp"
#include "io/onnx/operators.hpp"
#include "io/onnx/types.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::NodeProto;

/// Which operator on floats it is, and what its inputs are. An operand is three of them: the numbers, their scale and
/// their zero point. A second operand may be weights. Of the result there are two, its scale and zero point.
struct QLinear {
  std::string_view type;
  const char* of_floats;
  std::size_t first = 0, operands = 1;  ///< no operands: as many as there are
  std::size_t result = 3;
  std::size_t bias = 0;  ///< none
  int weight_axis = 0;   ///< that of the weights' scales
};
constexpr auto qlinear_operators = std::to_array<QLinear>({
    {.type = "QLinearConv", .of_floats = "Conv", .operands = 2, .result = 6, .bias = 8},
    {.type = "QLinearMatMul", .of_floats = "MatMul", .operands = 2, .result = 6, .weight_axis = 1},
    {.type = "QGemm", .of_floats = "Gemm", .operands = 2, .result = 7, .bias = 6, .weight_axis = 1},
    {.type = "QLinearAdd", .of_floats = "Add", .operands = 2, .result = 6},
    {.type = "QLinearConcat", .of_floats = "Concat", .first = 2, .operands = 0, .result = 0},
    {.type = "QLinearAveragePool", .of_floats = "AveragePool"},
    {.type = "QLinearGlobalAveragePool", .of_floats = "GlobalAveragePool"},
    {.type = "QLinearSigmoid", .of_floats = "Sigmoid"},
});

void set_integer(NodeProto& node, const char* attribute, std::int64_t value) {
  auto& one = *node.add_attribute();
  one.set_name(attribute);
  one.set_type(::onnx::AttributeProto::INT);
  one.set_i(value);
}

/// The nodes that a call stands for.
class Replacement {
 public:
  explicit Replacement(Call& call) : call_(call) {}

  /// Nobody else's, as no two tensors have one name.
  std::string new_name() {
    return call_.output_name(call_.outputs() - 1) + " of " + std::string(call_.type()) + " " + std::to_string(names_++);
  }

  std::string constant(Floats value) {
    std::string name = new_name();
    call_.importer.define(name, std::move(value));
    return name;
  }

  /// Returns the name of the result.
  std::string dequantise(const std::string& numbers, const std::string& scale, const std::string& zero_point,
                         int axis) {
    NodeProto& node = add("DequantizeLinear", {numbers, scale, zero_point}, new_name());
    set_integer(node, "axis", axis);
    return node.output(0);
  }

  void quantise(const std::string& numbers, const std::string& result, const std::string& scale,
                const std::string& zero_point, Type type) {
    NodeProto& node = add("QuantizeLinear", {numbers, scale, zero_point}, result);
    if (zero_point.empty()) set_integer(node, "output_dtype", number_of_type(type));
  }

  void add(NodeProto node) { nodes_.push_back(std::move(node)); }

  void import() { call_.importer.import_instead(std::move(nodes_)); }

 private:
  NodeProto& add(const char* type, std::initializer_list<std::string> inputs, const std::string& output) {
    NodeProto& node = nodes_.emplace_back();
    node.set_name(call_.name());
    node.set_op_type(type);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return node;
  }

  Call& call_;
  std::vector<NodeProto> nodes_;
  int names_ = 0;
};

/// The name of input i, or of none if there is none.
std::string input_or_none(const Call& call, std::size_t i) { return call.has(i) ? call.input_name(i) : ""; }

/// The scale of a bias: that of the products which it is added to.
Floats product_scale(Call& call, const QLinear& one) {
  const Floats &of_operand = call.floats(one.first + 1), &of_weights = call.floats(one.first + 4);
  if (of_operand.values.size() != 1) throw Error("only one scale for the whole tensor is supported");
  const float scale = of_operand.values.values()[0] * call.real("alpha", 1.0F);
  std::vector<float> products;
  for (const float of_weight : of_weights.values.values()) products.push_back(scale * of_weight);
  return {.dims = of_weights.dims, .values = graph::Constant(std::move(products))};
}

/// Of int8 or uint8, for which a scale and a zero point are known; else null.
const View* integers_of(Call& call, std::size_t i) {
  if (!call.has(i)) return nullptr;
  const auto* view = std::get_if<View>(&call.value_of_any_type(i));
  return view != nullptr && is_quantised(view->type) && view->quantization ? view : nullptr;
}

Type type_of_numbers(const Value& numbers) {
  if (const auto* view = std::get_if<View>(&numbers)) return view->type;
  const auto* constant = std::get_if<Floats>(&numbers);
  return constant != nullptr ? constant->values.type() : Type::f32;
}

}  // namespace

void import_qlinear(Call& call) {
  const QLinear& one = *std::ranges::find(qlinear_operators, call.type(), &QLinear::type);
  if (call.integer("channels_last", 0) != 0) throw Error("channels_last is set; only (N, C, H, W) is supported");
  const int weight_axis = call.integer("transB", 0) != 0 ? 0 : one.weight_axis;
  const std::size_t end = one.operands == 0 ? call.inputs() : one.first + 3 * one.operands;

  Replacement replacement(call);
  NodeProto node;
  node.set_name(call.name());
  node.set_op_type(one.of_floats);
  for (const auto& attribute : call.proto().attribute()) {
    call.ignore(attribute.name().c_str());  // the operator on floats looks at them
    if (attribute.name() != "channels_last") *node.add_attribute() = attribute;
  }
  for (std::size_t i = one.first; i < end; i += 3) {
    node.add_input(replacement.dequantise(input_or_none(call, i), input_or_none(call, i + 1),
                                          input_or_none(call, i + 2), i == one.first ? 0 : weight_axis));
  }
  if (one.bias != 0 && call.has(one.bias)) {
    const std::string scale = replacement.constant(product_scale(call, one));
    node.add_input(replacement.dequantise(call.input_name(one.bias), scale, "", -1));
  }
  const bool is_rounded = call.type() != "QGemm" || call.has(one.result);  // its results may be floats
  const std::string result = is_rounded ? replacement.new_name() : call.output_name(0);
  node.add_output(result);
  replacement.add(std::move(node));
  if (is_rounded) {
    replacement.quantise(result, call.output_name(0), input_or_none(call, one.result),
                         input_or_none(call, one.result + 1), type_of_numbers(call.value_of_any_type(one.first)));
  }
  replacement.import();
}

bool moves_integers(Call& call) {
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    if (integers_of(call, i) != nullptr) return true;
  }
  return false;
}

void import_moved_integers(Call& call) {
  Replacement replacement(call);
  NodeProto node = call.proto();
  std::string scale, zero_point;  // of all of them: bytes are moved, whatever they stand for
  Type type = Type::u8;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const View* view = integers_of(call, i);
    if (view == nullptr) continue;
    if (scale.empty()) {
      type = view->type;
      const auto byte = std::make_shared<const std::byte>(static_cast<std::byte>(view->quantization->zero_point));
      scale = replacement.constant({.dims = {}, .values = graph::Constant(std::vector{view->quantization->scale})});
      zero_point = replacement.constant({.dims = {}, .values = graph::Constant(type, std::span(byte.get(), 1), byte)});
    }
    node.set_input(static_cast<int>(i), replacement.dequantise(call.input_name(i), scale, zero_point, 0));
  }
  for (auto& output : *node.mutable_output()) output = replacement.new_name();
  const NodeProto moved = node;
  replacement.add(std::move(node));
  for (std::size_t i = 0; i < call.outputs(); ++i) {
    if (!call.output_used(i)) continue;
    replacement.quantise(moved.output(static_cast<int>(i)), call.output_name(i), scale, zero_point, type);
  }
  replacement.import();
}

}  // namespace riffle::onnx
