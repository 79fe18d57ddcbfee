// ONNX models put together by hand, for tests.
#pragma once

#include <onnx.pb.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::onnx {

struct Attribute {
  const char* name;
  std::variant<int, float, const char*, std::vector<std::int64_t>> value;
};

/// A model with the input "x" and the output "y", to begin with.
class TestModel {
 public:
  explicit TestModel(std::vector<std::int64_t> input_dims = {0, 4, 6, 6}, std::int64_t opset = 13,
                     ::onnx::TensorProto::DataType type = ::onnx::TensorProto::FLOAT);

  /// Adds an input; a dimension of 0 is left open.
  void input(const std::string& name, const std::vector<std::int64_t>& dims,
             ::onnx::TensorProto::DataType type = ::onnx::TensorProto::FLOAT);
  /// Adds an output.
  void output(const std::string& name);

  /// Adds a node named "the_node" that makes `output`.
  ::onnx::NodeProto& node(const char* type, std::vector<std::string> inputs, const std::string& output = "y",
                          std::initializer_list<Attribute> attributes = {});

  // Initialisers; the name of the new one is returned.
  std::string list(std::vector<std::int64_t> values);
  std::string scalar(std::int64_t value);
  /// Of int8 or uint8.
  std::string scalar(std::int64_t value, ::onnx::TensorProto::DataType type);
  /// Value i is i + 1.
  std::string floats(std::vector<std::int64_t> dims);
  std::string floats(std::vector<std::int64_t> dims, const std::vector<float>& values);
  ::onnx::TensorProto& initialiser(const std::string& name);

  [[nodiscard]] graph::Graph import() const;
  /// The operations of the graph without its dead nodes, for example "input, shuffle, activation".
  [[nodiscard]] std::string operations() const;
  /// What the importer says against it; empty if it says nothing.
  [[nodiscard]] std::string refusal() const;

  ::onnx::ModelProto proto;

 private:
  std::string new_name();
  int names_ = 0;
};

std::string operations(graph::Graph graph);

/// A tensor's numbers as the caller has them.
using Bytes = std::vector<std::byte>;

template <typename T>
Bytes bytes_of(const std::vector<T>& numbers) {
  const auto bytes = std::as_bytes(std::span(numbers));
  return {bytes.begin(), bytes.end()};
}

template <typename T>
std::vector<T> numbers_of(const Bytes& bytes) {
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
  return numbers;
}

/// What a graph makes of a batch on this CPU: of inputs[i] for input i, the outputs.
std::vector<Bytes> outputs_of(const graph::Graph& graph, const std::vector<Bytes>& inputs, std::int64_t batch);

/// The only node of its kind. Fails the test and returns a default where there is none.
template <typename Operation>
Operation only(const graph::Graph& graph) {
  for (const graph::Node& node : graph.nodes) {
    if (const auto* found = std::get_if<Operation>(&node.operation)) return *found;
  }
  throw Error("the graph has no such node:\n" + graph::to_text(graph));
}

}  // namespace riffle::onnx
