// A model at other input sizes than its own: it computes what it says, or refuses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/format/format.hpp"
#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "io/onnx/export.hpp"
#include "io/onnx/import.hpp"
#include "io/onnx/test_model.hpp"
#include "models/random.hpp"

namespace riffle::onnx {
namespace {

using Ints = std::vector<std::int64_t>;
using Sizes = std::initializer_list<std::pair<std::int32_t, std::int32_t>>;

std::vector<float> run(const graph::Graph& graph) {
  const auto plan = plan::make(graph);
  const std::vector<float> input =
      models::random_values(2, "input", static_cast<std::size_t>(plan->inputs[0].shape.size()), {});
  std::vector<float> output(static_cast<std::size_t>(plan->outputs[0].shape.size()), NAN);
  run::Session(plan).run(input.data(), output.data());
  return output;
}

/// What the graph says against a size; empty if it runs there.
std::string refusal_at(graph::Graph graph, std::int32_t h, std::int32_t w) {
  try {
    graph.set_input_size(h, w);
    (void)plan::make(graph);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string only_size(const graph::Graph& graph) { return std::get<graph::Input>(graph.nodes[0].operation).only_size; }

void expect_same_at(graph::Graph a, graph::Graph b, Sizes sizes) {
  for (const auto& [h, w] : sizes) {
    a.set_input_size(h, w);
    b.set_input_size(h, w);
    EXPECT_EQ(graph::infer_shapes(a)[a.outputs[0].node], graph::infer_shapes(b)[b.outputs[0].node]);
    const std::vector<float> expected = run(a), actual = run(b);
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      if (std::isnan(expected[i]) && std::isnan(actual[i])) continue;
      if (std::isinf(expected[i]) && actual[i] == expected[i]) continue;
      ASSERT_NEAR(actual[i], expected[i], 1e-5 * std::max(1.0F, std::abs(expected[i])))
          << "element " << i << " at " << h << " x " << w;
    }
  }
}

graph::Graph exported_and_imported(const graph::Graph& graph) {
  const std::string bytes = export_model(graph);
  return import(std::as_bytes(std::span(bytes)));
}

graph::Graph saved_and_loaded(const graph::Graph& graph) {
  auto bytes = std::make_shared<std::vector<std::byte>>(format::save(graph));
  return format::load(*bytes, bytes);
}

/// The graph after .riffle, ONNX, .riffle and ONNX computes the same.
void expect_to_survive(const graph::Graph& graph, Sizes sizes) {
  const graph::Graph back = exported_and_imported(saved_and_loaded(exported_and_imported(saved_and_loaded(graph))));
  EXPECT_EQ(only_size(back), only_size(graph));
  expect_same_at(graph, back, sizes);
}

graph::Graph of_one(const graph::Operation& operation, const graph::Shape& in) {
  graph::Graph graph;
  graph.name = "one";
  graph.add("input", graph::Input{in, {}});
  graph.outputs = {{graph.add("node", operation, {0})}};
  return graph;
}

graph::Constant values(std::size_t count) { return graph::Constant(models::random_values(1, "values", count, {})); }

/// All bounds that a clip can have, with every function and without.
std::vector<graph::Activation> activations() {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<graph::Activation> all;
  for (const kernels::FunctionFacts& facts : kernels::function_facts) {
    if (facts.function == kernels::Function::table) continue;  // of integers
    graph::Activation activation{{}, facts.function};
    if (facts.parameters > 0) activation.a = 0.75F;
    if (facts.parameters > 1) activation.b = 1.25F;
    if (facts.function == kernels::Function::prelu) activation.slopes = values(4);
    for (const kernels::Clamp& bounds :
         {kernels::Clamp{}, kernels::Clamp{0.0F, infinity}, kernels::Clamp{0.0F, 6.0F}, kernels::Clamp{-0.5F, infinity},
          kernels::Clamp{-infinity, 0.25F}, kernels::Clamp{-0.125F, 0.5F}}) {
      activation.bounds = bounds;
      all.push_back(activation);
    }
  }
  return all;
}

graph::Graph import_at(const TestModel& model, const ImportOptions& options) {
  const std::string bytes = model.proto.SerializeAsString();
  return import(std::as_bytes(std::span(bytes)), options);
}

TEST(Sizes, AnOpenOneIsWhatIsAskedForOrADefaultThatIsSaid) {
  TestModel m({0, 4, 0, 0});
  m.node("Relu", {"x"}, "y");
  std::vector<std::string> said;
  const auto say = [&](const std::string& words) { said.push_back(words); };
  EXPECT_EQ(import_at(m, {20, 28, say}).input_shape(), (graph::Shape{20, 28, 4}));
  EXPECT_TRUE(said.empty());
  EXPECT_EQ(import_at(m, {.say = say}).input_shape(), (graph::Shape{default_extent, default_extent, 4}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find("'x' is open in the model; 224 x 224"), std::string::npos) << said[0];
  EXPECT_EQ(only_size(m.import()), "");

  TestModel columns({0, 4, 6, -1});  // as Keras writes what is open
  columns.node("Relu", {"x"}, "y");
  EXPECT_EQ(import_at(columns, {20, 28}).input_shape(), (graph::Shape{6, 28, 4}));
}

TEST(Sizes, OfAnOpenOneALayerMayHoldForOneAlone) {
  TestModel m({0, 4, 0, 0});
  m.node("Flatten", {"x"}, "a");
  m.node("Gemm", {"a", m.floats({24, 5})}, "y");
  EXPECT_EQ(import_at(m, {2, 3}).input_shape(), (graph::Shape{2, 3, 4}));
  EXPECT_NE(m.refusal().find("for 24 inputs, the input has"), std::string::npos) << m.refusal();
}

TEST(Sizes, PoolingWithPaddingSurvivesAnExport) {
  for (const graph::PoolKind kind : {graph::PoolKind::max, graph::PoolKind::average}) {
    for (const bool count : {false, true}) {
      for (graph::Window window :
           {graph::Window{3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, graph::Window{2, 2, 2, 2, 1, 0, 0, 1, 1, 1},
            graph::Window{2, 3, 3, 1, 1, 1, 2, 1, 1, 1}}) {
        for (const bool ceil : {false, true}) {
          window.ceil_mode = ceil;
          const graph::Pool pool{kind, window, count, graph::Activation::relu6};
          expect_to_survive(of_one(pool, {10, 10, 3}), {{9, 9}, {10, 7}, {6, 12}, {12, 8}});
        }
        window.ceil_mode = false;
        window.pad_top = window.pad_left = window.pad_bottom = window.pad_right = 0;
        window.auto_pad = count ? graph::AutoPad::same_upper : graph::AutoPad::same_lower;
        expect_to_survive(of_one(graph::Pool{kind, window, count, graph::Activation::none}, {9, 9, 3}),
                          {{9, 9}, {10, 7}, {5, 12}});
      }
      for (const auto& [h, w] : {std::pair{0, 1}, {1, 0}, {0, 0}, {0, 3}}) {
        const graph::Window window{.kernel_h = h, .kernel_w = w};
        expect_to_survive(of_one(graph::Pool{kind, window, count, graph::Activation::relu}, {9, 9, 3}),
                          {{9, 9}, {10, 7}, {5, 12}});
      }
    }
  }
  graph::Pool both{graph::PoolKind::average, {.pad_top = 1, .pad_right = 1}, true, graph::Activation::none};
  both.window.kernel_h = both.window.kernel_w = 3;
  both.window.stride_h = 2;
  both.window.auto_pad = graph::AutoPad::same_lower;
  expect_to_survive(of_one(both, {9, 9, 3}), {{9, 9}, {10, 7}});
  both.count_padding = false;
  EXPECT_THROW((void)export_model(of_one(both, {9, 9, 3})), Error);
}

TEST(Sizes, EveryOtherOperationSurvivesAnExport) {
  const Sizes sizes = {{9, 9}, {10, 7}, {6, 12}};
  graph::Convolution convolution;
  convolution.outputs = 4;
  convolution.window = {3, 3, 2, 2, 0, 0, 0, 0, 1, 1};
  convolution.weights = values(4 * 6 * 9);
  convolution.bias = values(4);
  convolution.activation = graph::Activation::relu6;
  for (const graph::AutoPad auto_pad : {graph::AutoPad::none, graph::AutoPad::same_upper, graph::AutoPad::same_lower}) {
    convolution.window.auto_pad = auto_pad;
    for (const std::int32_t pad : {0, 1}) {
      convolution.window.pad_top = convolution.window.pad_right = pad;
      expect_to_survive(of_one(convolution, {9, 9, 6}), sizes);
    }
  }
  const graph::BatchNorm norm{values(6), values(6), values(6), graph::Constant(std::vector<float>(6, 0.5F)), 1e-3F};
  const graph::Operation operations[] = {norm,
                                         graph::GlobalAveragePool{graph::Activation::none},
                                         graph::GlobalAveragePool{graph::Activation::relu},
                                         graph::Slice{1, 3},
                                         graph::Shuffle{3},
                                         graph::Gather{{5, 0, 0, 3}},
                                         graph::Gather{{2, 2}},
                                         graph::Gather{{4, 2, 0}},
                                         graph::Softmax{}};
  for (const graph::Operation& operation : operations) {
    SCOPED_TRACE(graph::operation_name(operation));
    expect_to_survive(of_one(operation, {9, 9, 6}), sizes);
  }
  for (const graph::Activation& one : activations()) {
    SCOPED_TRACE(graph::to_text(one));
    const auto activation = [&](std::size_t channels) {
      graph::Activation result = one;
      if (!one.slopes.empty()) result.slopes = values(channels);
      return result;
    };
    expect_to_survive(of_one(graph::Activate{activation(6)}, {9, 9, 6}), sizes);
    graph::Graph sum = of_one(graph::Shuffle{2}, {9, 9, 6});
    sum.outputs = {{sum.add("sum", graph::Binary{.activation = activation(6)}, {1, 0})}};
    expect_to_survive(sum, sizes);
    sum.outputs = {{sum.add("concat", graph::Concat{}, {2, 0, 1})}};
    expect_to_survive(sum, sizes);
    graph::Convolution pointwise;
    pointwise.outputs = 18;
    pointwise.groups = 3;
    pointwise.weights = values(18 * 6);
    pointwise.activation = activation(18);
    sum.outputs = {{sum.add("residual", pointwise, {3, 3})}};
    expect_to_survive(sum, sizes);
    graph::FullyConnected dense{4, values(4 * 6), values(4), activation(4)};
    expect_to_survive(of_one(dense, {1, 1, 6}), {{1, 1}});
    dense = {4, values(4 * 6 * 12), {}, activation(4), 3, 4};
    expect_to_survive(of_one(dense, {3, 4, 6}), {{3, 4}});
  }
  graph::Graph fixed = of_one(graph::Shuffle{2}, {9, 9, 6});
  std::get<graph::Input>(fixed.nodes[0].operation).only_size = "it is a test";
  expect_to_survive(fixed, {{9, 9}});
  EXPECT_NE(refusal_at(exported_and_imported(fixed), 9, 10), "");
}

TEST(Sizes, AutoPadIsOfTheSizeInUse) {
  TestModel m({0, 4, 18, 18});
  m.node("Conv", {"x", m.floats({4, 4, 3, 3})}, "a", {{"auto_pad", "SAME_UPPER"}, {"strides", Ints{2, 2}}});
  m.node("MaxPool", {"a"}, "y", {{"auto_pad", "SAME_LOWER"}, {"strides", Ints{2, 2}}, {"kernel_shape", Ints{2, 2}}});
  graph::Graph graph = m.import();
  EXPECT_EQ(only_size(graph), "");
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{5, 5, 4}));
  graph.set_input_size(19, 32);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{5, 8, 4}));
  TestModel larger({0, 4, 19, 32});
  larger.proto.mutable_graph()->mutable_node()->CopyFrom(m.proto.graph().node());
  larger.proto.mutable_graph()->mutable_initializer()->CopyFrom(m.proto.graph().initializer());
  EXPECT_EQ(run(graph), run(larger.import()));
}

TEST(Sizes, AMeanOfOneAxisIsOfAllOfIt) {
  TestModel m({0, 4, 6, 5});
  m.node("ReduceMean", {"x"}, "y", {{"axes", Ints{2}}});
  graph::Graph graph = m.import();
  graph.set_input_size(11, 3);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{1, 3, 4}));
  // Of one row, too: more of them are reduced at another size.
  TestModel row({0, 4, 1, 5});
  row.node("ReduceMean", {"x"}, "y", {{"axes", Ints{3}}});
  graph = row.import();
  graph.set_input_size(2, 5);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{2, 1, 4}));
}

/// A model of one pixel's or few pixels' size that does what is refused at another size, with both sizes named.
void expect_only_its_size(const TestModel& m, std::int32_t h, std::int32_t w, const std::string& reason) {
  const graph::Graph graph = m.import();
  EXPECT_NE(only_size(graph).find(reason), std::string::npos) << only_size(graph);
  const graph::Shape own = graph.input_shape();
  EXPECT_EQ(refusal_at(graph, own.h, own.w), "");
  const std::string refusal = refusal_at(graph, h, w);
  EXPECT_NE(refusal.find(std::to_string(own.h) + " x " + std::to_string(own.w)), std::string::npos) << refusal;
  EXPECT_NE(refusal.find(std::to_string(h) + " x " + std::to_string(w)), std::string::npos) << refusal;
  EXPECT_EQ(only_size(exported_and_imported(graph)), only_size(graph));
  EXPECT_EQ(only_size(saved_and_loaded(graph)), only_size(graph));
}

TEST(Sizes, AFlattenedImageBehindAGemmIsOfItsSize) {
  for (const std::int64_t size : {1, 2}) {
    TestModel m({0, 3, size, size});
    m.node("Flatten", {"x"}, "a");
    m.node("Gemm", {"a", m.floats({5, 3 * size * size})}, "y", {{"transB", 1}});
    graph::Graph graph = m.import();
    passes::optimise(graph);
    EXPECT_EQ(only_size(graph), "");  // it is the layer that says so
    EXPECT_EQ(refusal_at(graph, static_cast<std::int32_t>(size), static_cast<std::int32_t>(size)), "");
    const std::string refusal = refusal_at(graph, 4, 3);
    const std::string own = "3x" + std::to_string(size) + "x" + std::to_string(size);
    EXPECT_NE(refusal.find("the operand is 3x4x3, and the weights are for " + own), std::string::npos) << refusal;
  }
}

TEST(Sizes, WhatHoldsForOneSizeAloneSaysSo) {
  TestModel squeezed({0, 4, 1, 1});
  squeezed.node("Squeeze", {"x", squeezed.list({2, 3})}, "y");
  expect_only_its_size(squeezed, 2, 1, "Squeeze node 'the_node': dimension 2 is not 1");
  TestModel all({1, 4, 6, 1});
  all.node("Squeeze", {"x"}, "y");
  expect_only_its_size(all, 6, 2, "Squeeze");
  TestModel softmax({0, 4, 1, 1});
  softmax.node("Flatten", {"x"}, "a");
  softmax.node("Softmax", {"a"}, "y", {{"axis", 1}});
  expect_only_its_size(softmax, 2, 2, "Softmax");
  TestModel picked({0, 4, 6, 1});
  picked.node("Gather", {"x", picked.scalar(0)}, "y", {{"axis", 3}});
  expect_only_its_size(picked, 6, 2, "Gather");
  TestModel rows({0, 4, 6, 6});
  rows.node("Slice", {"x", rows.list({0}), rows.list({6}), rows.list({2})}, "y");
  expect_only_its_size(rows, 7, 6, "Slice");
  TestModel chunks({0, 4, 7, 7});
  chunks.node("Reshape", {"x", chunks.list({-1, 49})}, "a");
  chunks.node("ReduceMean", {"a"}, "y", {{"axes", Ints{1}}});
  expect_only_its_size(chunks, 14, 14, "does not follow the input's size");
  TestModel vector({0, 4});
  vector.node("Relu", {"x"});
  expect_only_its_size(vector, 2, 2, "vector");

  // A padding that the model computes from the height.
  TestModel padded({0, 4, 7, 6});
  padded.node("Shape", {"x"}, "s");
  padded.node("Gather", {"s", padded.scalar(2)}, "h");
  padded.node("Mod", {"h", padded.scalar(2)}, "odd");
  padded.node("Unsqueeze", {"odd", padded.list({0})}, "odds");
  padded.node("Concat", {padded.list({0, 0}), "odds", padded.list({0, 0, 0, 0, 0})}, "pads", {{"axis", 0}});
  padded.node("Pad", {"x", "pads"}, "a");
  padded.node("AveragePool", {"a"}, "y", {{"kernel_shape", Ints{2, 2}}});
  expect_only_its_size(padded, 8, 6, "computed from the input's size");
  // A dimension of the shape that is the height where the width stands.
  TestModel turned({0, 4, 6, 6});
  turned.node("Shape", {"x"}, "s");
  turned.node("Gather", {"s", turned.list({0, 1, 3, 2})}, "shape");
  turned.node("Reshape", {"x", "shape"}, "y");
  expect_only_its_size(turned, 8, 6, "does not follow the input's size");
}

TEST(Sizes, AViewThatFollowsTheSizeIsForAll) {
  // As exporters write it: by the shape's numbers, or by those of the model's size.
  TestModel computed({0, 6, 4, 5});
  computed.node("Shape", {"x"}, "s");
  computed.node("Slice", {"s", computed.list({2}), computed.list({4})}, "hw");
  computed.node("Concat", {computed.list({0, 2, 3}), "hw"}, "grouped", {{"axis", 0}});
  computed.node("Reshape", {"x", "grouped"}, "a");
  computed.node("Transpose", {"a"}, "b", {{"perm", Ints{0, 2, 1, 3, 4}}});
  computed.node("Concat", {computed.list({0, -1}), "hw"}, "whole", {{"axis", 0}});
  computed.node("Reshape", {"b", "whole"}, "c");
  computed.node("Relu", {"c"});
  TestModel written({0, 6, 4, 5});
  written.node("Reshape", {"x", written.list({-1, 2, 3, 4, 5})}, "a");
  written.node("Transpose", {"a"}, "b", {{"perm", Ints{0, 2, 1, 3, 4}}});
  written.node("Reshape", {"b", written.list({0, -1, 4, 5})}, "c");
  written.node("Relu", {"c"});
  graph::Graph shuffled = of_one(graph::Shuffle{2}, {4, 5, 6});
  shuffled.outputs = {{shuffled.add("relu", graph::Activate{}, {1})}};
  for (const TestModel* m : {&computed, &written}) {
    EXPECT_EQ(only_size(m->import()), "");
    expect_same_at(shuffled, m->import(), {{4, 5}, {7, 3}, {1, 1}});
  }
  // A whole slice by its end, and the mean of a flattened image.
  TestModel mean({0, 6, 4, 5});
  mean.node("Slice", {"x", mean.list({0}), mean.list({std::numeric_limits<std::int64_t>::max()}), mean.list({2})}, "a");
  mean.node("Reshape", {"a", mean.list({0, 6, -1})}, "b");
  mean.node("ReduceMean", {"b"}, "y", {{"axes", Ints{2}}});
  EXPECT_EQ(only_size(mean.import()), "");
  expect_same_at(of_one(graph::GlobalAveragePool{}, {4, 5, 6}), mean.import(), {{4, 5}, {7, 3}, {1, 1}});
}

}  // namespace
}  // namespace riffle::onnx
