// Quantised graphs in a file, and back from it.
#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/quantization.hpp"
#include "engine/passes/passes.hpp"
#include "io/onnx/export.hpp"
#include "io/onnx/import.hpp"
#include "io/onnx/test_model.hpp"
#include "models/random.hpp"
#include "verify/interpret.hpp"
#include "verify/random_integers.hpp"

namespace riffle::onnx {
namespace {

using graph::Activation;
using graph::Graph;
using graph::NodeId;

/// Weights of i8 in rows, with factors that no power of two is.
graph::Constant integer_weights(std::string_view name, std::int32_t rows, std::size_t row_size) {
  const std::size_t count = static_cast<std::size_t>(rows) * row_size;
  auto bytes = std::make_shared<std::vector<std::int8_t>>();
  for (const float x : models::random_values(1, name, count, {.centre = 0.0F, .reach = 127.4F})) {
    bytes->push_back(static_cast<std::int8_t>(std::lrint(x)));
  }
  std::vector<double> factors;
  const float usual = 1.0F / (70.0F * std::sqrt(static_cast<float>(row_size)));
  for (const float x :
       models::random_values(2, name, static_cast<std::size_t>(rows), {.centre = usual, .reach = 0.5F * usual})) {
    factors.push_back(x);
  }
  const auto stored = std::as_bytes(std::span(*bytes));
  return graph::Constant(Type::i8, stored, std::move(bytes)).scaled(std::move(factors));
}

graph::Constant random_bias(std::string_view name, std::int32_t rows) {
  return graph::Constant(models::random_values(3, name, static_cast<std::size_t>(rows), {.centre = 0, .reach = 20.0F}));
}

class Builder {
 public:
  explicit Builder(const char* name) { graph.name = name; }
  Graph graph;

  NodeId add(const char* name, graph::Operation operation, std::vector<NodeId> inputs,
             std::optional<Quantization> quantization = {}) {
    const NodeId id = graph.add(name, std::move(operation), std::move(inputs));
    graph.nodes[id].quantization = quantization;
    return id;
  }
  NodeId convolution(const char* name, std::vector<NodeId> inputs, std::int32_t channels, std::int32_t outputs,
                     std::int32_t zero_point, graph::Window window = {}, std::int32_t groups = 1,
                     Activation activation = Activation::none) {
    const std::size_t row = static_cast<std::size_t>(channels / groups * window.kernel_h * window.kernel_w);
    return add(name,
               graph::Convolution{.outputs = outputs,
                                  .groups = groups,
                                  .window = window,
                                  .weights = integer_weights(name, outputs, row),
                                  .bias = random_bias(name, outputs),
                                  .activation = activation},
               std::move(inputs), Quantization{1.0F, zero_point});
  }
};

constexpr graph::Window around = {
    .kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
constexpr graph::Window halving = {.kernel_h = 3,
                                   .kernel_w = 3,
                                   .stride_h = 2,
                                   .stride_w = 2,
                                   .pad_top = 1,
                                   .pad_left = 1,
                                   .pad_bottom = 1,
                                   .pad_right = 1};

/// A small ShuffleNet V2, and what else a quantised graph can hold.
Graph network() {
  Builder b("integers");
  NodeId x = b.add("image", graph::Input{{33, 29, 3}}, {}, Quantization{0.0078F, 128});
  x = b.convolution("stem", {x}, 3, 24, 0, halving);
  x = b.add("pool", graph::Pool{.kind = graph::PoolKind::max, .window = halving}, {x}, Quantization{1.0F, 0});
  for (int unit = 0; unit < 2; ++unit) {
    const std::string name = "unit" + std::to_string(unit);
    const NodeId left = b.add((name + ".left").c_str(), graph::Slice{0, 12}, {x});
    NodeId right = b.add((name + ".right").c_str(), graph::Slice{12, 12}, {x});
    right = b.convolution((name + ".expand").c_str(), {right}, 12, 12, 0);
    right = b.convolution((name + ".depthwise").c_str(), {right}, 12, 12, 131, around, 12);
    right = b.convolution((name + ".project").c_str(), {right}, 12, 12, 0);
    x = b.add((name + ".concat").c_str(), graph::Concat{}, {left, right});
    x = b.add((name + ".shuffle").c_str(), graph::Shuffle{2}, {x});
  }
  const NodeId narrow = b.convolution("narrow", {x}, 24, 8, 100, {}, 1, {{-40.0F, 80.0F}});
  const NodeId mixed = b.add("mixed", graph::Concat{}, {x, narrow});  // of two zero points
  const NodeId picked = b.add("picked", graph::Gather{{30, 2, 2, 25, 7}}, {mixed});
  const NodeId gathered = b.convolution("gathered", {picked}, 5, 8, 128);
  const NodeId sum = b.add("sum", graph::Binary{.activation = Activation{{-60.0F, 150.0F}}}, {gathered, narrow},
                           Quantization{1.7F, 90});
  x = b.convolution("residual", {narrow, sum}, 8, 8, 120, {}, 2);
  x = b.add("mean", graph::Pool{.kind = graph::PoolKind::average, .window = around, .count_padding = true}, {x},
            Quantization{0.9F, 117});
  x = b.add("again", graph::Activate{Activation::none}, {x}, Quantization{0.8F, 110});
  x = b.add("global", graph::GlobalAveragePool{}, {x}, Quantization{0.9F, 128});
  x = b.add("classifier",
            graph::FullyConnected{
                .outputs = 10, .weights = integer_weights("classifier", 10, 8), .bias = random_bias("classifier", 10)},
            {x});
  b.graph.outputs = {{x, "classifier"}};
  return b.graph;
}

::onnx::ModelProto written(const Graph& graph) {
  ::onnx::ModelProto model;
  if (!model.ParseFromString(export_model(graph))) throw Error("what is exported is no model");
  return model;
}

/// The operators of the nodes, in order.
std::string operator_list(const ::onnx::ModelProto& model) {
  std::string result;
  for (const auto& node : model.graph().node()) {
    std::string type = node.op_type();
    if (type == "QuantizeLinear") type = "Q";
    if (type == "DequantizeLinear") type = "DQ";
    result.append(result.empty() ? "" : " ").append(type);
  }
  return result;
}

/// An initialiser's bytes as numbers.
template <class T>
std::vector<T> initialiser_of(const ::onnx::ModelProto& model, const std::string& name) {
  for (const auto& tensor : model.graph().initializer()) {
    if (tensor.name() != name) continue;
    const auto bytes = std::as_bytes(std::span(tensor.raw_data()));
    return numbers_of<T>(Bytes(bytes.begin(), bytes.end()));
  }
  throw Error("there is no initialiser " + name);
}

/// Everything that a graph computes, to the bit, but for the numbers of its weights.
std::string text_of(const Graph& graph) {
  std::string result = graph::to_text(graph);
  for (const graph::Node& node : graph.nodes) {
    if (const Activation* activation = graph::fused_activation(node.operation)) {
      result += node.name + ": " + graph::to_text(*activation) + "\n";
    }
  }
  return result;
}

std::vector<double> interpreted(const Graph& graph) {
  const auto count = static_cast<std::size_t>(2 * graph.input_shape().size());
  const std::vector<float> images = models::random_values(4, "images", count, {.centre = 0.0F, .reach = 1.0F});
  return verify::planes(verify::interpret(graph, images, 2)[graph.outputs[0].node]);
}

Graph written_and_read(const Graph& graph) {
  const std::string bytes = export_model(graph);
  return import(std::as_bytes(std::span(bytes)));
}

TEST(Integers, AreWrittenBetweenQuantizeAndDequantizeLinear) {
  Builder b("form");
  NodeId x = b.add("x", graph::Input{{2, 2, 3}}, {}, Quantization{0.5F, 3});
  x = b.convolution("conv", {x}, 3, 4, 7);
  x = b.add("slice", graph::Slice{1, 2}, {x});
  x = b.add("real", graph::Activate{Activation::none}, {x});
  b.graph.outputs = {{b.add("softmax", graph::Softmax{}, {x})}};
  const ::onnx::ModelProto model = written(b.graph);
  EXPECT_EQ(operator_list(model), "Q DQ DQ DQ Conv Q DQ Slice Q DQ Softmax");
  EXPECT_EQ(model.opset_import(0).version(), 13);
  const auto& convolution = std::get<graph::Convolution>(b.graph.nodes[1].operation);
  EXPECT_TRUE(std::ranges::equal(initialiser_of<std::byte>(model, "conv.weight"), convolution.weights.stored()));
  EXPECT_TRUE(std::ranges::equal(initialiser_of<float>(model, "conv.weight.scale"), convolution.weights.row_scale()));
  EXPECT_EQ(initialiser_of<std::int8_t>(model, "conv.weight.zero_point"), std::vector<std::int8_t>(4, 0));
  EXPECT_EQ(initialiser_of<std::int32_t>(model, "conv.bias"),
            graph::integer_bias(convolution.weights, convolution.bias));
  EXPECT_EQ(initialiser_of<float>(model, "x.u8.scale"), std::vector<float>{0.5F});
  EXPECT_EQ(initialiser_of<float>(model, "x.u8.integers.scale"), std::vector<float>{1.0F});
  EXPECT_EQ(initialiser_of<std::uint8_t>(model, "x.u8.integers.zero_point"), std::vector<std::uint8_t>{3});
  EXPECT_EQ(initialiser_of<std::uint8_t>(model, "slice.u8.zero_point"), std::vector<std::uint8_t>{7});
}

TEST(Integers, HaveTheBoundsThatAByteDoesNotKeep) {
  const auto operators = [](Activation activation, std::int32_t zero_point) {
    Builder b("bounds");
    const NodeId x = b.add("x", graph::Input{{1, 1, 1}}, {}, Quantization{1.0F, 0});
    b.graph.outputs = {{b.convolution("conv", {x}, 1, 1, zero_point, {}, 1, activation)}};
    return operator_list(written(b.graph));
  };
  EXPECT_EQ(operators(Activation::none, 9), "Q DQ DQ DQ Conv Q DQ");
  EXPECT_EQ(operators(Activation::relu, 0), "Q DQ DQ DQ Conv Q DQ");
  EXPECT_EQ(operators(Activation::relu, 9), "Q DQ DQ DQ Conv Relu Q DQ");
  EXPECT_EQ(operators(Activation::relu6, 0), "Q DQ DQ DQ Conv Clip Q DQ");
  EXPECT_EQ(operators({{-9.4F, 246.4F}}, 9), "Q DQ DQ DQ Conv Q DQ");
}

TEST(Integers, OfATableStandInIt) {
  const auto written_table = [](std::int32_t rows) {
    Builder b("table");
    const NodeId x = b.add("x", graph::Input{{1, 1, 2}}, {}, Quantization{1.0F, 5});
    auto bytes = std::make_shared<std::vector<std::uint8_t>>();
    for (std::int32_t i = 0; i < 256 * rows; ++i) bytes->push_back(static_cast<std::uint8_t>(255 - i % 256));
    Activation kind{.function = kernels::Function::table, .a = 5.0F, .b = 9.0F};
    const auto all = std::as_bytes(std::span(*bytes));
    kind.table = graph::Constant(Type::u8, all, bytes);
    b.graph.outputs = {{b.add("f", graph::Activate{std::move(kind)}, {x}, Quantization{1.0F, 9}), "y"}};
    EXPECT_EQ(text_of(written_and_read(b.graph)), text_of(b.graph));
    return operator_list(written(b.graph));
  };
  EXPECT_EQ(written_table(1), "Q DQ Q Cast Gather Q DQ");
  EXPECT_EQ(written_table(2), "Q DQ Q Cast Add Gather Q DQ");
}

TEST(Integers, OfAnInputAreNotTheInput) {
  Builder b("ends");
  const NodeId x = b.add("x", graph::Input{{1, 1, 1}}, {}, Quantization{0.5F, 3});
  b.graph.outputs = {{x}, {x, "bytes", Type::u8, {1.0F, 3}}};
  const ::onnx::ModelProto model = written(b.graph);
  EXPECT_EQ(operator_list(model), "Q DQ Q");
  EXPECT_EQ(model.graph().output(0).name(), "x_1");
  EXPECT_EQ(model.graph().output(1).name(), "bytes");
}

TEST(Integers, AreAnOutputBesideTheRealNumbersThatTheyAre) {
  Builder b("outputs");
  const NodeId x = b.add("x", graph::Input{{1, 1, 1}}, {}, Quantization{0.5F, 3});
  const NodeId conv = b.convolution("conv", {x}, 1, 1, 7);
  const NodeId real = b.add("real", graph::Activate{Activation::none}, {conv});
  b.graph.outputs = {{conv}, {real}};
  const ::onnx::ModelProto model = written(b.graph);
  EXPECT_EQ(operator_list(model), "Q DQ DQ DQ Conv Q DQ Identity");
  EXPECT_EQ(model.graph().output(0).name(), model.graph().node(6).output(0));
  EXPECT_EQ(model.graph().output(1).name(), "real");
}

TEST(Integers, OfAnOutputAreBytesWithTheirScale) {
  Builder b("bytes");
  const NodeId x = b.add("x", graph::Input{{1, 1, 1}, {}, Type::u8, {0.5F, 3}}, {}, Quantization{0.5F, 3});
  const NodeId conv = b.convolution("conv", {x}, 1, 1, 7);
  b.graph.outputs = {{conv, "worth", Type::u8, {0.25F, 7}}, {conv, "units", Type::u8, {1.0F, 7}}};
  EXPECT_EQ(operator_list(written(b.graph)), "DQ Q DQ DQ DQ Conv Q DQ Q DQ Q Q");
  const Graph back = written_and_read(b.graph);
  EXPECT_EQ(text_of(back), text_of(b.graph));
  EXPECT_EQ(back.outputs[0].node, conv);
  EXPECT_EQ(back.outputs[0].quantization, b.graph.outputs[0].quantization);
  EXPECT_EQ(back.outputs[1].node, conv);
  EXPECT_EQ(back.outputs[1].quantization, b.graph.outputs[1].quantization);
}

TEST(Integers, OfSeveralZeroPointsMoveAsRealNumbers) {
  const auto operators = [](std::int32_t one, std::int32_t other) {
    Builder b("movers");
    const NodeId y = b.add("y", graph::Input{{1, 1, 2}}, {}, Quantization{1.0F, one});
    const NodeId z = b.add("z", graph::Input{{1, 1, 2}}, {}, Quantization{1.0F, other});
    const NodeId concat = b.add("concat", graph::Concat{}, {y, z});
    b.graph.outputs = {{b.convolution("conv", {concat}, 4, 1, 0)}};
    return operator_list(written(b.graph));
  };
  EXPECT_EQ(operators(5, 5), "Q DQ Q DQ Concat Q DQ DQ DQ Conv Q DQ");
  EXPECT_EQ(operators(5, 6), "Q DQ Q DQ Concat DQ DQ Conv Q DQ");
}

TEST(Integers, ComeBackFromAFile) {
  const Graph graph = network();
  const Graph back = written_and_read(graph);
  EXPECT_EQ(text_of(back), text_of(graph));
  EXPECT_EQ(interpreted(back), interpreted(graph));
  EXPECT_TRUE(export_model(written_and_read(back)) == export_model(back));
}

TEST(Integers, OfAnyGraphComeBackFromAFile) {
  for (std::uint64_t seed = 0; seed < RIFFLE_RETURNED_GRAPHS; ++seed) {
    Graph graph = verify::random_quantised_graph(seed);
    if (seed % 2 == 1) passes::optimise(graph);  // tables are behind layers then
    const Graph back = written_and_read(graph);
    const auto count = static_cast<std::size_t>(2 * graph.input_shape().size());
    const Quantization q = *graph.nodes[0].quantization;
    std::vector<float> images = models::random_values(seed, "images", count, {.centre = 128.0F, .reach = 128.0F});
    for (float& x : images) {
      x = q.scale * (x - static_cast<float>(q.zero_point));
      if (graph.input().type == Type::u8) x = q.scale * std::nearbyint(x / q.scale);
    }
    const graph::ById<verify::Tensor> expected = verify::interpret(graph, images, 2);
    const graph::ById<verify::Tensor> actual = verify::interpret(back, images, 2);
    ASSERT_EQ(back.outputs.size(), graph.outputs.size());
    EXPECT_EQ(back.input().type, graph.input().type);
    for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
      EXPECT_EQ(back.outputs[i].type, graph.outputs[i].type);
      EXPECT_EQ(back.outputs[i].quantization, graph.outputs[i].quantization);
      const graph::Output& output = back.outputs[i];  // which may be where what moves numbers went
      const std::vector<double> made = verify::arranged(actual[output.node], output.arrangement);
      const std::vector<double> right = planes(expected[graph.outputs[i].node]);
      ASSERT_TRUE(std::ranges::equal(made, right)) << "seed " << seed << ", output " << i << "\n"
                                                   << text_of(graph) << text_of(back);
    }
  }
}

}  // namespace
}  // namespace riffle::onnx
