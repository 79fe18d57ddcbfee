// ONNX models put together by hand, for tests.
#pragma once

#include <onnx.pb.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <variant>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::onnx {

struct Attribute {
  const char* name;
  std::variant<int, float, const char*, std::vector<std::int64_t>> value;
};

/// A model with one input "x" (float; a dimension of 0 is left open) and one output "y".
class TestModel {
 public:
  explicit TestModel(std::vector<std::int64_t> input = {0, 4, 6, 6}, std::int64_t opset = 13);

  /// Adds a node named "the_node" that makes `output`.
  ::onnx::NodeProto& node(const char* type, std::vector<std::string> inputs, const std::string& output = "y",
                          std::initializer_list<Attribute> attributes = {});

  // Initialisers; the name of the new one is returned.
  std::string list(std::vector<std::int64_t> values);
  std::string scalar(std::int64_t value);
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

/// The only node of its kind. Fails the test and returns a default where there is none.
template <typename Operation>
Operation only(const graph::Graph& graph) {
  for (const graph::Node& node : graph.nodes) {
    if (const auto* found = std::get_if<Operation>(&node.operation)) return *found;
  }
  throw Error("the graph has no such node:\n" + graph::to_text(graph));
}

}  // namespace riffle::onnx
