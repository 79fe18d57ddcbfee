// How ONNX numbers the types that a network's inputs and outputs may have.
#pragma once

#include <onnx.pb.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "kernels/element.hpp"

namespace riffle::onnx {

struct ElementType {
  Type type;
  int number;  ///< TensorProto::DataType
};
inline constexpr ElementType element_types[] = {
    {Type::f32, ::onnx::TensorProto::FLOAT},     {Type::f16, ::onnx::TensorProto::FLOAT16},
    {Type::bf16, ::onnx::TensorProto::BFLOAT16}, {Type::i8, ::onnx::TensorProto::INT8},
    {Type::u8, ::onnx::TensorProto::UINT8},
};

/// Nothing for a number that is of none of them.
inline std::optional<Type> type_of_number(std::int64_t number) {
  const auto* const found = std::ranges::find(element_types, number, &ElementType::number);
  return found == std::end(element_types) ? std::nullopt : std::optional(found->type);
}

/// For people: "22 (int4)".
inline std::string type_text(std::int64_t number) {
  static constexpr const char* names[] = {"undefined",      "float",    "uint8",        "int8",           "uint16",
                                          "int16",          "int32",    "int64",        "string",         "bool",
                                          "float16",        "double",   "uint32",       "uint64",         "complex64",
                                          "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
                                          "float8e5m2fnuz", "uint4",    "int4",         "float4e2m1"};
  const bool has_name = number >= 0 && number < std::ssize(names);
  return std::to_string(number) + (has_name ? " (" + std::string(names[number]) + ")" : "");
}

/// Of one of them, or of i32, which outputs may have.
inline int number_of_type(Type type) {
  if (type == Type::i32) return ::onnx::TensorProto::INT32;
  return std::ranges::find(element_types, type, &ElementType::type)->number;
}

}  // namespace riffle::onnx
