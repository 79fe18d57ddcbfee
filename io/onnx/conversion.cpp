// Cast, QuantizeLinear, DequantizeLinear and Round. Layers compute in float, or in the integers of a quantised graph
// (integers.hpp); other types of tensors matter at the ends alone: there they are those of the caller's numbers.
#include <onnx.pb.h>

#include "io/onnx/combine.hpp"
#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"
#include "io/onnx/quantised_constants.hpp"
#include "io/onnx/types.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::TensorProto;

/// One scale and one zero point for the whole tensor, which is of this type.
Quantization read_quantization(Call& call, Type type) {
  call.ignore("axis");  // of several scales
  const auto [scales, zero_points] = read_scales(call, type);
  if (scales.size() != 1) {
    throw Error("it has " + std::to_string(scales.size()) + " scales '" + call.input_name(1) +
                "'; of a tensor that depends on the input, only one scale for the whole tensor is supported");
  }
  return {.scale = scales[0], .zero_point = zero_points[0]};
}

/// What QuantizeLinear makes: of the zero point's type, or of what it says itself, or else of uint8.
Type quantised_type(Call& call) {
  const std::int64_t given = call.integer("output_dtype", 0);
  std::optional<Type> type = given == 0 ? Type::u8 : type_of_number(given);
  if (call.has(2)) {
    const auto* zero_point = std::get_if<Floats>(&call.value(2));
    type = zero_point != nullptr ? std::optional(zero_point->values.type()) : std::nullopt;
  }
  if (!type || !is_quantised(*type)) throw Error("quantising to another type than int8 and uint8 is not supported");
  call.ignore("precision");  // in which it divides: in float
  return *type;
}

/// Of u8, as QuantizeLinear makes them.
bool are_bytes(const View& view) { return view.type == Type::u8 && view.quantization; }

/// Towards 0: the sign times what is below the absolute value.
View truncated(Call& call, View& view) {
  if (channel_axis(view)) call.importer.settle(view);
  const auto function = [&](const char* name, kernels::Function f, const View& of) {
    return activated(call.importer, call.name() + name, {{}, f}, of);
  };
  const View whole =
      function(".floor", kernels::Function::floor, function(".absolute", kernels::Function::absolute, view));
  return combined(call.importer, call.name(), graph::BinaryKind::multiply,
                  function(".sign", kernels::Function::sign, view), whole);
}

/// 1 for what is not 0.
View truth_of(Call& call, View& view) {
  if (channel_axis(view)) call.importer.settle(view);
  const View sign = activated(call.importer, call.name() + ".sign", {{}, kernels::Function::sign}, view);
  return activated(call.importer, call.name(), {{}, kernels::Function::absolute}, sign);
}

}  // namespace

void import_cast(Call& call) {
  const std::int64_t number = call.integer("to", 0);
  call.ignore("saturate");  // of 8-bit floats
  const std::optional<Type> type = number == TensorProto::DOUBLE ? Type::f32 : type_of_number(number);
  const bool real = type && !is_quantised(*type);
  const bool is_byte = type && is_quantised(*type);
  if (!type && number != TensorProto::INT64 && number != TensorProto::INT32 && number != TensorProto::BOOL) {
    throw Error("casting to the type " + type_text(number) + " is not supported");
  }
  Value& value = call.value_of_any_type(0);
  const bool is_integer = number == TensorProto::INT64 || number == TensorProto::INT32;
  if (auto* view = std::get_if<View>(&value);
      view != nullptr && is_integer && graph::is_index(call.importer.node(view->node).operation)) {
    return call.result_of_type(*view, Type::i32, {});
  }
  if (auto* view = std::get_if<View>(&value); view != nullptr && real) {
    if (is_quantised(view->type)) {
      View* input = call.importer.input(call.input_name(0));
      if (input == nullptr) throw Error("what QuantizeLinear makes is read by DequantizeLinear alone");
      call.importer.keep_quantization(*input, {});
    }
    return call.result_of_type(*view, *type, {});
  }
  if (auto* view = std::get_if<View>(&value); view != nullptr && is_integer && are_bytes(*view)) {
    call.importer.round(*view);
    return call.result(Places{*view});
  }
  if (auto* view = std::get_if<View>(&value); view != nullptr) {  // whole numbers, and still floats to layers
    call.tensor(0);                                               // of no bytes
    View result = number == TensorProto::BOOL ? truth_of(call, *view) : truncated(call, *view);
    return is_byte ? call.result_of_type(std::move(result), *type, Quantization{}) : call.result(std::move(result));
  }
  if (is_byte) throw Error("casting a constant to the type " + type_text(number) + " is not supported");
  if (auto* constant = std::get_if<Floats>(&value); constant != nullptr && real) {
    Floats result = *constant;
    if (result.are_raw()) {  // they are numbers from here on, not somebody's integers
      const std::span<const float> numbers = result.values.values();
      result.values = graph::Constant(std::vector<float>(numbers.begin(), numbers.end()));
    }
    return call.result(std::move(result));
  }
  Numbers result = call.numbers(0);
  result.real = real;
  call.result(apply(std::move(result), [&](const Quantity& one) {
    if (number == TensorProto::BOOL) return Quantity(one == Quantity(0) ? 0 : 1);
    return real ? one : truncate(one);
  }));
}

void import_quantize(Call& call) {
  call.ignore("saturate");  // of 8-bit floats
  const Type type = quantised_type(call);
  if (const auto* constant = std::get_if<Floats>(&call.value(0))) {
    return call.result(quantised(call, *constant, type));
  }
  View& view = call.tensor(0);
  if (channel_axis(view)) call.importer.settle(view);  // so that a slice is not rounded in full
  call.result_of_type(view, type, read_quantization(call, type));
}

void import_dequantize(Call& call) {
  call.ignore("output_dtype");  // a floating-point type: layers compute in float
  Value& value = call.value_of_any_type(0);
  auto* view = std::get_if<View>(&value);
  if (view == nullptr) return call.result(dequantised(call, value));
  if (!is_quantised(view->type)) throw Error("what it reads is neither int8 nor uint8");
  const Quantization quantization = read_quantization(call, view->type);
  if (View* input = call.importer.input(call.input_name(0))) {
    call.importer.keep_quantization(*input, quantization);
    return call.result(*input);
  }
  if (quantization.zero_point != view->quantization->zero_point) {
    throw Error("its zero point is " + std::to_string(quantization.zero_point) + ", that of QuantizeLinear is " +
                std::to_string(view->quantization->zero_point));
  }
  call.importer.round(*view);
  call.importer.charge(4 * std::int64_t{call.importer.shape(view->node).c});  // scales, if it comes to that
  View result = *view;
  result.node = call.importer.add(call.name(), graph::Activate{graph::Activation::none}, {view->node});
  call.importer.conversions().dequantised[result.node] = quantization.scale;
  call.result(std::move(result));
}

/// In a quantised model a convolution's result, before its residual joins; elsewhere a function like any other.
void import_round(Call& call) {
  if (call.importer.conversions().dequantised.empty()) return import_function(call);
  View result = call.tensor(0);
  result.node = call.importer.add(call.name(), graph::Activate{graph::Activation::none}, {result.node});
  call.importer.conversions().rounded.insert(result.node);
  call.result(std::move(result));
}

}  // namespace riffle::onnx
