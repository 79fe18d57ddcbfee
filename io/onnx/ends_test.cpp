// The ends of a network: its inputs and outputs, in a model and back in a file.
#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "io/onnx/export.hpp"
#include "io/onnx/import.hpp"
#include "io/onnx/test_model.hpp"
#include "models/random.hpp"

namespace riffle::onnx {
namespace {

using graph::Graph;
using graph::NodeId;
using Names = std::vector<std::string>;

constexpr std::int64_t batch = 2;

std::vector<float> random_floats(std::string_view name, const graph::Shape& shape) {
  return models::random_values(1, name, static_cast<std::size_t>(batch * shape.size()), {});
}

Names input_names(const Graph& graph) {
  Names names;
  for (std::size_t i = 0; i < graph.input_count(); ++i) names.push_back(graph.nodes[i].name);
  return names;
}

Names output_names(const Graph& graph) {
  Names names;
  for (const graph::Output& output : graph.outputs) names.push_back(graph.output_name(output));
  return names;
}

::onnx::ModelProto exported(const Graph& graph) {
  ::onnx::ModelProto model;
  if (!model.ParseFromString(export_model(graph))) throw Error("what is exported is no model");
  return model;
}

Graph exported_and_back(const Graph& graph) {
  const std::string bytes = export_model(graph);
  return import(std::as_bytes(std::span(bytes)));
}

/// The images' channels of these numbers, in this order.
std::vector<float> picked(std::span<const float> images, std::size_t channels, const std::vector<std::size_t>& which) {
  const std::size_t pixels = images.size() / channels / batch;
  std::vector<float> result;
  for (std::size_t n = 0; n < batch; ++n) {
    for (const std::size_t channel : which) {
      const auto plane = images.subspan((n * channels + channel) * pixels, pixels);
      result.insert(result.end(), plane.begin(), plane.end());
    }
  }
  return result;
}

TEST(Ends, InputsAreTheModelsInTheirOrder) {
  TestModel m({0, 4, 2, 3});
  const std::string weights = m.floats({4, 4, 1, 1});
  m.input(weights, {4, 4, 1, 1});  // no input: a weight that a caller might replace
  m.input("z", {0, 4, 2, 3});
  m.input("unread", {0, 1, 2, 3});
  m.node("Conv", {"z", weights}, "a");
  m.node("Add", {"x", "a"});
  const Graph graph = m.import();
  EXPECT_EQ(input_names(graph), (Names{"x", "z", "unread"}));
  EXPECT_EQ(graph.input(2).shape, (graph::Shape{2, 3, 1}));

  const std::vector<float> x = random_floats("x", {2, 3, 4}), z = random_floats("z", {2, 3, 4});
  const std::vector<float> unread = random_floats("unread", {2, 3, 1});
  std::vector<float> sum = x;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const std::size_t image = i / 24, output = i / 6 % 4, pixel = i % 6;
    for (std::size_t c = 0; c < 4; ++c) {
      sum[i] += static_cast<float>(output * 4 + c + 1) * z[image * 24 + c * 6 + pixel];
    }
  }
  const std::vector<Bytes> outputs = outputs_of(graph, {bytes_of(x), bytes_of(z), bytes_of(unread)}, batch);
  const auto y = numbers_of<float>(outputs.at(0));
  ASSERT_EQ(y.size(), sum.size());
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], sum[i], 1e-4) << i;
}

TEST(Ends, OutputsAreTheModelsInTheirOrder) {
  TestModel m({0, 4, 2, 3});
  auto& split = m.node("Split", {"x", m.list({1, 3})}, "one", {{"axis", 1}});
  split.add_output("three");
  m.node("Gather", {"x", m.list({3, 1, 2, 0})}, "turned", {{"axis", 1}});
  m.node("Concat", {"three", "x", "one"}, "joined", {{"axis", 1}});
  m.node("Reshape", {"x", m.list({0, 2, 2, 2, 3})}, "grouped");
  m.node("Transpose", {"grouped"}, "transposed", {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
  m.node("Relu", {"turned"});
  m.node("Identity", {"y"}, "again");
  for (const char* name : {"three", "x", "turned", "one", "joined", "transposed", "again"}) m.output(name);
  const Graph graph = m.import();
  EXPECT_EQ(output_names(graph), (Names{"y", "three", "x", "turned", "one", "joined", "transposed", "again"}));

  const std::vector<float> x = random_floats("x", {2, 3, 4});
  const std::vector<Bytes> outputs = outputs_of(graph, {bytes_of(x)}, batch);
  const auto expect_channels = [&](std::size_t output, const std::vector<std::size_t>& which) {
    EXPECT_EQ(numbers_of<float>(outputs.at(output)), picked(x, 4, which)) << output_names(graph)[output];
  };
  expect_channels(1, {1, 2, 3});
  expect_channels(2, {0, 1, 2, 3});
  expect_channels(3, {3, 1, 2, 0});
  expect_channels(4, {0});
  expect_channels(5, {1, 2, 3, 0, 1, 2, 3, 0});
  expect_channels(6, {0, 2, 1, 3});
  std::vector<float> rectified = picked(x, 4, {3, 1, 2, 0});
  for (float& value : rectified) value = std::max(value, 0.0F);
  EXPECT_EQ(numbers_of<float>(outputs.at(0)), rectified);
  EXPECT_EQ(outputs.at(7), outputs.at(0));
}

TEST(Ends, AnOutputThatIsReadOnKeepsItsNumbers) {
  // What is added behind the product would be its bias, if nobody else saw the product.
  TestModel m({0, 2});
  m.node("MatMul", {"x", m.floats({2, 2})}, "product");
  m.node("Add", {"product", m.floats({2})}, "sum");
  m.node("Relu", {"sum"});
  m.output("product");
  m.output("sum");
  const std::vector<Bytes> outputs = outputs_of(m.import(), {bytes_of(std::vector<float>{1, -2})}, 1);
  EXPECT_EQ(numbers_of<float>(outputs.at(0)), (std::vector<float>{0, 0}));
  EXPECT_EQ(numbers_of<float>(outputs.at(1)), (std::vector<float>{-5, -6}));
  EXPECT_EQ(numbers_of<float>(outputs.at(2)), (std::vector<float>{-4, -4}));
}

TEST(Ends, InputsOfOneSizeAreOfEverySize) {
  TestModel m({0, 4, 6, 5});
  m.input("z", {0, 4, 6, 5});
  m.node("Shape", {"z"}, "shape");
  m.node("Reshape", {"x", "shape"}, "a");
  m.node("Add", {"a", "z"});
  Graph graph = m.import();
  EXPECT_EQ(graph.input(0).only_size, "");
  EXPECT_EQ(graph.input(1).only_size, "");
  graph.set_input_size(3, 7);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{3, 7, 4}));
  // What closes the size of one closes it of all.
  m.node("Slice", {"z", m.list({0}), m.list({6}), m.list({2})}, "rows");
  m.output("rows");
  graph = m.import();
  EXPECT_NE(graph.input(0).only_size, "");
  EXPECT_EQ(graph.input(1).only_size, graph.input(0).only_size);
}

TEST(Ends, InputsOfSeveralSizesAreOfTheirOwnAlone) {
  const std::string several = "the inputs of the ONNX model are of several sizes";
  for (const std::vector<std::int64_t>& dims : std::vector<std::vector<std::int64_t>>{{0, 4, 1, 1}, {0, 4}}) {
    TestModel m({0, 4, 6, 5});
    m.input("z", dims);
    m.node("GlobalAveragePool", {"x"}, "mean");
    m.node("Flatten", {"mean"}, "a");
    m.node("Flatten", {"z"}, "b");
    m.node("Add", {"a", "b"});
    Graph graph = m.import();
    const std::string expected = dims.size() == 4 ? several : "an input of the ONNX model is a vector (N, C)";
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(graph.input(i).only_size, expected);
    EXPECT_THROW(graph.set_input_size(7, 5), Error);
    const Graph back = exported_and_back(graph);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(back.input(i).only_size, expected);
  }
  // A number that was computed from one input's rows means nothing for the other one's.
  TestModel m({0, 4, 6, 5});
  m.input("z", {0, 5, 6, 4});
  m.node("Shape", {"z"}, "shape");
  m.node("Gather", {"shape", m.list({0, 3, 2, 1})}, "turned");
  m.node("Reshape", {"x", "turned"});
  EXPECT_EQ(m.import().input(0).only_size, several);
}

/// Two inputs, and outputs of every kind: named and not, of one node and of several, of an input, under names that are
/// taken.
Graph with_many_ends() {
  Graph graph;
  graph.name = "ends";
  const NodeId x = graph.add("x", graph::Input{{3, 2, 4}}), z = graph.add("z", graph::Input{{3, 2, 4}});
  graph::Convolution convolution;
  convolution.outputs = 4;
  convolution.weights = graph::Constant(models::random_values(1, "weights", 16, {}));
  convolution.activation = graph::Activation::sigmoid;
  const NodeId layer = graph.add("layer", convolution, {x});
  const NodeId sum = graph.add("sum", graph::Add{graph::Activation::relu}, {layer, z});
  const NodeId shuffled = graph.add("shuffled", graph::Shuffle{2}, {sum});
  const NodeId joined = graph.add("joined", graph::Concat{}, {x, shuffled});
  graph.outputs = {{layer}, {shuffled, "sum"}, {sum, "layer.weight"},    {joined}, {joined, "twice"},
                   {x},     {z, "copy of z"},  {sum, "layer.activation"}};
  return graph;
}

TEST(Ends, SurviveAnExport) {
  const Graph graph = with_many_ends();
  const Graph back = exported_and_back(graph);
  EXPECT_EQ(input_names(back), (Names{"x", "z"}));
  EXPECT_EQ(output_names(back),
            (Names{"layer", "sum", "layer.weight", "joined", "twice", "x", "copy of z", "layer.activation"}));
  EXPECT_EQ(output_names(back), output_names(graph));
  EXPECT_EQ(output_names(exported_and_back(back)), output_names(graph));
  const std::vector<Bytes> inputs = {bytes_of(random_floats("x", {3, 2, 4})), bytes_of(random_floats("z", {3, 2, 4}))};
  const std::vector<Bytes> expected = outputs_of(graph, inputs, batch), actual = outputs_of(back, inputs, batch);
  EXPECT_EQ(actual, expected);
  EXPECT_EQ(expected[5], inputs[0]);
  EXPECT_EQ(expected[6], inputs[1]);
}

TEST(Ends, TakeANameThatAnInputHasWithANumber) {
  Graph graph;
  const NodeId x = graph.add("x", graph::Input{{1, 1, 2}});
  graph.outputs = {{graph.add("relu", graph::Activate{}, {x}), "x"}};
  EXPECT_EQ(output_names(exported_and_back(graph)), (Names{"x_1"}));  // ONNX has one tensor of a name
}

TEST(Ends, ASingleOutputWithoutANameIsCalledAsItsTensor) {
  Graph graph;
  const NodeId x = graph.add("x", graph::Input{{1, 1, 2}});
  graph.outputs = {{x}};
  EXPECT_EQ(exported(graph).graph().output(0).name(), "output");
  const NodeId sum = graph.add("sum", graph::Add{graph::Activation::relu}, {x, x});
  graph.outputs = {{sum}};
  EXPECT_EQ(exported(graph).graph().output(0).name(), "sum.activation");
  graph.outputs = {{sum, "sum"}};
  EXPECT_EQ(exported(graph).graph().output(0).name(), "sum");
}

}  // namespace
}  // namespace riffle::onnx
