// Cast, QuantizeLinear and DequantizeLinear. riffle computes in float whatever the model says, so that the types of
// tensors matter at the ends alone: there they are those of the caller's numbers.
#include <onnx.pb.h>

#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"
#include "io/onnx/types.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::TensorProto;

/// One scale and one zero point, 0 where it is left out, for the whole tensor.
Quantization read_quantization(Call& call) {
  call.ignore("axis");  // of several scales
  if (call.integer("block_size", 0) != 0) throw Error("blocks are not supported");
  const Floats& scale = call.floats(1);
  if (scale.values.size() != 1) throw Error("only one scale for the whole tensor is supported");
  Quantization result{.scale = scale.values.values()[0], .zero_point = 0};
  if (!call.has(2)) return result;
  const std::vector<std::int64_t> zero_point = known_integers(call.numbers(2));
  if (zero_point.size() != 1) throw Error("only one zero point for the whole tensor is supported");
  if (zero_point[0] < -128 || zero_point[0] > 255) throw Error("the zero point is " + std::to_string(zero_point[0]));
  result.zero_point = static_cast<std::int32_t>(zero_point[0]);
  return result;
}

/// What QuantizeLinear makes: of the zero point's type, or of what it says itself, or else of uint8.
Type quantised_type(Call& call) {
  const std::int64_t given = call.integer("output_dtype", 0);
  const std::optional<Type> said = given == 0 ? Type::u8 : type_of_number(given);
  const std::optional<Type> type = call.has(2) ? call.numbers(2).type : said;
  if (!type || !is_quantised(*type)) throw Error("quantising to another type than int8 and uint8 is not supported");
  return *type;
}

}  // namespace

void import_cast(Call& call) {
  const std::int64_t number = call.integer("to", 0);
  call.ignore("saturate");  // of 8-bit floats
  const std::optional<Type> type = number == TensorProto::DOUBLE ? Type::f32 : type_of_number(number);
  const bool real = type && !is_quantised(*type);
  if (!real && number != TensorProto::INT64 && number != TensorProto::INT32 && number != TensorProto::BOOL) {
    throw Error("casting to the type " + std::to_string(number) + " is not supported");
  }
  Value& value = call.value_of_any_type(0);
  if (auto* view = std::get_if<View>(&value); view != nullptr && real) {
    View* input = call.importer.input(call.input_name(0));
    if (input != nullptr && (type == Type::f32 || is_quantised(input->type))) {
      call.importer.keep_type(*input, {});
    } else if (is_quantised(view->type)) {
      throw Error("what QuantizeLinear makes can only be an output");
    }
    return call.result_of_type(*view, *type, {});
  }
  if (real && !std::holds_alternative<Numbers>(value)) return call.result(value);
  Numbers result = call.numbers(0);
  result.real = real;
  result.type.reset();
  call.result(apply(std::move(result), [&](const Quantity& one) {
    if (number == TensorProto::BOOL) return Quantity(one == Quantity(0) ? 0 : 1);
    return real ? one : truncate(one);
  }));
}

void import_quantize(Call& call) {
  call.ignore("saturate");  // of 8-bit floats
  const Type type = quantised_type(call);
  call.result_of_type(call.tensor(0), type, read_quantization(call));
}

void import_dequantize(Call& call) {
  const Quantization quantization = read_quantization(call);
  View* input = call.importer.input(call.input_name(0));
  if (input == nullptr || !is_quantised(input->type)) {
    throw Error("only an input of the model that is of int8 or uint8 can be dequantised: layers compute in float");
  }
  call.importer.keep_type(*input, quantization);
  call.result(*input);
}

}  // namespace riffle::onnx
