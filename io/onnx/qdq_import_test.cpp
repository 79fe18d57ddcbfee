// QDQ models in the forms that exporters write, and what becomes of them.
#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/quantization.hpp"
#include "engine/passes/passes.hpp"
#include "io/onnx/import.hpp"
#include "io/onnx/qdq_test_model.hpp"
#include "verify/interpret.hpp"

namespace riffle::onnx {
namespace {

using graph::Graph;
using ::onnx::TensorProto;

/// Of one image, rounded to float.
std::vector<float> results(const Graph& graph, const std::vector<float>& input) {
  const std::vector<double> exact = verify::planes(verify::interpret(graph, input, 1)[graph.outputs[0].node]);
  std::vector<float> result;
  for (const double y : exact) result.push_back(static_cast<float>(y));
  return result;
}

/// What ONNX says of QuantizeLinear and DequantizeLinear.
float through(float x, const Levels& levels) {
  const auto zero = static_cast<float>(levels.zero_point);
  const float least = levels.type == TensorProto::INT8 ? -128.0F : 0.0F;
  const float q = std::clamp(std::nearbyint(x / levels.scale) + zero, least, least + 255.0F);
  return levels.scale * (q - zero);
}

/// The convolution above, of a pixel.
std::vector<float> convolved(const std::vector<float>& x) {
  return {0.25F * (10.0F * x[0] - 7.0F * x[1] + 5.5F), 0.3F * (100.0F * x[0] + 3.0F * x[1] - 100.0F)};
}

TEST(Qdq, AConvolutionOfIntegersIsThat) {
  for (const auto& [in, out] : {std::pair<Levels, Levels>{{0.5F, 3}, {2.0F, 100}},
                                {{0.5F, -125, TensorProto::INT8}, {2.0F, -28, TensorProto::INT8}}}) {
    QdqModel m({0, 2, 1, 1});
    m.pair("x", "a", in);
    m.convolution("a", "b", in.scale);
    m.pair("b", "y", out);
    const Graph graph = m.import();
    EXPECT_EQ(kinds(graph), "input u8, convolution u8, activation, convolution");
    EXPECT_EQ(graph.nodes[0].quantization, (Quantization{0.5F, 3}));
    EXPECT_EQ(graph.nodes[1].quantization, (Quantization{1.0F, 100}));
    for (const std::vector<float>& x : {std::vector<float>{0.6F, -0.9F}, {3.0F, 2.2F}, {500.0F, -500.0F}}) {
      const std::vector<float> y = convolved({through(x[0], in), through(x[1], in)});
      EXPECT_EQ(results(graph, x), (std::vector<float>{through(y[0], out), through(y[1], out)}));
    }
  }
}

TEST(Qdq, WeightsMayBeInAnyForm) {
  const auto weights_of = [](const std::function<void(QdqModel&)>& make_weights) {
    QdqModel m({0, 2, 1, 1});
    m.pair("x", "a", {});
    make_weights(m);
    m.node("Conv", {"a", "w"}, "b");
    m.pair("b", "y", {0.5F, 7});
    const auto convolution = std::get<graph::Convolution>(m.import().nodes[1].operation);
    EXPECT_EQ(convolution.weights.type(), Type::i8);
    return std::vector<float>(convolution.weights.values().begin(), convolution.weights.values().end());
  };
  const std::vector<float> one_scale = {5, -3, 20, 1}, two_scales = {5, -3, 40, 2};
  const std::vector<std::int64_t> dims = {2, 2, 1, 1};
  const std::vector<int> q = {10, -6, 40, 2}, unsigned_q = {138, 122, 168, 130}, moved = {13, -3, 43, 5};
  EXPECT_EQ(weights_of([&](QdqModel& m) {
              m.node("DequantizeLinear", {m.integers(dims, q, TensorProto::INT8), m.floats({}, {0.25F})}, "w");
            }),
            one_scale);
  EXPECT_EQ(weights_of([&](QdqModel& m) {
              const std::string scale = m.floats({});  // of float16, which is 0.25
              m.initialiser(scale).set_data_type(TensorProto::FLOAT16);
              m.initialiser(scale).set_raw_data(std::string("\x00\x34", 2));
              m.node("DequantizeLinear", {m.integers(dims, q, TensorProto::INT8), scale}, "w");
            }),
            one_scale);
  EXPECT_EQ(weights_of([&](QdqModel& m) {
              m.dequantise(m.integers(dims, unsigned_q, TensorProto::UINT8), "w", {0.25F, 128});
            }),
            one_scale);
  EXPECT_EQ(weights_of([&](QdqModel& m) {
              m.dequantise(m.integers(dims, moved, TensorProto::INT8), "w", {0.25F, 3, TensorProto::INT8});
            }),
            one_scale);
  EXPECT_EQ(weights_of([&](QdqModel& m) {
              m.pair(m.floats(dims, {2.6F, -1.5F, 9.9F, 0.5F}), "w", {0.25F, 0, TensorProto::INT8});
            }),
            one_scale);
  EXPECT_EQ(weights_of([&](QdqModel& m) {
              m.node("DequantizeLinear",
                     {m.integers(dims, q, TensorProto::INT8), m.floats({2}, {0.25F, 0.5F}),
                      m.integers({2}, {0, 0}, TensorProto::INT8)},
                     "w", {{"axis", -4}});
            }),
            two_scales);
}

TEST(Qdq, AMatrixMayHaveItsScalesOnEitherAxis) {
  // Of 3 inputs and 2 outputs: by rows of the weights (2, 3), and of their transpose (3, 2).
  const std::vector<int> rows = {1, -2, 3, 40, 50, 60}, columns = {1, 40, -2, 50, 3, 60};
  const std::vector<float> weights = {0.5F, -1, 1.5F, 10, 12.5F, 15};
  const auto expect = [&](const std::function<void(QdqModel&)>& make_product) {
    QdqModel m({0, 3}, 13);
    m.pair("x", "a", {});
    make_product(m);
    const Graph graph = m.import();
    EXPECT_EQ(kinds(graph), "input u8, fully connected");
    const auto dense = only<graph::FullyConnected>(graph);
    EXPECT_EQ(dense.weights.type(), Type::i8);
    EXPECT_EQ(std::vector<float>(dense.weights.values().begin(), dense.weights.values().end()), weights);
  };
  const auto matrix = [&](QdqModel& m, bool by_rows, const char* name) {
    const std::vector<std::int64_t> dims = by_rows ? std::vector<std::int64_t>{2, 3} : std::vector<std::int64_t>{3, 2};
    m.node("DequantizeLinear",
           {m.integers(dims, by_rows ? rows : columns, TensorProto::INT8), m.floats({2}, {0.5F, 0.25F})}, name,
           {{"axis", by_rows ? 0 : 1}});
  };
  expect([&](QdqModel& m) {
    matrix(m, true, "w");
    m.node("Gemm", {"a", "w"}, "y", {{"transB", 1}});
  });
  expect([&](QdqModel& m) {
    matrix(m, false, "w");
    m.node("Gemm", {"a", "w"}, "y");
  });
  expect([&](QdqModel& m) {
    matrix(m, false, "w");
    m.node("MatMul", {"a", "w"}, "y");
  });
  expect([&](QdqModel& m) {
    matrix(m, true, "v");
    m.node("Transpose", {"v"}, "w");
    m.node("MatMul", {"a", "w"}, "y");
  });
}

TEST(Qdq, AFullyConnectedLayerIsRoundedBehindIt) {
  QdqModel m({0, 3}, 13);
  m.pair("x", "a", {0.5F, 3});
  m.node("DequantizeLinear", {m.integers({1, 3}, {1, -2, 3}, TensorProto::INT8), m.floats({}, {0.25F})}, "w");
  m.node("Gemm", {"a", "w"}, "b", {{"transB", 1}});
  m.node("Relu", {"b"}, "c");
  m.pair("c", "y", {0.75F, 4});
  const Graph graph = m.import();
  EXPECT_EQ(kinds(graph), "input u8, fully connected, activation u8, activation, convolution");
  EXPECT_EQ(results(graph, {2, 1, 3}), std::vector<float>{through(0.25F * 9.0F, {0.75F, 4})});
  EXPECT_EQ(results(graph, {0, 7, 0}), std::vector<float>{0.0F});
}

TEST(Qdq, WhatIsBetweenTensorsOfTheSameLevelsIsOfIntegers) {
  const Levels levels{0.5F, 20};
  const auto kinds_of = [&](const char* type, std::initializer_list<Attribute> attributes, const Levels& out) {
    QdqModel m({0, 2, 4, 4});
    m.pair("x", "a", levels);
    m.node(type, {"a"}, "b", attributes);
    m.pair("b", "y", out);
    return kinds(m.import());
  };
  const std::vector<std::int64_t> two = {2, 2};
  const std::string end = ", activation, convolution";
  EXPECT_EQ(kinds_of("MaxPool", {{"kernel_shape", two}}, levels), "input u8, pooling u8" + end);
  EXPECT_EQ(kinds_of("MaxPool", {{"kernel_shape", two}}, {0.25F, 20}), "input u8, pooling u8, activation u8" + end);
  EXPECT_EQ(kinds_of("AveragePool", {{"kernel_shape", two}}, {0.25F, 9}), "input u8, pooling u8" + end);
  EXPECT_EQ(kinds_of("GlobalAveragePool", {}, {0.25F, 9}), "input u8, global average pooling u8" + end);
  EXPECT_EQ(kinds_of("Relu", {}, {0.25F, 0}), "input u8, activation u8" + end);
  EXPECT_EQ(kinds_of("Relu", {}, levels), "input u8, activation, activation, activation u8" + end);
  EXPECT_EQ(kinds_of("Sigmoid", {}, levels), "input u8, activation, convolution, activation, activation u8" + end);
  EXPECT_EQ(kinds_of("Identity", {}, levels), "input u8" + end);
}

TEST(Qdq, BoundsBetweenTensorsHoldForTheirIntegers) {
  const Levels in{0.5F, 20}, out{0.25F, 40};
  QdqModel m({0, 1, 1, 1});
  m.pair("x", "a", in);
  m.node("Clip", {"a", m.floats({}, {-1.1F}), m.floats({}, {2.6F})}, "b");
  m.pair("b", "y", out);
  const Graph graph = m.import();
  for (const float x : {-7.0F, -1.0F, 0.3F, 2.4F, 3.0F}) {
    const float y = std::min(std::max(through(x, in), -1.1F), 2.6F);
    EXPECT_EQ(results(graph, {x}), std::vector<float>{through(y, out)}) << x;
  }
}

TEST(Qdq, AConcatenationQuantisesItsParts) {
  // Some integers of the second left one are half-way between two of the result, which no single division gets right.
  const std::string ends = ", activation, convolution", real = ", activation, convolution";
  for (const auto& [left_scale, expected_kinds] :
       {std::pair(0.0313F, "input, activation u8, activation u8, activation u8, activation u8" + ends),
        {0.029611938F, "input, activation u8, activation u8" + real + ", activation u8, activation u8" + ends}}) {
    const Levels left{left_scale, 100}, right{0.0113F, 9}, out{0.02856681F, 100};
    QdqModel m({0, 1, 1, 256});
    m.pair("x", "a", left);
    m.pair("x", "b", right);
    m.node("Concat", {"a", "b"}, "c", {{"axis", 1}});
    m.pair("c", "y", out);
    const Graph graph = m.import();
    EXPECT_EQ(kinds(graph), expected_kinds);
    std::vector<float> x, expected;
    for (int byte = 0; byte < 256; ++byte) x.push_back(left_scale * static_cast<float>(byte - 100));
    for (const Levels& part : {left, right}) {
      for (const float one : x) expected.push_back(through(through(one, part), out));
    }
    EXPECT_EQ(results(graph, x), expected);
  }
}

TEST(Qdq, ASumIsOfIntegersWhereTheyAreOfOneScale) {
  const auto graph_of = [](const Levels& other) {
    QdqModel m({0, 2, 1, 1});
    m.pair("x", "a", {0.5F, 3});
    m.pair("x", "b", other);
    m.node("Add", {"a", "b"}, "c");
    m.pair("c", "y", {0.8F, 100});
    return m.import();
  };
  const std::string ends = ", activation, convolution";
  EXPECT_EQ(kinds(graph_of({0.5F, 30})), "input, activation u8, activation u8, add u8" + ends);
  const std::string real = ", activation, convolution, activation, convolution";
  EXPECT_EQ(kinds(graph_of({0.3F, 30})), "input, activation u8, activation u8" + real + ", add, activation u8" + ends);
  for (const Levels& other : {Levels{0.5F, 30}, Levels{0.3F, 30}}) {
    const std::vector<float> x = {0.7F, -1.3F};
    std::vector<float> expected;
    for (const float one : x) expected.push_back(through(through(one, {0.5F, 3}) + through(one, other), {0.8F, 100}));
    EXPECT_EQ(results(graph_of(other), x), expected);
  }
}

/// A product has the product of two scales, whatever they are; a quotient is none of integers.
TEST(Qdq, OtherOperationsOnTwoTensorsAreWhatTheySay) {
  const auto graph_of = [](const char* operation, const Levels& other) {
    QdqModel m({0, 2, 1, 1});
    m.pair("x", "a", {0.5F, 3});
    m.pair("x", "b", other);
    m.node(operation, {"a", "b"}, "c");
    m.pair("c", "y", {0.8F, 100});
    return m.import();
  };
  const std::vector<float> x = {3.7F, -1.3F};
  const auto expect = [&](const char* operation, const Levels& other, bool is_of_integers, auto&& f) {
    const Graph graph = graph_of(operation, other);
    const std::string two = "input, activation u8, activation u8, ";
    EXPECT_EQ(kinds(graph).find(two) == 0 && kinds(graph).find(" u8", two.size()) != std::string::npos &&
                  kinds(graph).find("activation", two.size()) > kinds(graph).find(" u8", two.size()),
              is_of_integers)
        << kinds(graph);
    std::vector<float> expected;
    for (const float one : x) expected.push_back(through(f(through(one, {0.5F, 3}), through(one, other)), {0.8F, 100}));
    EXPECT_EQ(results(graph, x), expected) << operation;
  };
  const auto difference = [](float a, float b) { return a - b; };
  expect("Sub", {0.5F, 4}, true, difference);
  expect("Sub", {0.3F, 4}, false, difference);
  expect("Mul", {0.3F, 30}, true, [](float a, float b) { return a * b; });
  expect("Div", {0.5F, 30}, false, [](float a, float b) { return a / b; });
}

TEST(Qdq, WhatIsNotQuantisedAgainIsRealNumbers) {
  QdqModel m({0, 2, 1, 1});
  m.pair("x", "a", {0.5F, 3});
  m.convolution("a", "b", 0.5F);
  m.node("Sigmoid", {"b"});
  const Graph graph = m.import();
  EXPECT_EQ(kinds(graph), "input u8, convolution, activation");
  const std::vector<float> b = convolved({through(0.6F, {0.5F, 3}), through(-0.9F, {0.5F, 3})});
  const std::vector<float> y = results(graph, {0.6F, -0.9F});
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(y[i], 1 / (1 + std::exp(-b[i])), 1e-6);
}

TEST(Qdq, WeightsAloneMayBeQuantised) {
  QdqModel m({0, 2, 1, 1});
  m.convolution("x", "y", 0.5F);
  EXPECT_EQ(kinds(m.import()), "input, convolution");
  const std::vector<float> y = results(m.import(), {0.6F, -0.9F}), expected = convolved({0.6F, -0.9F});
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(y[i], expected[i], 1e-5F);
}

TEST(Qdq, BytesMayBeTheCallers) {
  const Levels in{0.5F, 3}, out{2.0F, 100};
  QdqModel m({0, 2, 1, 1}, 13, TensorProto::UINT8);
  m.dequantise("x", "a", in);
  m.convolution("a", "b", in.scale);
  m.quantise("b", "y", out);
  m.dequantise("y", "real", out);
  m.output("real");
  const Graph graph = m.import();
  EXPECT_EQ(kinds(graph), "input u8, convolution u8, activation, convolution");
  EXPECT_EQ(graph.input().type, Type::u8);
  EXPECT_EQ(graph.nodes[0].quantization, graph.input().quantization);
  EXPECT_EQ(graph.outputs[0].type, Type::u8);
  EXPECT_EQ(graph.outputs[0].node, 1);
  QdqModel s8({0, 2, 1, 1}, 13, TensorProto::INT8);
  s8.dequantise("x", "a", {0.5F, -3, TensorProto::INT8});
  s8.convolution("a", "b", 0.5F);
  s8.quantise("b", "y", {2.0F, -4, TensorProto::INT8});
  s8.dequantise("y", "real", {2.0F, -4, TensorProto::INT8});
  s8.output("real");
  EXPECT_EQ(kinds(s8.import()), "input, activation u8, convolution u8, activation, activation, convolution");
  EXPECT_EQ(s8.import().outputs[0].type, Type::i8);
}

TEST(Qdq, OfSeveralZeroPointsOnlyPointwiseConvolutionsRead) {
  QdqModel m({0, 1, 3, 3});
  m.pair("x", "a", {0.5F, 3});
  m.pair("x", "b", {0.5F, 9});
  m.node("Concat", {"a", "b"}, "c", {{"axis", 1}});
  m.convolution("c", "d", 0.5F);
  m.pair("d", "y", {2.0F, 100});
  m.node("Softmax", {"c"}, "softmax", {{"axis", 1}});
  m.output("softmax");
  EXPECT_EQ(kinds(m.import()),
            "input, activation u8, activation u8, convolution u8, activation, convolution, activation, convolution, "
            "softmax, activation, convolution");
}

TEST(Qdq, ARoundElsewhereIsRefused) {
  QdqModel twice({0, 2, 1, 1});
  twice.pair("x", "a", {0.5F, 3});
  twice.convolution("a", "b", 0.5F);
  twice.node("Round", {"b"}, "c");
  twice.node("Add", {"c", "c"}, "d");
  twice.pair("d", "y", {1.0F, 3});
  EXPECT_NE(twice.refusal().find("Round node 'the_node': only"), std::string::npos) << twice.refusal();
}

/// A table of 256 numbers for each of the two channels, one behind the other; the bytes of `a` as places in it.
QdqModel with_places() {
  QdqModel m({0, 2, 1, 1});
  m.pair("x", "a", {0.5F, 3});
  m.node("Cast", {"a.q"}, "places", {{"to", ::onnx::TensorProto::INT32}});
  m.node("Add", {"places", m.integers({2, 1, 1}, {0, 256}, ::onnx::TensorProto::INT32)}, "rows");
  return m;
}
std::vector<float> table_of_two_rows() {
  std::vector<float> table;
  for (int i = 0; i < 512; ++i) table.push_back(0.1F * static_cast<float>(i < 256 ? i : 512 - i));
  return table;
}

TEST(Qdq, ATableOfBytesIsAFunction) {
  QdqModel m = with_places();
  m.node("Gather", {m.floats({512}, table_of_two_rows()), "rows"}, "b");
  m.pair("b", "y", {0.2F, 9});
  const Graph graph = m.import();
  EXPECT_EQ(kinds(graph), "input u8, activation u8, activation, convolution");
  const auto byte = [](float x) { return std::nearbyint(x / 0.5F) + 3.0F; };
  const std::vector<float> x = {17.3F, -0.9F};
  EXPECT_EQ(results(graph, x), (std::vector<float>{through(0.1F * byte(x[0]), {0.2F, 9}),
                                                   through(0.1F * (256.0F - byte(x[1])), {0.2F, 9})}));
}

TEST(Qdq, ATableElsewhereIsRefused) {
  const auto refusal = [](const std::function<void(QdqModel&)>& build) {
    QdqModel m = with_places();
    build(m);
    return m.refusal();
  };
  const auto looked_up = [](QdqModel& m, std::size_t size, const char* places) {
    const std::vector<float> all = table_of_two_rows();
    m.node("Gather",
           {m.floats({static_cast<std::int64_t>(size)}, {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size)}),
            places},
           "b");
  };
  const auto expect = [&](const std::function<void(QdqModel&)>& build, const char* message) {
    const std::string said = refusal(build);
    EXPECT_NE(said.find(message), std::string::npos) << said;
  };
  expect([&](QdqModel& m) { looked_up(m, 512, "rows"), m.node("Sigmoid", {"b"}); },
         "Gather node 'the_node': what is looked up for bytes is not read by QuantizeLinear alone");
  expect(
      [&](QdqModel& m) {
        looked_up(m, 511, "rows"), m.pair("b", "y", {1.0F, 0});
      },
      "a table of 511 numbers does not hold one for each byte");
  expect(
      [&](QdqModel& m) {
        looked_up(m, 255, "places"), m.pair("b", "y", {1.0F, 0});
      },
      "a table of 255 numbers does not hold one for each byte");
  expect([](QdqModel& m) { m.node("Relu", {"places"}, "y"); },
         "is what Cast makes of bytes: places in a table, which Gather alone reads");
  expect([](QdqModel& m) { m.node("Relu", {"a"}), m.output("places"); },
         "bytes as whole numbers, which only Gather reads");
  expect([](QdqModel& m) { m.node("Add", {"rows", "places"}, "y"); }, "it adds places in a table to one another");
}

TEST(Qdq, LinearResizesAreOfIntegersWhereTheseAreRounded) {
  const auto resized = [](bool is_rounded) {
    QdqModel m({0, 2, 3, 3});
    m.pair("x", "a", {0.5F, 3});
    m.dequantise("a.q", "units", {1.0F, 3});
    if (is_rounded) m.node("Round", {"units"}, "whole");
    m.node("Resize", {is_rounded ? "whole" : "units", "", m.floats({4}, {1, 1, 2, 2})}, "b", {{"mode", "linear"}});
    m.pair("b", "y", {1.0F, 3});
    return kinds(m.import());
  };
  EXPECT_EQ(resized(true), "input u8, resize u8");
  EXPECT_EQ(resized(false), "input u8, activation, resize, activation u8");
}

// Ranges.

Ranged ranges_of(const QdqModel& m) {
  const std::string bytes = m.proto.SerializeAsString();
  return import_ranges(std::as_bytes(std::span(bytes)));
}

/// "input, convolution [-4, 59.75]": the optimised graph, with bounds.
std::string bounded(Graph graph) {
  passes::optimise(graph);
  std::string result;
  for (const graph::Node& node : graph.nodes) {
    result.append(result.empty() ? "" : ", ").append(graph::operation_name(node.operation));
    const graph::Activation* activation = graph::fused_activation(node.operation);
    if (activation == nullptr || !activation->bounds.has_bounds()) continue;
    std::ostringstream text;
    text << " [" << activation->bounds.lower << ", " << activation->bounds.upper << "]";
    result += text.str();
  }
  return result;
}

TEST(Ranges, AreTheBoundsOfWhatComputes) {
  QdqModel m({0, 2, 2, 2});
  m.pair("x", "a", {0.5F, 3});
  m.convolution("a", "b", 0.5F);
  m.pair("b", "c", {0.25F, -112, TensorProto::INT8});
  m.convolution("c", "d", 0.25F);
  m.node("Relu", {"d"}, "e");
  m.pair("e", "y", {0.25F, 16});
  const Ranged ranged = ranges_of(m);
  ASSERT_EQ(ranged.inputs.size(), 1U);
  EXPECT_EQ(ranged.inputs[0], (kernels::Clamp{-1.5F, 126.0F}));
  EXPECT_EQ(bounded(ranged.graph), "input, convolution [-4, 59.75], convolution [0, 59.75]");
}

TEST(Ranges, ReachWhatTheirNumbersComeFrom) {
  const std::vector<std::int64_t> two = {2, 2};
  QdqModel m({0, 2, 2, 2});
  m.convolution("x", "b", 1.0F);
  m.node("Relu", {"b"}, "c");
  m.node("MaxPool", {"c"}, "d", {{"kernel_shape", two}});
  m.convolution("d", "e", 1.0F);
  m.pair("e", "f", {0.25F, 0});  // which is not quantised again behind
  m.node("Concat", {"d", "f"}, "g", {{"axis", 1}});
  m.node("Split", {"g"}, "h", {{"axis", 1}}).add_output("i");
  m.pair("h", "y", {0.5F, 0});
  m.pair("i", "z", {1.0F, 8});
  m.output("z");
  EXPECT_EQ(bounded(ranges_of(m).graph),
            "input, convolution [0, 247], pooling [-8, 247], convolution [0, 63.75], concat, slice, slice");
  EXPECT_EQ(ranges_of(m).inputs[0], kernels::Clamp{});
}

TEST(Ranges, OfWhatHasNoneAreRefused) {
  const auto refusal = [](const std::function<void(QdqModel&)>& build) {
    QdqModel m({0, 2, 1, 1});
    build(m);
    try {
      static_cast<void>(ranges_of(m));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refusal([](QdqModel& m) { m.node("Relu", {"x"}); }),
            "it is not quantised, so that it has no ranges; convert it without --folded");
  EXPECT_EQ(refusal([](QdqModel& m) {
              m.quantise("x", "q", {0.5F, 3});
              m.dequantise("q", "y", {1.0F, 3});
            }),
            "DequantizeLinear node 'the_node': its scale is not that of QuantizeLinear, so that there is no range to "
            "take; convert without --folded");
  EXPECT_EQ(refusal([](QdqModel& m) {
              m.quantise("x", "q", {0.5F, 3});
              m.node("Cast", {"q"}, "places", {{"to", ::onnx::TensorProto::INT32}});
              m.node("Gather", {m.floats({256}, std::vector<float>(256)), "places"}, "b");
              m.pair("b", "y", {0.5F, 3});
            }),
            "Gather node 'the_node': a table of integers is no function of real numbers; convert without --folded");
  EXPECT_EQ(refusal([](QdqModel& m) {
              m.pair("x", "y", {0.5F, 3});
              m.output("y.q");
            }),
            "the output 'y.q' is integers that layers read, too; convert without --folded");
}

}  // namespace
}  // namespace riffle::onnx
