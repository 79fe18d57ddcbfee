#include "io/onnx/writer.hpp"

#include "io/onnx/types.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

AttributeProto& add_attribute(NodeProto& node, const char* name, AttributeProto::AttributeType type) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

}  // namespace

void set(NodeProto& node, const char* name, std::int64_t value) {
  add_attribute(node, name, AttributeProto::INT).set_i(value);
}

void set(NodeProto& node, const char* name, float value) {
  add_attribute(node, name, AttributeProto::FLOAT).set_f(value);
}

void set(NodeProto& node, const char* name, std::initializer_list<std::int64_t> values) {
  set(node, name, std::span(values.begin(), values.size()));
}

void set(NodeProto& node, const char* name, std::span<const std::int64_t> values) {
  AttributeProto& attribute = add_attribute(node, name, AttributeProto::INTS);
  for (const std::int64_t value : values) attribute.add_ints(value);
}

void set(NodeProto& node, const char* name, const char* value) {
  add_attribute(node, name, AttributeProto::STRING).set_s(value);
}

std::string Writer::unique(const std::string& wanted) {
  std::string name = wanted;
  int& repeats = repeats_[wanted];
  while (name.empty() || !names_.insert(name).second) name = wanted + "_" + std::to_string(++repeats);
  return name;
}

TensorProto& Writer::initialiser(const std::string& name, std::initializer_list<std::int64_t> dims, int type,
                                 std::span<const std::byte> values) {
  TensorProto& tensor = *out.add_initializer();
  tensor.set_name(unique(name));
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_data_type(type);
  tensor.set_raw_data(values.data(), values.size());
  return tensor;
}

std::string Writer::floats(const std::string& name, std::initializer_list<std::int64_t> dims,
                           std::span<const float> values) {
  return initialiser(name, dims, TensorProto::FLOAT, std::as_bytes(values)).name();
}

std::string Writer::integers(const std::string& name, const Integers& values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return initialiser(name, {count}, TensorProto::INT64, std::as_bytes(std::span(values))).name();
}

std::string Writer::bytes(const std::string& name, std::initializer_list<std::int64_t> dims, Type type,
                          std::span<const std::byte> values) {
  return initialiser(name, dims, number_of_type(type), values).name();
}

std::string Writer::integers_of_32_bits(const std::string& name, std::initializer_list<std::int64_t> dims,
                                        std::span<const std::int32_t> values) {
  return initialiser(name, dims, TensorProto::INT32, std::as_bytes(values)).name();
}

void Writer::set_name(NodeProto& node, const std::string& unique_name) {
  node.set_name(unique_name);
  *node.mutable_output(0) = unique_name;
}

NodeProto& Writer::append(const char* type, const std::string& wanted, std::initializer_list<std::string> inputs) {
  NodeProto& result = *out.add_node();
  result.set_op_type(type);
  for (const std::string& input : inputs) result.add_input(input);
  result.add_output();
  set_name(result, unique(wanted));
  return result;
}

NodeProto& Writer::append_conversion(const std::string& name, const std::string& input, Type from, Type to,
                                     const Quantization& quantization) {
  const Type stored = from == Type::f32 ? to : from;
  if (!is_quantised(stored)) {
    NodeProto& cast = append("Cast", name, {input});
    set(cast, "to", std::int64_t{number_of_type(to)});
    return cast;
  }
  const std::byte zero_point{static_cast<std::uint8_t>(quantization.zero_point)};
  const std::string scale = floats(name + ".scale", {}, {&quantization.scale, 1});
  const std::string zero = bytes(name + ".zero_point", {}, stored, {&zero_point, 1});
  return append(stored == from ? "DequantizeLinear" : "QuantizeLinear", name, {input, scale, zero});
}

std::string Writer::reshaped(const std::string& input, const std::string& name, const Integers& to) {
  return append("Reshape", name, {input, integers(name + ".shape", to)}).output(0);
}

}  // namespace riffle::onnx
