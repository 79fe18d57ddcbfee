// Exported and imported again, a graph is what it was.
#include "io/onnx/export.hpp"

#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <vector>

#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "io/onnx/import.hpp"
#include "models/models.hpp"
#include "models/random.hpp"

namespace riffle::onnx {
namespace {

using graph::Activation;
using graph::Graph;
using graph::NodeId;

graph::Constant values(std::string_view name, std::size_t count) {
  return graph::Constant(models::random_values(1, name, count, {}));
}

graph::BatchNorm norm(std::size_t channels) {
  return {.scale = values("scale", channels),
          .shift = values("shift", channels),
          .mean = values("mean", channels),
          .variance = graph::Constant(models::random_values(1, "variance", channels, {.centre = 1.0F, .reach = 0.5F})),
          .epsilon = 1e-3F};
}

graph::FullyConnected dense(std::int32_t inputs, std::int32_t outputs) {
  const auto count = static_cast<std::size_t>(inputs) * static_cast<std::size_t>(outputs);
  return {.outputs = outputs,
          .weights = values("dense", count),
          .bias = values("dense.bias", static_cast<std::size_t>(outputs)),
          .activation = Activation::relu};
}

Graph imported(const Graph& graph) {
  const std::string bytes = export_model(graph);
  return import(std::as_bytes(std::span(bytes)));
}

std::vector<float> run(const Graph& graph, std::int32_t batch) {
  const auto plan = plan::make(graph, {});
  const std::vector<float> input =
      models::random_values(2, "input", static_cast<std::size_t>(plan->inputs[0].shape.size() * batch), {});
  std::vector<float> output(static_cast<std::size_t>(plan->outputs[0].shape.size() * batch), NAN);
  run::Session(plan).run(input.data(), output.data(), batch);
  return output;
}

void expect_same(const Graph& graph, const std::string& what) {
  const Graph back = imported(graph);
  EXPECT_EQ(back.input_shape(), graph.input_shape()) << what;
  const std::vector<float> expected = run(graph, 2), actual = run(back, 2);
  ASSERT_EQ(actual.size(), expected.size()) << what;
  float largest = 0, worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    const float difference = std::abs(actual[i] - expected[i]);
    worst = std::max(worst, std::isfinite(difference) ? difference : std::numeric_limits<float>::infinity());
  }
  EXPECT_GT(largest, 0.0F) << what;
  EXPECT_LE(worst, 1e-5F * largest) << what;
}

std::multiset<std::string> names(const Graph& graph) {
  std::multiset<std::string> all;
  for (const graph::Node& node : graph.nodes) all.insert(node.name);
  return all;
}

std::vector<Graph> networks() {
  const models::WeightSource weights = models::random_weights(1);
  std::vector<Graph> all;
  for (const models::Flavour flavour : {models::Flavour::paper, models::Flavour::study_note}) {
    const bool paper = flavour == models::Flavour::paper;
    const std::int32_t channels = paper ? 3 : 1;
    all.push_back(models::shufflenet_v1({.groups = 3,
                                         .width_multiplier = 0.25,
                                         .flavour = flavour,
                                         .in_channels = channels,
                                         .classes = 10,
                                         .height = 64,
                                         .width = 49},
                                        weights));
    all.push_back(models::shufflenet_v2({.width_multiplier = 0.5,
                                         .flavour = flavour,
                                         .residual = !paper,
                                         .in_channels = channels,
                                         .classes = 10,
                                         .height = 49,
                                         .width = 64},
                                        weights));
  }
  Graph blocks;
  blocks.name = "blocks";
  NodeId x = blocks.add("input", graph::Input{{9, 7, 8}});
  x = models::resnext_block(blocks, x, "resnext", 8, 12, 10, 3, 4, 2, weights);
  blocks.outputs = {{models::separable_convolution(blocks, x, "separable", 10, 6, 5, 1, 2, weights)}};
  all.push_back(std::move(blocks));
  return all;
}

TEST(OnnxExport, networks_come_back) {
  for (Graph& graph : networks()) {
    expect_same(graph, graph.name);
    EXPECT_EQ(names(imported(graph)), names(graph)) << graph.name;
    passes::optimise(graph);  // batch norm folded, activations and residuals fused
    expect_same(graph, graph.name + " optimised");
  }
}

Graph with_metadata() {
  Graph graph = networks()[0];
  for (int i = 0; i < 10; ++i) graph.labels.push_back("\"class\" " + std::to_string(i) + " \xC3\xA9\n");
  graph.preprocessing = {.resize = graph::Fit::crop,
                         .antialias = false,
                         .resize_size = 72,
                         .mean = {0.485F, 0.456F, 0.406F},
                         .deviation = {1.0F / 3}};
  return graph;
}

TEST(OnnxExport, metadata_comes_back) {
  Graph graph = with_metadata();
  EXPECT_EQ(imported(graph).labels, graph.labels);
  EXPECT_EQ(imported(graph).preprocessing, graph.preprocessing);
  graph.labels[1] = "\xFF";  // no UTF-8
  graph.preprocessing = graph::Preprocessing{};
  EXPECT_EQ(imported(graph).labels[1], "\xEF\xBF\xBD");
  EXPECT_EQ(imported(graph).preprocessing, graph::Preprocessing{});
  const Graph without = imported(networks()[0]);
  EXPECT_TRUE(without.labels.empty());
  EXPECT_FALSE(without.preprocessing.has_value());
}

TEST(OnnxExport, metadata_can_be_read_by_others) {
  ::onnx::ModelProto model;
  Graph graph = with_metadata();
  graph.labels.assign(10, "a");
  ASSERT_TRUE(model.ParseFromString(export_model(graph)));
  ASSERT_EQ(model.metadata_props_size(), 2);
  EXPECT_EQ(model.metadata_props(0).key(), "riffle.labels");
  EXPECT_EQ(model.metadata_props(0).value(), R"(["a","a","a","a","a","a","a","a","a","a"])");
  EXPECT_EQ(model.metadata_props(1).key(), "riffle.preprocessing");
  EXPECT_EQ(model.metadata_props(1).value(),
            R"({"antialias":false,"mean":[0.485,0.456,0.406],"resize":"crop","resize_size":72,"std":[0.33333334]})");
}

TEST(OnnxExport, descriptions_come_back) {
  Graph graph = with_metadata();
  const std::string output = graph.output_name(graph.outputs[0]);
  graph.preprocessing->resize = graph::Fit::letterbox;
  graph.preprocessing->resize_size = 0;
  graph.preprocessing->bgr = true;
  graph.labels = {"a", "b"};
  graph.task = graph::Landmarks{.points = {.output = output, .first = 2, .count = 4}, .threshold = 0.3F};
  const Graph again = imported(graph);
  EXPECT_EQ(again.task, graph.task);
  EXPECT_EQ(again.preprocessing, graph.preprocessing);
  EXPECT_EQ(again.labels, graph.labels);
  ::onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(export_model(graph)));
  ASSERT_EQ(model.metadata_props_size(), 2);
  EXPECT_EQ(model.metadata_props(1).key(), "riffle.description");

  graph.preprocessing->resize = graph::Fit::crop;  // what was known before descriptions stays in its own words
  graph.preprocessing->bgr = false;
  ASSERT_TRUE(model.ParseFromString(export_model(graph)));
  ASSERT_EQ(model.metadata_props_size(), 3);
  EXPECT_EQ(model.metadata_props(1).key(), "riffle.preprocessing");
  EXPECT_EQ(imported(graph).preprocessing, graph.preprocessing);
}

/// What importing a model with this property, or several, says.
std::string refusal(const std::vector<std::pair<std::string, std::string>>& properties) {
  static const std::string whole = export_model(networks()[0]);
  ::onnx::ModelProto model;
  model.ParseFromString(whole);
  for (const auto& [key, value] : properties) {
    model.add_metadata_props()->set_key(key);
    model.mutable_metadata_props(model.metadata_props_size() - 1)->set_value(value);
  }
  const std::string bytes = model.SerializeAsString();
  try {
    (void)import(std::as_bytes(std::span(bytes)));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(OnnxExport, metadata_that_is_wrong_is_named) {
  const auto expect = [](const char* key, const std::string& value, const std::string& message) {
    const std::string said = refusal({{key, value}});
    EXPECT_NE(said.find("the metadata " + std::string(key) + ": "), std::string::npos) << value << ": " << said;
    EXPECT_NE(said.find(message), std::string::npos) << value << ": " << said;
  };
  const char* labels = "riffle.labels";
  for (const char* text : {"", "cat", "[", "[\"a\"] b", "[\"\xFF\"]"}) expect(labels, text, "it is not JSON");
  for (const char* text : {"null", "{}", "\"a\"", "[1]", "[\"a\", null]"})
    expect(labels, text, "not an array of strings");
  expect(labels, std::string(1 << 20, '['), "it is not JSON");
  expect(labels, "[]" + std::string(1 << 25, ' '), "longer than");
  expect(labels, R"(["a", "b"])", "2 labels for 10 classes");
  const char* preprocessing = "riffle.preprocessing";
  for (const char* text : {"null", "[]", "3"}) expect(preprocessing, text, "not an object");
  expect(preprocessing, R"({"resize": "letters"})", "resize: ");
  expect(preprocessing, R"({"resize": 1})", "resize: ");
  for (const char* size : {"-1", "1.5", "\"1\"", "40000", "99999999999999999999"}) {
    expect(preprocessing, R"({"resize": "crop", "resize_size": )" + std::string(size) + "}", "resize_size: ");
  }
  expect(preprocessing, R"({"resize": "crop", "resize_size": 8})", "resize size: 8");
  expect(preprocessing, R"({"antialias": 1})", "antialias: ");
  expect(preprocessing, R"({"mean": 1})", "mean: it is not an array of numbers");
  expect(preprocessing, R"({"mean": ["1"]})", "mean: it is not an array of numbers");
  expect(preprocessing, R"({"mean": [1, 2]})", "mean: 2 values for 3 channels");
  expect(preprocessing, R"({"mean": [1e300]})", "mean: a value is not finite");
  expect(preprocessing, R"({"std": [0]})", "std: a value is too small");
  expect(preprocessing, R"({"colour": "bgr"})", "'colour'");
  const char* description = "riffle.description";
  expect(description, "{", "not JSON");
  expect(description, R"({"task": "segment", "scores": "mask"})", "scores: the network has no output");
  expect(description, R"({"task": "segment", "scores": "classifier", "foreground": 10})",
         "the foreground is component 10 of");
  EXPECT_NE(refusal({{labels, "[]"}, {labels, "[]"}}).find("twice"), std::string::npos);
  EXPECT_EQ(refusal({{"author", "[nobody"}, {"author", ""}, {preprocessing, "{}"}}), "no error");
}

TEST(OnnxExport, parameters_keep_their_names) {
  const Graph graph = networks()[0];
  ::onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(export_model(graph)));
  std::set<std::string> initialisers;
  for (const auto& tensor : model.graph().initializer()) initialisers.insert(tensor.name());
  for (const char* name :
       {"stem.0.0.weight", "stem.0.1.weight", "stem.0.1.bias", "stem.0.1.running_mean", "stem.0.1.running_var",
        "units.15.expand.0.weight", "classifier.weight", "classifier.bias"}) {
    EXPECT_TRUE(initialisers.contains(name)) << name;
  }
  EXPECT_EQ(model.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "n");
  EXPECT_EQ(model.graph().output(0).name(), "classifier");
  EXPECT_EQ(model.graph().output(0).type().tensor_type().shape().dim_size(), 2);
}

TEST(OnnxExport, every_operation_comes_back) {
  Graph graph;
  graph.name = "operations";
  NodeId x = graph.add("input", graph::Input{{8, 9, 6}});
  graph::Convolution convolution;
  convolution.outputs = 8;
  convolution.groups = 2;
  convolution.window = {.kernel_h = 3,
                        .kernel_w = 2,
                        .stride_h = 1,
                        .stride_w = 2,
                        .pad_top = 2,
                        .pad_left = 1,
                        .pad_bottom = 1,
                        .pad_right = 2,
                        .dilation_h = 2,
                        .dilation_w = 1};
  convolution.weights = values("convolution", 8 * 3 * 3 * 2);
  convolution.bias = values("bias", 8);
  convolution.activation = Activation::relu6;
  x = graph.add("convolution", convolution, {x});
  graph::Convolution pointwise;
  pointwise.outputs = 8;
  pointwise.weights = values("pointwise", 64);
  pointwise.activation = Activation::relu;
  x = graph.add("residual", pointwise, {x, x});
  // Padding below that the windows never reach, and padding that does not count.
  x = graph.add("mean",
                graph::Pool{.kind = graph::PoolKind::average,
                            .window = {.kernel_h = 2,
                                       .kernel_w = 3,
                                       .stride_h = 3,
                                       .stride_w = 1,
                                       .pad_top = 1,
                                       .pad_left = 1,
                                       .pad_bottom = 2,
                                       .pad_right = 1},
                            .count_padding = false,
                            .activation = Activation::relu6},
                {x});
  x = graph.add("gather", graph::Gather{{7, 0, 3, 3, 5, 1}}, {x});
  const NodeId shuffled = graph.add("shuffle", graph::Shuffle{3}, {x});
  const NodeId slice = graph.add("slice", graph::Slice{1, 2}, {shuffled});
  x = graph.add("concat", graph::Concat{}, {slice, x});
  x = graph.add("norm", norm(8), {x});
  x = graph.add("sum", graph::Binary{.activation = Activation::relu}, {x, x});
  x = graph.add("pixel", graph::GlobalAveragePool{Activation::relu6}, {x});
  graph.outputs = {{graph.add("softmax", graph::Softmax{}, {x})}};
  expect_same(graph, "up to a softmax of a pixel");
  graph.nodes.pop_back();

  // Behind a fully connected layer tensors are (n, C), until something needs an image.
  const NodeId pixel = x;
  x = graph.add("dense", dense(8, 6), {x});
  x = graph.add("vector.norm", norm(6), {x});
  x = graph.add("vector.relu", graph::Activate{Activation::relu}, {x});
  const NodeId part = graph.add("vector.slice", graph::Slice{2, 3}, {x});
  const NodeId picked = graph.add("vector.gather", graph::Gather{{5, 0, 1}}, {x});
  x = graph.add("vector.concat", graph::Concat{}, {part, picked});
  x = graph.add("vector.dense", dense(6, 8), {x});
  x = graph.add("mixed.sum", graph::Binary{}, {x, pixel});
  x = graph.add("mixed.concat", graph::Concat{}, {x, pixel});
  x = graph.add("vector.again", dense(16, 8), {x});
  x = graph.add("vector.shuffle", graph::Shuffle{2}, {x});
  x = graph.add("image.pointwise", pointwise, {x});
  x = graph.add("classifier", dense(8, 4), {x});
  graph.outputs = {{graph.add("probabilities", graph::Softmax{}, {x})}};
  expect_same(graph, "with vectors");
}

/// The operators of a convolution with this activation, as a file has them, and the file's opset.
std::string exported_operators(const Activation& activation) {
  Graph graph;
  graph::Convolution convolution;
  convolution.outputs = 1;
  convolution.weights = values("weights", 1);
  convolution.activation = activation;
  graph.outputs = {{graph.add("node", convolution, {graph.add("input", graph::Input{{1, 1, 1}})})}};
  ::onnx::ModelProto model;
  model.ParseFromString(export_model(graph));
  std::string result = std::to_string(model.opset_import(0).version()) + ":";
  for (const auto& node : model.graph().node()) result += " " + node.op_type();
  return result;
}

TEST(OnnxExport, an_activation_is_the_operator_of_its_name) {
  EXPECT_EQ(exported_operators(Activation::none), "13: Conv");
  EXPECT_EQ(exported_operators(Activation::relu), "13: Conv Relu");
  EXPECT_EQ(exported_operators(Activation::relu6), "13: Conv Clip");
  EXPECT_EQ(exported_operators({{-1.0F, 1.0F}}), "13: Conv Clip");
  EXPECT_EQ(exported_operators(Activation::sigmoid), "13: Conv Sigmoid");
  EXPECT_EQ(exported_operators(Activation::hard_swish), "14: Conv HardSwish");
  EXPECT_EQ(exported_operators({{0.0F, 6.0F}, kernels::Function::sigmoid}), "13: Conv Clip Sigmoid");
  EXPECT_EQ(exported_operators({{}, kernels::Function::silu}), "13: Conv Sigmoid Mul");
  EXPECT_EQ(exported_operators({{}, kernels::Function::mish}), "13: Conv Softplus Tanh Mul");
  EXPECT_EQ(exported_operators({{}, kernels::Function::gelu}), "13: Conv Mul Erf Add Mul Mul");
  EXPECT_EQ(exported_operators({{}, kernels::Function::power, 1.5F}), "13: Conv Pow");
  EXPECT_EQ(exported_operators({{}, kernels::Function::leaky, 0.5F}), "13: Conv LeakyRelu");
  EXPECT_EQ(exported_operators({{}, kernels::Function::prelu, 0, 0, values("slopes", 1)}), "13: Conv PRelu");
}

TEST(OnnxExport, names_that_are_taken_are_changed) {
  Graph graph;
  const NodeId input = graph.add("x", graph::Input{{2, 2, 3}});
  const NodeId first = graph.add("", graph::Activate{Activation::relu6}, {input});
  const NodeId second = graph.add("x", graph::BatchNorm(norm(3)), {first});
  const NodeId third = graph.add("x", graph::BatchNorm(norm(3)), {second});
  graph.outputs = {{graph.add("six", graph::Binary{}, {third, input})}};
  expect_same(graph, "names");
}

TEST(OnnxExport, of_nothing_is_the_input) {
  Graph graph;
  graph.outputs = {{graph.add("input", graph::Input{{2, 3, 4}})}};
  EXPECT_EQ(run(imported(graph), 2), run(graph, 2));
}

TEST(OnnxExport, refuses_what_does_not_fit) {
  Graph broken;
  broken.add("input", graph::Input{{2, 3, 4}});
  EXPECT_THROW(export_model(broken), Error);  // no output

  // Weights that only claim to be there: 9 times 256 MiB; nothing of it may be read.
  static const float one = 0;
  Graph large;
  large.name = "large";
  NodeId x = large.add("input", graph::Input{{1, 1, 8192}});
  for (int i = 0; i < 9; ++i) {
    graph::FullyConnected layer;
    layer.outputs = 8192;
    layer.weights =
        graph::Constant(std::span<const float>(&one, std::size_t{8192} * 8192), std::shared_ptr<const void>());
    x = large.add("dense", layer, {x});
  }
  large.outputs = {{x}};
  try {
    export_model(large);
    FAIL() << "no Error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("'large' is larger than the 2 GiB"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace riffle::onnx
