// Operations that leave a tensor's shape as it is.
#include <algorithm>
#include <cmath>
#include <limits>

#include "io/onnx/combine.hpp"
#include "io/onnx/functions.hpp"
#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

void activate(Call& call, graph::Activation kind, std::size_t tensor = 0) {
  if (std::holds_alternative<Floats>(call.value(tensor)) && kind.slopes.empty()) {
    return call.result(activated(call.importer, call.floats(tensor), kind));
  }
  View& view = call.tensor(tensor);
  // The order of the elements does not matter here; it is only that a slice should not be computed in full.
  if (channel_axis(view)) call.importer.settle(view);
  View result = view;
  result.node = call.importer.add(call.name(), graph::Activate{std::move(kind)}, {view.node});
  call.result(std::move(result));
}

/// The quotient, rounded down, of whole numbers of less than 2^21: half a one more is further from the next quotient
/// than what rounding does, be it by a reciprocal.
View floor_of_quotient(Call& call, View view, float divisor) {
  const std::string name = call.name();
  view = combined(call.importer, name + ".half", graph::BinaryKind::add, std::move(view), 0.5F);
  view = combined(call.importer, name + ".quotient", graph::BinaryKind::divide, std::move(view), divisor);
  return activated(call.importer, name + ".floor", {{}, kernels::Function::floor}, std::move(view));
}

/// A whole number of the model by which the numbers of a tensor, whole ones as well, are divided.
float whole_divisor(Call& call) {
  if (!call.is_tensor(0)) throw Error("a whole number divided by a tensor is not supported");
  const std::vector<std::int64_t> divisor = known_integers(call.numbers(1));
  if (divisor.size() != 1 || divisor[0] < 1 || divisor[0] > graph::max_extent) {
    throw Error("whole numbers are divided by one from 1 to " + std::to_string(graph::max_extent) + " alone");
  }
  return static_cast<float>(divisor[0]);
}

/// Towards 0.
void divide_whole_numbers(Call& call) {
  const float divisor = whole_divisor(call);
  const View& view = call.tensor(0);
  const View sign = activated(call.importer, call.name() + ".sign", {{}, kernels::Function::sign}, view);
  View size = activated(call.importer, call.name() + ".absolute", {{}, kernels::Function::absolute}, view);
  size = floor_of_quotient(call, std::move(size), divisor);
  call.result(combined(call.importer, call.name(), graph::BinaryKind::multiply, sign, std::move(size)));
}

/// a - b * floor(a / b)
void whole_rest(Call& call) {
  if (call.inputs() != 2) throw Error("it has not two inputs");
  if (!call.is_tensor(0) && !call.is_tensor(1)) return import_arithmetic(call);
  if (call.integer("fmod", 0) != 0) throw Error("fmod is not supported");
  const float divisor = whole_divisor(call);
  const View& view = call.tensor(0);
  View whole = floor_of_quotient(call, view, divisor);
  whole = combined(call.importer, call.name() + ".whole", graph::BinaryKind::multiply, std::move(whole), divisor);
  call.result(combined(call.importer, call.name(), graph::BinaryKind::subtract, view, std::move(whole)));
}

/// A constant that is a single number.
float single_number(Call& call, std::size_t input, const char* what) {
  const auto* floats = std::get_if<Floats>(&call.value(input));
  if (floats != nullptr && floats->values.size() == 1) return floats->values.values()[0];
  const Numbers numbers = call.numbers(input);
  if (numbers.values.size() != 1) throw Error(std::string(what) + " is not a single number");
  return static_cast<float>(known_integers(numbers)[0]);
}

/// A bound of Clip: an attribute before opset 11, an input since; `none` where there is neither. The greatest float,
/// and the least, are none as well: that is what opset 6 takes where the attribute is missing, and what exporters
/// write.
float bound(Call& call, const char* attribute, std::size_t input, float none) {
  float given = call.real(attribute, none);
  if (call.has(input)) given = single_number(call, input, "a bound");
  return given == std::copysign(std::numeric_limits<float>::max(), none) ? none : given;
}

graph::Constant* bias_of(graph::Node& node) {
  if (auto* dense = std::get_if<graph::FullyConnected>(&node.operation)) return &dense->bias;
  if (auto* convolution = std::get_if<graph::Convolution>(&node.operation)) return &convolution->bias;
  return nullptr;
}

/// What is added behind a product without a bias of its own is its bias.
bool add_to_bias(Call& call, std::size_t tensor, const Floats& constant) {
  View& view = call.tensor(tensor);
  graph::Constant* bias = bias_of(call.importer.node(view.node));
  const bool is_own = bias != nullptr && bias->empty() && call.importer.is_private(call.input_name(tensor), view.node);
  const std::int32_t count = call.importer.shape(view.node).c;
  if (!is_own || !is_settled(view, count)) return false;
  auto values = values_by_channel(call.importer, view, constant);
  if (!values) return false;
  // As the model has them, where it has as many.
  const std::span<const float> stored = constant.values.values();
  *bias = std::ranges::equal(*values, stored) ? constant.values : graph::Constant(std::move(*values));
  call.result(view);
  return true;
}

struct BinaryOperator {
  std::string_view type;
  graph::BinaryKind kind;
};
constexpr BinaryOperator binary_operators[] = {
    {"Add", graph::BinaryKind::add},      {"Sum", graph::BinaryKind::add},      {"Mean", graph::BinaryKind::add},
    {"Sub", graph::BinaryKind::subtract}, {"Mul", graph::BinaryKind::multiply}, {"Div", graph::BinaryKind::divide},
    {"Max", graph::BinaryKind::maximum},  {"Min", graph::BinaryKind::minimum},  {"Pow", graph::BinaryKind::power},
};

}  // namespace

void import_relu(Call& call) { activate(call, graph::Activation::relu); }

void import_function(Call& call) {
  const auto* const found =
      std::ranges::find(function_operators, call.type(), [](const FunctionOperator& one) { return one.type; });
  graph::Activation activation{{}, found->function};
  if (found->a.name != nullptr) activation.a = call.real(found->a.name, found->a.otherwise);
  if (found->b.name != nullptr) activation.b = call.real(found->b.name, found->b.otherwise);
  activate(call, std::move(activation));
}

/// Of shapes' numbers as well, where these have the operator.
void import_floor(Call& call) {
  const bool is_up = call.type() == "Ceil";
  if (!std::holds_alternative<Numbers>(call.value(0))) return import_function(call);
  const Quantity minus_one(-1);
  call.result(apply(call.numbers(0), [&](const Quantity& x) {
    return is_up ? multiply(minus_one, floor(multiply(minus_one, x))) : floor(x);
  }));
}

void import_prelu(Call& call) {
  const Floats& slopes = call.floats(1);
  const std::span<const float> all = slopes.values.values();
  if (!all.empty() && std::ranges::all_of(all, [&](float one) { return one == all[0]; })) {
    return activate(call, {{}, kernels::Function::leaky, all[0]});
  }
  View& view = call.tensor(0);
  if (channel_axis(view)) call.importer.settle(view);
  Importer& importer = call.importer;
  if (auto values = channel_axis(view) ? values_by_channel(importer, view, slopes) : std::nullopt) {
    const bool are_stored = std::ranges::equal(*values, all);  // as the model has them
    return activate(call, {.function = kernels::Function::prelu,
                           .slopes = are_stored ? slopes.values : graph::Constant(std::move(*values))});
  }
  // A slope for each pixel too: max(x, 0) + slope * min(x, 0).
  constexpr float infinity = std::numeric_limits<float>::infinity();
  View below = activated(importer, call.name() + ".below", {{-infinity, 0.0F}}, view);
  below = combined(importer, call.name() + ".slopes", graph::BinaryKind::multiply, std::move(below), slopes);
  const View above = activated(importer, call.name() + ".above", graph::Activation::relu, view);
  call.result(combined(importer, call.name(), graph::BinaryKind::add, above, std::move(below)));
}

void import_gelu(Call& call) {
  const std::string approximation = call.text("approximate", "none");
  if (approximation != "none" && approximation != "tanh") throw Error("approximate is " + approximation);
  activate(call, {{}, approximation == "none" ? kernels::Function::gelu : kernels::Function::gelu_tanh});
}

/// x * sigmoid(alpha * x)
void import_swish(Call& call) {
  const float alpha = call.real("alpha", 1.0F);
  if (alpha == 1.0F) return activate(call, {{}, kernels::Function::silu});
  const View& view = call.tensor(0);
  const View gate = combined(call.importer, call.name() + ".alpha", graph::BinaryKind::multiply, view, alpha);
  call.result(combined(call.importer, call.name(), graph::BinaryKind::multiply, view,
                       activated(call.importer, call.name() + ".gate", graph::Activation::sigmoid, gate)));
}

void import_clip(Call& call) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float lower = bound(call, "min", 1, -infinity), upper = bound(call, "max", 2, infinity);
  activate(call, {{lower, upper}});
}

void import_binary(Call& call) {
  if (call.type() == "Mod") return whole_rest(call);
  const graph::BinaryKind kind = std::ranges::find(binary_operators, call.type(), &BinaryOperator::type)->kind;
  if (call.inputs() == 0) throw Error("it has no inputs");
  if (call.type() == "Add" && (call.places(0) != nullptr || call.places(1) != nullptr)) return import_rows(call);
  std::size_t tensors = 0, floats = 0;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    tensors += call.is_tensor(i) ? 1 : 0;
    floats += std::holds_alternative<Floats>(call.value(i)) ? 1 : 0;
  }
  if (tensors == 0 && floats < call.inputs()) return import_arithmetic(call);
  if (call.type() == "Div" && tensors == 1 && call.inputs() == 2) {  // of the same type: that of both is integers
    const auto* numbers = std::get_if<Numbers>(&call.value(call.is_tensor(0) ? 1 : 0));
    if (numbers != nullptr && !numbers->real) return divide_whole_numbers(call);
  }
  if (kind == graph::BinaryKind::add && call.inputs() == 2 && tensors == 1 && floats == 1) {
    const std::size_t tensor = call.is_tensor(0) ? 0 : 1;
    if (add_to_bias(call, tensor, call.floats(1 - tensor))) return;
  }
  Operand result = operand(call, 0);
  for (std::size_t i = 1; i < call.inputs(); ++i) {
    const bool is_last = i + 1 == call.inputs() && call.type() != "Mean";
    const std::string name = call.name() + (is_last ? "" : "." + std::to_string(i));
    result = combined(call.importer, name, kind, result, operand(call, i));
  }
  if (call.type() == "Mean") {
    const Floats share{.dims = {}, .values = graph::Constant(std::vector{1.0F / static_cast<float>(call.inputs())})};
    result = combined(call.importer, call.name(), graph::BinaryKind::multiply, result, share);
  }
  std::visit([&](auto& one) { call.result(std::move(one)); }, result);
}

void import_expand(Call& call) {
  if (!call.is_tensor(0)) return import_expanded_constant(call);
  View view = call.tensor(0);
  const Numbers wanted = call.numbers(1);
  const std::size_t rank = std::max(view.axes.size(), wanted.values.size());
  if (rank > 8) throw Error("more than 8 dimensions");
  view.axes.insert(view.axes.begin(), rank - view.axes.size(), Axis{});
  const std::size_t skipped = rank - wanted.values.size();
  std::vector<std::int64_t> extents(rank, 1);
  for (std::size_t i = skipped; i < rank; ++i) {
    const Quantity& one = wanted.values[i - skipped];
    if (one == Quantity(1) || one == extent(view.axes[i])) continue;
    const auto known = one.known_integer();
    if (!view.axes[i].empty() || !known || *known < 1 || *known > graph::max_extent) {
      throw Error("a tensor " + text(view) + " cannot be expanded to " + text(one) + " on dimension " +
                  std::to_string(i));
    }
    if (one.made_of.any()) throw Error("it is expanded to rows or columns of an open size");
    extents[i] = *known;
  }
  call.result(expanded(call.importer, call.name(), std::move(view), extents));
}

void import_identity(Call& call) {
  if (call.type() == "Dropout") {  // which passes everything on where nothing is trained
    call.ignore("ratio");
    call.ignore("seed");
    if (call.output_used(1)) throw Error("its second output, the mask, is used");
    if (call.has(2)) {
      const std::vector<std::int64_t> training = known_integers(call.numbers(2));
      if (training.size() != 1 || training[0] != 0) throw Error("it is exported for training");
    }
  }
  call.result(call.value(0));
}

}  // namespace riffle::onnx
