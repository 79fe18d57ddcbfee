// An ONNX model while it is written: its nodes and initialisers, each tensor under a name of its own.
#pragma once

#include <onnx.pb.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "kernels/element.hpp"

namespace riffle::onnx {

void set(::onnx::NodeProto& node, const char* name, std::int64_t value);
void set(::onnx::NodeProto& node, const char* name, float value);
void set(::onnx::NodeProto& node, const char* name, std::initializer_list<std::int64_t> values);
void set(::onnx::NodeProto& node, const char* name, std::span<const std::int64_t> values);
void set(::onnx::NodeProto& node, const char* name, const char* value);

class Writer {
 public:
  using Integers = std::vector<std::int64_t>;

  ::onnx::ModelProto model;
  ::onnx::GraphProto& out = *model.mutable_graph();

  /// The name, or one like it that no other tensor has.
  std::string unique(const std::string& wanted);

  // Initialisers; the name of the new one is returned.
  std::string floats(const std::string& name, std::initializer_list<std::int64_t> dims, std::span<const float> values);
  std::string integers(const std::string& name, const Integers& values);
  /// Of i8 or u8.
  std::string bytes(const std::string& name, std::initializer_list<std::int64_t> dims, Type type,
                    std::span<const std::byte> values);
  std::string integers_of_32_bits(const std::string& name, std::initializer_list<std::int64_t> dims,
                                  std::span<const std::int32_t> values);

  /// Gives a node, and the tensor that it makes, a name that is the tensor's alone.
  static void set_name(::onnx::NodeProto& node, const std::string& unique_name);

  /// Appends a node that makes a tensor of its own name.
  ::onnx::NodeProto& append(const char* type, const std::string& wanted, std::initializer_list<std::string> inputs);

  /// From numbers of one type to those of another, of which one is f32 and the other may have a quantization.
  ::onnx::NodeProto& append_conversion(const std::string& name, const std::string& input, Type from, Type to,
                                       const Quantization& quantization);

  std::string reshaped(const std::string& input, const std::string& name, const Integers& to);

 private:
  ::onnx::TensorProto& initialiser(const std::string& name, std::initializer_list<std::int64_t> dims, int type,
                                   std::span<const std::byte> values);

  std::unordered_set<std::string> names_;
  std::unordered_map<std::string, int> repeats_;  ///< how often a name had to be changed
};

}  // namespace riffle::onnx
