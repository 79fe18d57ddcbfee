// Models that move rows and columns, by what they compute and by what is left to be moved.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/plan/plan.hpp"
#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;

Floats counted(std::size_t count) {
  Floats numbers(count);
  std::iota(numbers.begin(), numbers.end(), 1.0F);
  return numbers;
}

Floats output_of(const graph::Graph& graph, const Floats& input, std::int64_t batch) {
  return numbers_of<float>(outputs_of(graph, {bytes_of(input)}, batch)[0]);
}

Ints dims_of(const graph::Graph& graph, std::size_t output = 0) {
  return plan::signature_of(graph, graph::infer_shapes(graph)).outputs[output].dims;
}

std::string arrangement(const graph::Graph& graph) { return graph::to_text(graph.outputs[0].arrangement); }

/// Of (n, C, H, W), result[i] is input[f(n, i)] for the i-th number of an image.
template <class F>
void expect_moved(const graph::Graph& graph, F&& f) {
  const auto size = static_cast<std::size_t>(graph.input_shape().size());
  const Floats input = counted(2 * size), output = output_of(graph, input, 2);
  ASSERT_EQ(output.size(), 2 * size);
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(output[n * size + i], input[n * size + static_cast<std::size_t>(f(static_cast<std::int64_t>(i)))]) << i;
    }
  }
}

TEST(OnnxArrangement, ofAnOutputIsTheModels) {
  TestModel pixels;
  pixels.node("Relu", {"x"}, "r");
  pixels.node("Transpose", {"r"}, "y", {{"perm", Ints{0, 2, 3, 1}}});
  EXPECT_EQ(arrangement(pixels.import()), "h w c");
  EXPECT_EQ(dims_of(pixels.import()), (Ints{6, 6, 4}));
  expect_moved(pixels.import(), [](std::int64_t i) { return i % 4 * 36 + i / 4; });

  TestModel anchors({0, 4, 2, 3});
  anchors.node("Relu", {"x"}, "r");
  anchors.node("Reshape", {"r", anchors.list({0, 2, 2, 2, 3})}, "five");
  anchors.node("Transpose", {"five"}, "y", {{"perm", Ints{0, 1, 3, 4, 2}}});
  EXPECT_EQ(arrangement(anchors.import()), "c0:2 h w c1:2");
  EXPECT_EQ(dims_of(anchors.import()), (Ints{2, 2, 3, 2}));
  expect_moved(anchors.import(), [](std::int64_t i) { return i / 12 * 12 + i % 2 * 6 + i / 2 % 6; });

  TestModel pixel;
  pixel.node("GlobalMaxPool", {"x"});
  EXPECT_EQ(dims_of(pixel.import()), (Ints{4, 1, 1}));
  TestModel vector({1, 4, 6, 6});
  vector.node("GlobalMaxPool", {"x"}, "p");
  vector.node("Reshape", {"p", vector.list({4})}, "y");
  EXPECT_EQ(arrangement(vector.import()), "(n c)");
}

TEST(OnnxArrangement, keepsTheBatchOutermost) {
  TestModel m;
  m.node("Transpose", {"x"}, "y", {{"perm", Ints{1, 0, 2, 3}}});
  EXPECT_NE(m.refusal().find("the batch is not its outermost dimension"), std::string::npos) << m.refusal();
}

TEST(OnnxArrangement, ofAnInputOfPixels) {
  TestModel m({0, 6, 5, 3});
  m.node("Transpose", {"x"}, "t", {{"perm", Ints{0, 3, 1, 2}}});
  m.node("Relu", {"t"});
  const graph::Graph graph = m.import();
  EXPECT_EQ(graph.input_shape(), (graph::Shape{6, 5, 3}));
  EXPECT_EQ(graph::to_text(graph.input().arrangement), "h w c");
  EXPECT_EQ(m.operations(), "input, activation");
  expect_moved(graph, [](std::int64_t i) { return i % 30 * 3 + i / 30; });
  graph::Graph larger = graph;
  larger.set_input_size(9, 7);
  EXPECT_EQ(dims_of(larger), (Ints{3, 9, 7}));

  TestModel bytes({0, 2, 2, 3}, 13, ::onnx::TensorProto::UINT8);
  bytes.node("Cast", {"x"}, "f", {{"to", 1}});
  bytes.node("Transpose", {"f"}, "t", {{"perm", Ints{0, 3, 1, 2}}});
  bytes.node("Relu", {"t"});
  const std::vector<std::uint8_t> picture = {0, 1, 2, 10, 11, 12, 20, 21, 22, 255, 254, 253};
  EXPECT_EQ(numbers_of<float>(outputs_of(bytes.import(), {bytes_of(picture)}, 1)[0]),
            (Floats{0, 10, 20, 255, 1, 11, 21, 254, 2, 12, 22, 253}));
}

TEST(OnnxArrangement, ofDepthToSpaceAndBack) {
  for (const bool depth_last : {true, false}) {
    TestModel m({0, 8, 2, 3});
    m.node("Relu", {"x"}, "r");
    m.node("DepthToSpace", {"r"}, "y", {{"blocksize", 2}, {"mode", depth_last ? "DCR" : "CRD"}});
    const graph::Graph graph = m.import();
    EXPECT_EQ(dims_of(graph), (Ints{2, 4, 6}));
    EXPECT_EQ(m.operations(), "input, activation");
    expect_moved(graph, [&](std::int64_t i) {
      const std::int64_t c = i / 24, y = i / 6 % 4, x = i % 6, square = y % 2 * 2 + x % 2;
      const std::int64_t channel = depth_last ? square * 2 + c : c * 4 + square;
      return channel * 6 + y / 2 * 3 + x / 2;
    });
  }
  TestModel both({0, 8, 2, 3});
  both.node("DepthToSpace", {"x"}, "large", {{"blocksize", 2}});
  both.node("Relu", {"large"}, "r");
  both.node("SpaceToDepth", {"r"}, "y", {{"blocksize", 2}});
  expect_moved(both.import(), [](std::int64_t i) { return i; });
  graph::Graph larger = both.import();
  larger.set_input_size(4, 5);
  EXPECT_EQ(dims_of(larger), (Ints{8, 4, 5}));
  TestModel odd({0, 6, 2, 3});
  odd.node("DepthToSpace", {"x"}, "y", {{"blocksize", 2}});
  EXPECT_NE(odd.refusal().find("6 channels are not squares of 2"), std::string::npos) << odd.refusal();
}

/// Two levels of an SSD: convolutions, lists of anchors, joined.
TestModel detector(std::int64_t each) {
  TestModel m({0, 4, 6, 6});
  m.node("MaxPool", {"x"}, "coarse", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  for (const std::string level : {"x", "coarse"}) {
    m.node("Conv", {level, m.floats({2 * each, 4, 1, 1})}, level + "1");
    m.node("Transpose", {level + "1"}, level + "2", {{"perm", Ints{0, 2, 3, 1}}});
    m.node("Reshape", {level + "2", m.list({0, -1, each})}, level + "3");
  }
  m.node("Concat", {"x3", "coarse3"}, "all", {{"axis", 1}});
  return m;
}

TEST(OnnxArrangement, ofHeadsIsNoStep) {
  TestModel m = detector(3);
  m.node("Sigmoid", {"all"});
  const graph::Graph graph = m.import();
  EXPECT_EQ(dims_of(graph), (Ints{90, 3}));
  // The pooling, two heads, and what brings the caller's planes to channels side by side.
  EXPECT_EQ(plan::make(graph)->steps.size(), 4U) << plan::to_text(*plan::make(graph));
  TestModel last = detector(3);
  last.node("Softmax", {"all"}, "y", {{"axis", -1}});
  EXPECT_EQ(plan::make(last.import())->steps.size(), 5U) << plan::to_text(*plan::make(last.import()));
  const Floats numbers = output_of(last.import(), counted(2 * 144), 2);
  for (std::size_t i = 0; i < numbers.size(); i += 3) {
    ASSERT_NEAR(numbers[i] + numbers[i + 1] + numbers[i + 2], 1, 1e-5);
  }
  graph::Graph larger = graph;
  larger.set_input_size(8, 10);
  EXPECT_EQ(dims_of(larger), (Ints{200, 3}));
}

TEST(OnnxArrangement, ofWhatIsJoinedAlongRowsOrColumns) {
  for (const std::int64_t axis : {2, 3, -1}) {
    TestModel m({0, 2, 3, 4});
    m.node("Relu", {"x"}, "r");
    m.node("Concat", {"r", "x"}, "y", {{"axis", axis == -1 ? -1 : static_cast<int>(axis)}});
    EXPECT_EQ(dims_of(m.import()), (axis == 2 ? Ints{2, 6, 4} : Ints{2, 3, 8}));
    const Floats numbers = output_of(m.import(), counted(24), 1);
    for (std::int64_t i = 0; i < 48; ++i) {
      const std::int64_t from = axis == 2 ? i / 24 * 12 + i % 12 : i / 8 * 4 + i % 4;
      ASSERT_EQ(numbers[static_cast<std::size_t>(i)], static_cast<float>(from + 1)) << i;
    }
  }
}

TEST(OnnxArrangement, ofAnythingThatIsReshaped) {
  TestModel m;
  m.node("Relu", {"x"}, "r");
  m.node("Reshape", {"r", m.list({0, 8, 3, 6})}, "a");
  m.node("Relu", {"a"}, "b");
  m.node("Reshape", {"b", m.list({0, 3, 48})}, "y");
  EXPECT_EQ(dims_of(m.import()), (Ints{3, 48}));
  expect_moved(m.import(), [](std::int64_t i) { return i; });

  // A vector becomes an image.
  TestModel image({0, 24, 1, 1});
  image.node("Reshape", {"x", image.list({0, 2, 3, 4})}, "a");
  image.node("MaxPool", {"a"}, "y", {{"kernel_shape", Ints{3, 4}}});
  EXPECT_EQ(output_of(image.import(), counted(24), 1), (Floats{12, 24}));
}

TEST(OnnxArrangement, ofASoftmaxOverAnyAxis) {
  TestModel flat({0, 2, 2, 3}, 11);  // over all that follows
  flat.node("Softmax", {"x"}, "y", {{"axis", 1}});
  const Floats all = output_of(flat.import(), counted(12), 1);
  double sum = 0.0;
  for (int i = 1; i <= 12; ++i) sum += std::exp(i - 12);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_NEAR(all[i], std::exp(static_cast<double>(i) - 11) / sum, 1e-6);
  TestModel columns({0, 2, 2, 3});
  columns.node("Softmax", {"x"}, "y", {{"axis", 3}});
  const Floats rows = output_of(columns.import(), counted(12), 1);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_NEAR(rows[i], rows[i % 3], 1e-6);
  EXPECT_NEAR(rows[0] + rows[1] + rows[2], 1, 1e-6);
  EXPECT_NEAR(rows[2] / rows[1], std::exp(1.0), 1e-5);
}

TEST(OnnxArrangement, ofOnePictureIsThatOfABatchThatIsOpen) {
  TestModel m({0, 4, 1, 1});
  m.node("Reshape", {"x", m.list({1, 4})}, "y");
  EXPECT_EQ(output_of(m.import(), counted(12), 3), counted(12));
  TestModel left({0, 4, 2, 1});
  left.node("Reshape", {"x", left.list({1, -1})}, "y");
  EXPECT_EQ(dims_of(left.import()), (Ints{8}));
}

TEST(OnnxArrangement, ofAMatrixThatIsNotFlattened) {
  TestModel m({0, 2, 2, 2});
  m.node("Transpose", {"x"}, "t", {{"perm", Ints{0, 2, 3, 1}}});
  m.node("Flatten", {"t"}, "f");
  m.node("Gemm", {"f", m.floats({8, 1}, {1, 10, 100, 1000, 10000, 0, 0, 0})});
  EXPECT_EQ(output_of(m.import(), {1, 2, 3, 4, 5, 6, 7, 8}, 1), (Floats{1 + 50 + 200 + 6000 + 30000}));
}

TEST(OnnxPick, ofRowsAndColumnsInAnyOrder) {
  TestModel reversed({0, 4, 3, 5});
  reversed.node("Slice", {"x", reversed.list({-1}), reversed.list({-100}), reversed.list({3}), reversed.list({-1})},
                "y");
  expect_moved(reversed.import(), [](std::int64_t i) { return i / 5 * 5 + 4 - i % 5; });

  TestModel order({0, 4, 3, 5});
  order.node("Gather", {"x", order.list({2, 0, 1})}, "y", {{"axis", 2}});
  expect_moved(order.import(), [](std::int64_t i) { return i / 15 * 15 + (i / 5 + 2) % 3 * 5 + i % 5; });

  TestModel one({0, 4, 3, 5});
  one.node("Gather", {"x", one.scalar(-2)}, "y", {{"axis", 2}});
  EXPECT_EQ(dims_of(one.import()), (Ints{4, 5}));
  EXPECT_EQ(output_of(one.import(), counted(60), 1)[7], 15.0F + 5 + 2 + 1);
}

TEST(OnnxPick, ofAListOfPixels) {
  TestModel m({0, 4, 2, 3});
  m.node("Reshape", {"x", m.list({0, 4, -1})}, "list");
  m.node("Transpose", {"list"}, "tokens", {{"perm", Ints{0, 2, 1}}});
  m.node("Slice", {"tokens", m.list({1}), m.list({5}), m.list({1}), m.list({3})}, "y");
  EXPECT_EQ(dims_of(m.import()), (Ints{2, 4}));
  EXPECT_EQ(output_of(m.import(), counted(24), 1), (Floats{2, 8, 14, 20, 5, 11, 17, 23}));
}

TEST(OnnxPick, byIndicesOfTwoDimensions) {
  TestModel m({0, 6, 1, 2});
  m.initialiser("indices").set_data_type(::onnx::TensorProto::INT64);
  for (const std::int64_t dim : {2, 2}) m.initialiser("indices").add_dims(dim);
  for (const std::int64_t index : {5, 0, 1, 1}) m.initialiser("indices").add_int64_data(index);
  m.node("Gather", {"x", "indices"}, "y", {{"axis", 1}});
  EXPECT_EQ(dims_of(m.import()), (Ints{2, 2, 1, 2}));
  EXPECT_EQ(output_of(m.import(), counted(12), 1), (Floats{11, 12, 1, 2, 3, 4, 3, 4}));
}

TEST(OnnxJoin, ofChannelsOnAnyAxisMovesNothing) {
  // A head of 2 anchors, 3 numbers each, cut and put together in another order.
  TestModel m({0, 6, 2, 2});
  m.node("Reshape", {"x", m.list({0, 2, 3, 2, 2})}, "five");
  m.node("Transpose", {"five"}, "last", {{"perm", Ints{0, 1, 3, 4, 2}}});
  auto& split = m.node("Split", {"last", m.list({1, 2})}, "a", {{"axis", 4}});
  split.add_output("b");
  m.node("Concat", {"b", "a"}, "y", {{"axis", 4}});
  const graph::Graph graph = m.import();
  EXPECT_EQ(operations(graph), "input, gather, gather, concat, gather");
  EXPECT_EQ(dims_of(graph), (Ints{2, 2, 2, 3}));
  expect_moved(graph, [](std::int64_t i) { return i / 12 * 12 + (i % 3 + 1) % 3 * 4 + i / 3 % 4; });
}

TEST(OnnxJoin, alongANewAxis) {
  TestModel m({0, 2, 1, 2});
  m.node("Neg", {"x"}, "negative");
  m.node("Unsqueeze", {"x", m.list({1})}, "a");
  m.node("Unsqueeze", {"negative", m.list({1})}, "b");
  m.node("Concat", {"a", "b"}, "y", {{"axis", 1}});
  EXPECT_EQ(dims_of(m.import()), (Ints{2, 2, 1, 2}));
  EXPECT_EQ(output_of(m.import(), counted(4), 1), (Floats{1, 2, 3, 4, -1, -2, -3, -4}));
}

TEST(OnnxJoin, ofNumbersOfTheModelAlongAnyAxis) {
  TestModel rows({0, 2, 1, 2});
  rows.node("Concat", {"x", rows.floats({1, 2, 2, 2}, {5, 6, 7, 8, 9, 10, 11, 12})}, "y", {{"axis", 2}});
  EXPECT_EQ(dims_of(rows.import()), (Ints{2, 3, 2}));
  EXPECT_EQ(output_of(rows.import(), counted(4), 1), (Floats{1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12}));

  TestModel columns({0, 2, 1, 2});  // the same in every row, another number in every column
  columns.node("Concat", {"x", columns.floats({1, 1, 1, 2}, {5, 6})}, "y", {{"axis", 1}});
  EXPECT_EQ(output_of(columns.import(), counted(4), 1), (Floats{1, 2, 3, 4, 5, 6}));
}

TEST(OnnxArrangement, ofABatchAloneIsOneNumberAnImage) {
  for (const std::int64_t batch : {0, 1}) {
    TestModel m({batch, 3, 1, 1});
    m.node("Flatten", {"x"}, "vector");
    m.node("ArgMax", {"vector"}, "y", {{"axis", 1}, {"keepdims", 0}});
    EXPECT_EQ(arrangement(m.import()), "(n c)");
    EXPECT_EQ(dims_of(m.import()), Ints{1});
    EXPECT_TRUE(m.import().outputs[0].arrangement.joins_batch);
  }
}

TEST(OnnxJoin, ofATileIsNamesOrRowsAndColumns) {
  TestModel channels({0, 2, 1, 2});
  channels.node("Tile", {"x", channels.list({1, 2, 1, 1})}, "y");
  EXPECT_EQ(operations(channels.import()), "input, gather");
  EXPECT_EQ(output_of(channels.import(), counted(4), 1), (Floats{1, 2, 3, 4, 1, 2, 3, 4}));

  TestModel columns({0, 2, 1, 2});
  columns.node("Tile", {"x", columns.list({1, 1, 2, 2})}, "y");
  EXPECT_EQ(dims_of(columns.import()), (Ints{2, 2, 4}));
  EXPECT_EQ(output_of(columns.import(), counted(4), 1), (Floats{1, 2, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4, 3, 4}));
}

TEST(OnnxPad, ofChannelsAndOfAList) {
  TestModel pixels({0, 2, 1, 2});
  pixels.node("Transpose", {"x"}, "pixels", {{"perm", Ints{0, 2, 3, 1}}});
  pixels.node("Pad", {"pixels", pixels.list({0, 0, 0, 1, 0, 0, 0, 0}), pixels.floats({}, {9.0F})}, "y");
  EXPECT_EQ(dims_of(pixels.import()), (Ints{1, 2, 3}));
  EXPECT_EQ(output_of(pixels.import(), counted(4), 1), (Floats{9, 1, 3, 9, 2, 4}));

  TestModel list({0, 1, 2, 2});
  list.node("Reshape", {"x", list.list({0, 1, 4})}, "list");
  list.node("Pad", {"list", list.list({0, 0, 1, 0, 0, 2})}, "y", {{"mode", "reflect"}});
  EXPECT_EQ(output_of(list.import(), counted(4), 1), (Floats{2, 1, 2, 3, 4, 3, 2}));
}

}  // namespace
}  // namespace riffle::onnx
