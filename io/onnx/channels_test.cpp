// Operations that move, pick and join channels, by the graphs that they become.
#include <gtest/gtest.h>

#include <limits>

#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

using Channels = std::vector<std::int32_t>;

/// The view that a model makes of its input is read by a ReLU, so that it becomes a node.
void read(TestModel& model, const std::string& view) { model.node("Relu", {view}); }

TEST(Shuffle, OfFiveDimensions) {
  TestModel m({0, 6, 4, 4});
  m.node("Reshape", {"x", m.list({0, 3, 2, 4, 4})}, "a");
  m.node("Transpose", {"a"}, "b", {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
  m.node("Reshape", {"b", m.list({0, -1, 4, 4})}, "c");
  read(m, "c");
  EXPECT_EQ(m.operations(), "input, shuffle, activation");
  EXPECT_EQ(only<graph::Shuffle>(m.import()).groups, 3);
}

TEST(Shuffle, OfFourDimensions) {
  TestModel m({2, 6, 4, 4});
  m.node("Reshape", {"x", m.list({2, 2, 3, 16})}, "a");
  m.node("Transpose", {"a"}, "b", {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
  m.node("Reshape", {"b", m.list({-1, 6, 4, 4})}, "c");
  read(m, "c");
  EXPECT_EQ(m.operations(), "input, shuffle, activation");
  EXPECT_EQ(only<graph::Shuffle>(m.import()).groups, 2);
}

TEST(Shuffle, OfThreeDimensionsIntoHalves) {
  for (const std::int64_t batch : {0, 1, 3}) {
    TestModel m({batch, 6, 4, 5});
    // With an open batch: N from the shape, times 3.
    m.node("Shape", {"x"}, "shape");
    m.node("Gather", {"shape", m.scalar(0)}, "n");
    m.node("Mul", {"n", m.scalar(6)}, "channels");
    m.node("Div", {"channels", m.scalar(2)}, "rows");
    m.node("Unsqueeze", {"rows", m.list({0})}, "row_list");
    m.node("Concat", {"row_list", m.list({2, 20})}, "three", {{"axis", 0}});
    m.node("Reshape", {"x", "three"}, "a");
    m.node("Transpose", {"a"}, "b", {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
    m.node("Reshape", {"b", m.list({2, -1, 3, 4, 5})}, "c");
    m.node("Gather", {"c", m.scalar(0)}, "even");
    m.node("Gather", {"c", m.scalar(-1)}, "odd");
    m.node("Relu", {"odd"}, "d");
    m.node("Concat", {"even", "d"}, "y", {{"axis", 1}});
    const graph::Graph graph = m.import();
    EXPECT_EQ(operations(graph), "input, gather, activation, gather, concat");
    EXPECT_EQ(only<graph::Gather>(graph).channels, (Channels{1, 3, 5}));
  }
}

TEST(Shuffle, IsSharedByThoseThatReadIt) {
  TestModel m({0, 6, 4, 4});
  m.node("Reshape", {"x", m.list({0, 2, 3, 4, 4})}, "a");
  m.node("Transpose", {"a"}, "b", {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
  m.node("Reshape", {"b", m.list({0, 6, 4, 4})}, "c");
  m.node("Split", {"c"}, "left", {{"axis", 1}}).add_output("right");
  m.node("Relu", {"right"}, "d");
  m.node("Concat", {"left", "d"}, "y", {{"axis", -3}});
  EXPECT_EQ(m.operations(), "input, shuffle, slice, activation, slice, concat");
}

TEST(Slice, OfAttributesAndOfInputs) {
  TestModel attributes({0, 6, 4, 4}, 9);
  attributes.node("Slice", {"x"}, "a",
                  {{"axes", std::vector<std::int64_t>{1}},
                   {"starts", std::vector<std::int64_t>{2}},
                   {"ends", std::vector<std::int64_t>{5}}});
  read(attributes, "a");
  TestModel inputs({0, 6, 4, 4}, 13);
  inputs.node("Slice", {"x", inputs.list({-4}), inputs.list({-1}), inputs.list({-3}), inputs.list({1})}, "a");
  read(inputs, "a");
  for (const TestModel* m : {&attributes, &inputs}) {
    EXPECT_EQ(m->operations(), "input, slice, activation");
    EXPECT_EQ(only<graph::Slice>(m->import()).first, 2);
    EXPECT_EQ(only<graph::Slice>(m->import()).count, 3);
  }
}

TEST(Slice, OfNothingIsNothing) {
  constexpr std::int64_t end = std::numeric_limits<std::int64_t>::max();
  TestModel m;
  m.node("Slice", {"x", m.list({0, 0, -4, 0}), m.list({end, 4, 100, 6}), m.list({0, 1, 1, 2})}, "a");
  read(m, "a");
  EXPECT_EQ(m.operations(), "input, activation");
}

TEST(Slice, InSteps) {
  TestModel m({0, 6, 4, 4});
  m.node("Slice", {"x", m.list({-1}), m.list({-100}), m.list({1}), m.list({-2})}, "a");
  read(m, "a");
  EXPECT_EQ(only<graph::Gather>(m.import()).channels, (Channels{5, 3, 1}));
  // A step that is larger than any axis picks one.
  TestModel far({0, 6, 4, 4});
  far.node("Slice",
           {"x", far.list({1}), far.list({6}), far.list({1}), far.list({std::numeric_limits<std::int64_t>::max()})},
           "a");
  read(far, "a");
  EXPECT_EQ(only<graph::Slice>(far.import()).first, 1);
  EXPECT_EQ(only<graph::Slice>(far.import()).count, 1);
}

TEST(Split, InAllItsForms) {
  TestModel attribute({0, 6, 4, 4}, 11);
  attribute.node("Split", {"x"}, "a", {{"axis", 1}, {"split", std::vector<std::int64_t>{2, 4}}}).add_output("b");
  read(attribute, "b");
  TestModel input({0, 6, 4, 4}, 13);
  input.node("Split", {"x", input.list({2, 4})}, "a", {{"axis", -3}}).add_output("b");
  read(input, "b");
  TestModel uneven({0, 10, 4, 4}, 18);  // 4, 4, 2
  auto& node = uneven.node("Split", {"x"}, "a", {{"axis", 1}, {"num_outputs", 3}});
  node.add_output("unused");
  node.add_output("b");
  read(uneven, "b");
  EXPECT_EQ(only<graph::Slice>(attribute.import()).first, 2);
  EXPECT_EQ(only<graph::Slice>(attribute.import()).count, 4);
  EXPECT_EQ(only<graph::Slice>(input.import()).first, 2);
  EXPECT_EQ(only<graph::Slice>(input.import()).count, 4);
  EXPECT_EQ(only<graph::Slice>(uneven.import()).first, 8);
  EXPECT_EQ(only<graph::Slice>(uneven.import()).count, 2);
}

TEST(Gather, OfAnyChannels) {
  TestModel m({0, 6, 4, 4});
  m.node("Gather", {"x", m.list({5, -6, 0, 3})}, "a", {{"axis", 1}});
  read(m, "a");
  EXPECT_EQ(only<graph::Gather>(m.import()).channels, (Channels{5, 0, 0, 3}));
}

TEST(Gather, OfNeighboursIsASlice) {
  TestModel m({0, 6, 4, 4});
  m.node("Gather", {"x", m.list({3, 4, 5})}, "a", {{"axis", 1}});
  read(m, "a");
  EXPECT_EQ(only<graph::Slice>(m.import()).first, 3);
}

TEST(Gather, OfASingleChannelDropsItsAxis) {
  TestModel m({0, 6, 4, 4});
  m.node("Gather", {"x", m.scalar(4)}, "a", {{"axis", 1}});
  m.node("Unsqueeze", {"a", m.list({1})}, "b");
  read(m, "b");
  EXPECT_EQ(only<graph::Slice>(m.import()).first, 4);
  EXPECT_EQ(graph::infer_shapes(m.import()).back(), (graph::Shape{4, 4, 1}));
}

TEST(Concat, JoinsChannels) {
  TestModel m({0, 4, 3, 3});
  m.node("Relu", {"x"}, "a");
  m.node("Concat", {"a", "x", "a"}, "y", {{"axis", 1}});
  EXPECT_EQ(m.operations(), "input, activation, concat");
  EXPECT_EQ(graph::infer_shapes(m.import()).back().c, 12);
}

TEST(Concat, JoinsVectors) {
  TestModel m({0, 4, 3, 3});
  m.node("GlobalAveragePool", {"x"}, "a");
  m.node("Flatten", {"a"}, "b");
  m.node("Concat", {"b", "b"}, "y", {{"axis", -1}});
  EXPECT_EQ(m.operations(), "input, global average pooling, concat");
}

TEST(Concat, OfImagesOfOneChannel) {
  TestModel m({0, 1, 3, 3});
  m.node("Relu", {"x"}, "a");
  m.node("Concat", {"a", "x"}, "y", {{"axis", 1}});
  EXPECT_EQ(graph::infer_shapes(m.import()).back(), (graph::Shape{3, 3, 2}));
}

TEST(Axes, ThereAndBackIsNothing) {
  TestModel m;
  m.node("Transpose", {"x"}, "a", {{"perm", std::vector<std::int64_t>{0, 2, 3, 1}}});
  m.node("Unsqueeze", {"a", m.list({-1, 1})}, "b");
  m.node("Squeeze", {"b"}, "c");
  m.node("Transpose", {"c"}, "d", {{"perm", std::vector<std::int64_t>{0, 3, 1, 2}}});
  m.node("Identity", {"d"}, "e");
  m.node("Cast", {"e"}, "f", {{"to", ::onnx::TensorProto::FLOAT16}});
  read(m, "f");
  EXPECT_EQ(m.operations(), "input, activation");
}

TEST(Axes, ElementWiseOperationsFollowAnyView) {
  TestModel m({0, 6, 4, 4});
  m.node("Reshape", {"x", m.list({0, 2, 3, 4, 4})}, "a");
  m.node("Transpose", {"a"}, "b", {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
  m.node("Relu", {"b"}, "c");
  m.node("Reshape", {"c", m.list({0, 6, 4, 4})}, "y");
  EXPECT_EQ(m.operations(), "input, activation, shuffle");
}

TEST(Axes, TheOutputMayBeFlattened) {
  TestModel m;
  m.node("Relu", {"x"}, "a");
  m.node("Reshape", {"a", m.list({0, 2, -1})}, "y");
  EXPECT_EQ(m.operations(), "input, activation");
}

TEST(ShapeArithmetic, FoldsWhatExportersLeave) {
  // (N * C * 2 - N) / N / 7.0 of a 4-channel input: 7 / 7 -> 1 -> picks channel 1.
  TestModel m;
  m.node("Shape", {"x"}, "s");
  m.node("Slice", {"s", m.list({0}), m.list({1})}, "n1");
  m.node("Squeeze", {"n1", m.list({0})}, "n");
  m.node("Gather", {"s", m.scalar(1)}, "c");
  m.node("Mul", {"n", "c"}, "nc");
  m.node("Mul", {"nc", m.scalar(2)}, "nc2");
  m.node("Sub", {"nc2", "n"}, "n7");
  m.node("Div", {"n7", "n"}, "seven");
  m.node("Cast",
         {
             "seven",
         },
         "real", {{"to", ::onnx::TensorProto::FLOAT}});
  m.node("Div", {"real", m.floats({}, {4.0F})}, "quarters");
  m.node("Floor", {"quarters"}, "floored");
  m.node("Cast", {"floored"}, "one", {{"to", ::onnx::TensorProto::INT64}});
  m.node("Less", {"one", m.scalar(0)}, "negative");
  m.node("Not", {"negative"}, "positive");
  m.node("Where", {"positive", "one", m.scalar(3)}, "index");
  m.node("Gather", {"x", "index"}, "picked", {{"axis", 1}});
  m.node("Unsqueeze", {"picked", m.list({1})}, "y");
  EXPECT_EQ(m.operations(), "input, slice");
  EXPECT_EQ(only<graph::Slice>(m.import()).first, 1);
}

TEST(ShapeArithmetic, CountsFoldsAndDivides) {
  TestModel m({1, 6, 4, 5});
  m.node("Shape", {"x"}, "shape");
  auto& split = m.node("Split", {"shape", m.list({2, 2})}, "first", {{"axis", 0}});
  split.add_output("last");
  m.node("ReduceProd", {"last"}, "pixels", {{"axes", std::vector<std::int64_t>{0}}});
  m.node("Concat", {"first", "pixels"}, "list", {{"axis", 0}});
  m.node("Reshape", {"x", "list"}, "a");
  m.node("Range", {m.scalar(0), m.scalar(6), m.scalar(1)}, "range");
  m.node("Unsqueeze", {"range", m.list({1})}, "column");
  m.node("Mul", {"a", "column"}, "b");
  m.node("Size", {"x"}, "count");
  m.node("Cast", {"count"}, "size", {{"to", ::onnx::TensorProto::FLOAT}});
  m.node("Div", {"b", "size"}, "y");
  const auto norm = [&] {
    std::vector<float> scales;
    for (const graph::Node& node : m.import().nodes) {
      if (const auto* one = std::get_if<graph::BatchNorm>(&node.operation)) scales.push_back(one->scale.values()[5]);
    }
    return scales;
  }();
  EXPECT_EQ(norm, (std::vector<float>{5.0F, 1.0F / 120}));
}

}  // namespace
}  // namespace riffle::onnx
