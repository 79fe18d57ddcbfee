// ImportOptions::every_tensor: what a node of the model makes is an output under its name, as the model has it.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"
#include "io/onnx/import.hpp"
#include "io/onnx/qdq_test_model.hpp"
#include "tests/expect_error.hpp"

namespace riffle::onnx {
namespace {

struct Made {
  std::vector<std::string> names;  // in order
  std::map<std::string, std::vector<std::int64_t>> dims;
  std::map<std::string, std::vector<float>> numbers;
  std::string said;
};

graph::Graph imported(const TestModel& model, std::string* said = nullptr) {
  const std::string bytes = model.proto.SerializeAsString();
  ImportOptions options = {.every_tensor = true};
  options.say = [&](const std::string& words) {
    if (said != nullptr) *said += words;
  };
  return import(std::as_bytes(std::span(bytes)), options);
}

Made run(const TestModel& model, const std::vector<float>& input) {
  Made made;
  const graph::Graph graph = imported(model, &made.said);
  const std::vector<plan::Tensor> outputs = plan::make(graph)->outputs;
  const std::vector<Bytes> results = outputs_of(graph, {bytes_of(input)}, 1);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    made.names.push_back(outputs[i].name);
    made.dims[outputs[i].name] = outputs[i].dims;
    made.numbers[outputs[i].name] = numbers_of<float>(results[i]);
  }
  return made;
}

std::vector<float> counting(std::size_t count) {
  std::vector<float> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 1.0F);
  return numbers;
}

using Numbers = std::vector<float>;

/// A product, its bias, which otherwise becomes one with it, and a ReLU; zeros around, which the mean behind counts in.
TEST(EveryTensor, IsThereThoughItWouldBeFused) {
  TestModel m({0, 1, 2, 2});
  m.node("Conv", {"x", m.floats({1, 1, 1, 1}, {3})}, "product");
  m.node("Add", {"product", m.floats({1, 1, 1}, {-8})}, "sum");
  m.node("Relu", {"sum"}, "relu");
  m.node("Pad", {"relu", m.list({0, 0, 0, 1, 0, 0, 0, 0})}, "padded");
  m.node("AveragePool", {"padded"}, "y", {{"kernel_shape", std::vector<std::int64_t>{2, 3}}});
  const Made made = run(m, counting(4));
  EXPECT_EQ(made.names, (std::vector<std::string>{"product", "sum", "relu", "padded", "y"}));
  EXPECT_EQ(made.numbers.at("product"), (Numbers{3, 6, 9, 12}));
  EXPECT_EQ(made.numbers.at("sum"), (Numbers{-5, -2, 1, 4}));
  EXPECT_EQ(made.numbers.at("relu"), (Numbers{0, 0, 1, 4}));
  EXPECT_EQ(made.numbers.at("padded"), (Numbers{0, 0, 0, 0, 1, 4}));
  EXPECT_EQ(made.dims.at("padded"), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_FLOAT_EQ(made.numbers.at("y")[0], 5.0F / 6);
  EXPECT_EQ(made.said, "");
}

/// A channel shuffle and a split, which are no steps otherwise, and pixels: each as the model has it.
TEST(EveryTensor, HasTheModelsAxes) {
  TestModel m({0, 4, 1, 2});
  m.node("Reshape", {"x", m.list({-1, 2, 2, 1, 2})}, "five");
  m.node("Transpose", {"five"}, "swapped", {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
  m.node("Reshape", {"swapped", m.list({-1, 4, 1, 2})}, "shuffled");
  auto& split = m.node("Split", {"shuffled", m.list({1, 3})}, "one", {{"axis", 1}});
  split.add_output("three");
  m.node("Relu", {"three"}, "y");
  m.node("Transpose", {"y"}, "pixels", {{"perm", std::vector<std::int64_t>{0, 2, 3, 1}}});
  const Made made = run(m, counting(8));
  // The part that nobody reads is no tensor of the graph.
  EXPECT_EQ(made.names, (std::vector<std::string>{"five", "swapped", "shuffled", "three", "y", "pixels"}));
  EXPECT_EQ(made.dims.at("five"), (std::vector<std::int64_t>{2, 2, 1, 2}));
  EXPECT_EQ(made.numbers.at("five"), counting(8));
  EXPECT_EQ(made.numbers.at("swapped"), (Numbers{1, 2, 5, 6, 3, 4, 7, 8}));
  EXPECT_EQ(made.numbers.at("shuffled"), (Numbers{1, 2, 5, 6, 3, 4, 7, 8}));
  EXPECT_EQ(made.dims.at("pixels"), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(made.numbers.at("pixels"), (Numbers{5, 3, 7, 6, 4, 8}));
}

/// Its own outputs stand where they are made, of the types that it says; metadata would be of the first one.
TEST(EveryTensor, OutputsOfTheModelAreInOrder) {
  TestModel m({0, 1, 1, 2});
  m.node("Relu", {"x"}, "y");
  m.node("Neg", {"y"}, "behind");
  m.output("x");
  auto& labels = *m.proto.add_metadata_props();
  labels.set_key("riffle.labels");
  labels.set_value("[\"only one\"]");
  const Made made = run(m, {-1, 2});
  EXPECT_EQ(made.names, (std::vector<std::string>{"x", "y", "behind"}));
  EXPECT_EQ(made.numbers.at("behind"), (Numbers{0, -2}));
}

/// 0.6 and -0.9 are 4 and 1 in steps of 0.5 from 3; the sums, 4.375 and -15.9, are 102 and 92 in steps of 2 from 100.
TEST(EveryTensor, OfAQuantisedModelTheIntegers) {
  for (const auto type : {::onnx::TensorProto::UINT8, ::onnx::TensorProto::INT8}) {
    const int lower = type == ::onnx::TensorProto::INT8 ? 128 : 0;
    QdqModel m({0, 2, 1, 1});
    m.pair("x", "a", {0.5F, 3 - lower, type});
    m.convolution("a", "b", 0.5F);
    m.pair("b", "c", {2.0F, 100 - lower, type});
    m.node("Relu", {"c"}, "y");
    const graph::Graph graph = imported(m);
    std::vector<std::string> names;
    for (const graph::Output& output : graph.outputs) names.push_back(output.name);
    EXPECT_EQ(names, (std::vector<std::string>{"a.q", "c.q", "y"}));
    const std::vector<Bytes> results = outputs_of(graph, {bytes_of(Numbers{0.6F, -0.9F})}, 1);
    const auto integers = [&](int first, int second) {
      return Bytes{static_cast<std::byte>(first - lower), static_cast<std::byte>(second - lower)};
    };
    EXPECT_EQ(results[0], integers(4, 1));
    EXPECT_EQ(results[1], integers(102, 92));
    EXPECT_EQ(numbers_of<float>(results[2]), (Numbers{4, 0}));
  }
}

/// Whose batch is not in front: named and left out, and the model runs all the same.
TEST(EveryTensor, WhatCannotBeHandedOverIsNamed) {
  TestModel m({2, 1, 1, 2});
  m.node("Transpose", {"x"}, "turned", {{"perm", std::vector<std::int64_t>{3, 1, 2, 0}}});
  m.node("Transpose", {"turned"}, "back", {{"perm", std::vector<std::int64_t>{3, 1, 2, 0}}});
  m.node("Relu", {"back"}, "y");
  std::string said;
  const graph::Graph graph = imported(m, &said);
  EXPECT_EQ(graph.outputs.size(), 2U);
  EXPECT_TRUE(riffle::tests::contains(said, "left out, as no tensor that can be handed over: 'turned'"));
}

}  // namespace
}  // namespace riffle::onnx
