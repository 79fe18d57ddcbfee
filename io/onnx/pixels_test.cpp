// What becomes of Resize, Upsample, Pad, ConvTranspose, and slices of rows and columns.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "engine/passes/passes.hpp"
#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

graph::Shape result_shape(const graph::Graph& graph) { return graph::infer_shapes(graph)[graph.outputs[0].node]; }
graph::Shape result_shape_at(graph::Graph graph, std::int32_t h, std::int32_t w) {
  graph.set_input_size(h, w);
  return result_shape(graph);
}
std::string only_size(const graph::Graph& graph) { return graph.input().only_size; }

/// A Resize with scales in front of which `attributes` stand.
TestModel resized(std::int64_t opset, std::vector<float> scales, std::initializer_list<Attribute> attributes = {}) {
  TestModel m({0, 4, 6, 6}, opset);
  const std::string list = m.floats({4}, {1.0F, 1.0F, scales[0], scales[1]});
  if (opset == 9) {
    m.node("Upsample", {"x", list}, "y", attributes);
  } else if (opset == 10) {
    m.node("Resize", {"x", list}, "y", attributes);
  } else {
    m.node("Resize", {"x", "", list}, "y", attributes);
  }
  return m;
}

TEST(ImportedResize, before_opset_11_is_asymmetric_and_rounds_down) {
  for (const std::int64_t opset : {9, 10}) {
    const auto resize = only<graph::Resize>(resized(opset, {2.0F, 3.0F}).import());
    EXPECT_EQ(resize.mode, graph::ResizeMode::nearest);
    EXPECT_EQ(resize.coordinates, graph::Coordinates::asymmetric);
    EXPECT_EQ(resize.rounding, graph::Rounding::floor);
    EXPECT_EQ(resize.scale_h, 2.0F);
    EXPECT_EQ(resize.scale_w, 3.0F);
  }
  EXPECT_EQ(only<graph::Resize>(resized(10, {0.5F, 0.5F}).import()).rounding, graph::Rounding::ceil);
  EXPECT_NE(resized(10, {0.5F, 2.0F}).refusal().find("one direction becomes larger"), std::string::npos);
}

TEST(ImportedResize, has_the_attributes_of_opset_11) {
  const auto by_default = only<graph::Resize>(resized(11, {2.0F, 2.0F}).import());
  EXPECT_EQ(by_default.mode, graph::ResizeMode::nearest);
  EXPECT_EQ(by_default.coordinates, graph::Coordinates::half_pixel);
  EXPECT_EQ(by_default.rounding, graph::Rounding::prefer_floor);
  const auto linear = only<graph::Resize>(
      resized(13, {2.0F, 2.0F}, {{"mode", "linear"}, {"coordinate_transformation_mode", "align_corners"}}).import());
  EXPECT_EQ(linear.mode, graph::ResizeMode::linear);
  EXPECT_EQ(linear.coordinates, graph::Coordinates::align_corners);
  const auto tensorflow = only<graph::Resize>(
      resized(11, {2.0F, 2.0F}, {{"nearest_mode", "floor"}, {"coordinate_transformation_mode", "tf_half_pixel_for_nn"}})
          .import());
  EXPECT_EQ(tensorflow.coordinates, graph::Coordinates::half_pixel);
  EXPECT_EQ(tensorflow.rounding, graph::Rounding::prefer_ceil);
}

TEST(ImportedResize, by_a_scale_is_for_every_size) {
  const graph::Graph graph = resized(13, {2.0F, 0.5F}).import();
  EXPECT_EQ(only_size(graph), "");
  EXPECT_EQ(result_shape(graph), (graph::Shape{12, 3, 4}));
  EXPECT_EQ(result_shape_at(graph, 7, 5), (graph::Shape{14, 2, 4}));
}

TEST(ImportedResize, to_sizes_in_numbers_keeps_them) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("Resize", {"x", "", "", m.list({1, 4, 9, 5})}, "y");
  EXPECT_NE(m.refusal(), "");  // the batch is open
  TestModel fixed({1, 4, 6, 6}, 13);
  fixed.node("Resize", {"x", "", "", fixed.list({1, 4, 9, 5})}, "y");
  const auto resize = only<graph::Resize>(fixed.import());
  EXPECT_EQ(resize.height, 9);
  EXPECT_EQ(resize.width, 5);
  EXPECT_EQ(resize.scale_h, 0.0F);
  EXPECT_EQ(result_shape_at(fixed.import(), 7, 5), (graph::Shape{9, 5, 4}));
}

/// Sizes as PyTorch exports them: of the batch and channels of x, of rows and columns of `like`, `times` as many.
TestModel resized_to(const std::function<std::string(TestModel&)>& like, std::int64_t times) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("MaxPool", {"x"}, "small", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  m.node("Shape", {like(m)}, "shape");
  m.node("Slice", {"shape", m.list({2}), m.list({4})}, "size");
  m.node("Mul", {"size", m.scalar(times)}, "wanted");
  m.node("Shape", {"small"}, "own");
  m.node("Slice", {"own", m.list({0}), m.list({2})}, "outer");
  m.node("Concat", {"outer", "wanted"}, "sizes", {{"axis", 0}});
  m.node("Resize", {"small", "", "", "sizes"}, "y", {{"mode", "linear"}});
  return m;
}

TEST(ImportedResize, to_the_size_of_another_tensor_is_so_at_every_size) {
  const graph::Graph graph = resized_to([](TestModel&) { return "x"; }, 1).import();
  EXPECT_EQ(only_size(graph), "");
  EXPECT_EQ(result_shape(graph), (graph::Shape{6, 6, 4}));
  EXPECT_EQ(result_shape_at(graph, 7, 9), (graph::Shape{7, 9, 4}));
}

TEST(ImportedResize, to_a_multiple_of_its_own_size_is_a_scale) {
  const graph::Graph graph = resized_to([](TestModel&) { return "small"; }, 3).import();
  EXPECT_EQ(only_size(graph), "");
  EXPECT_EQ(only<graph::Resize>(graph).scale_h, 3.0F);
  EXPECT_EQ(result_shape_at(graph, 8, 4), (graph::Shape{12, 6, 4}));
}

TEST(ImportedResize, to_what_follows_from_a_size_otherwise_closes_it) {
  const graph::Graph graph = resized_to([](TestModel&) { return "x"; }, 2).import();
  EXPECT_NE(only_size(graph).find("was computed from the input's size"), std::string::npos) << only_size(graph);
  EXPECT_EQ(result_shape(graph), (graph::Shape{12, 12, 4}));
}

TEST(ImportedResize, to_a_fixed_size_that_meets_an_open_one_closes_it) {
  TestModel m({1, 4, 6, 6}, 13);
  m.node("MaxPool", {"x"}, "small", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  m.node("Resize", {"small", "", "", m.list({1, 4, 6, 6})}, "large");
  m.node("Concat", {"x", "large"}, "y", {{"axis", 1}});
  EXPECT_NE(only_size(m.import()), "");
  EXPECT_EQ(result_shape(m.import()), (graph::Shape{6, 6, 8}));
}

TEST(ImportedResize, of_some_axes_leaves_the_others) {
  TestModel m({0, 4, 6, 6}, 18);
  m.node("Resize", {"x", "", m.floats({2}, {0.5F, 2.0F})}, "y", {{"axes", Ints{3, 2}}});
  EXPECT_EQ(result_shape(m.import()), (graph::Shape{12, 3, 4}));
  TestModel one({0, 4, 6, 6}, 18);
  one.node("Resize", {"x", "", "", one.list({9})}, "y", {{"axes", Ints{-1}}});
  EXPECT_EQ(result_shape_at(one.import(), 5, 5), (graph::Shape{5, 9, 4}));
}

TEST(ImportedResize, keeps_the_aspect_ratio_by_one_scale) {
  for (const auto& [policy, h, w] : {std::tuple{"not_larger", 4, 9}, std::tuple{"not_smaller", 5, 12}}) {
    TestModel m({1, 4, 3, 7}, 18);
    m.node("Relu", {"x"}, "a");
    m.node("Resize", {"a", "", "", m.list({5, 9})}, "y", {{"axes", Ints{2, 3}}, {"keep_aspect_ratio_policy", policy}});
    const graph::Graph graph = m.import();
    EXPECT_EQ(result_shape(graph), (graph::Shape{h, w, 4})) << policy;
    EXPECT_EQ(only<graph::Resize>(graph).scale_h, only<graph::Resize>(graph).scale_w);
    EXPECT_NE(only_size(graph), "");
  }
}

TEST(ImportedResize, works_in_whatever_order_the_axes_are) {
  TestModel m({0, 4, 6, 5}, 13);
  m.node("Transpose", {"x"}, "last", {{"perm", Ints{0, 2, 3, 1}}});
  m.node("Resize", {"last", "", m.floats({4}, {1.0F, 2.0F, 3.0F, 1.0F})}, "large");
  m.node("Transpose", {"large"}, "y", {{"perm", Ints{0, 3, 1, 2}}});
  EXPECT_EQ(m.operations(), "input, resize");
  EXPECT_EQ(result_shape(m.import()), (graph::Shape{12, 15, 4}));
}

TEST(ImportedResize, refuses_by_name_what_it_does_not_know) {
  const auto refuses = [](std::initializer_list<Attribute> attributes, const char* why) {
    const std::string refusal = resized(18, {2.0F, 2.0F}, attributes).refusal();
    EXPECT_NE(refusal.find(why), std::string::npos) << refusal;
  };
  refuses({{"mode", "bicubic"}}, "'bicubic'");
  refuses({{"coordinate_transformation_mode", "tf_crop_and_resize"}}, "'tf_crop_and_resize'");
  refuses({{"nearest_mode", "even"}}, "'even'");
  TestModel channels({0, 4, 6, 6}, 13);
  channels.node("Resize", {"x", "", channels.floats({4}, {1.0F, 2.0F, 1.0F, 1.0F})}, "y");
  EXPECT_NE(channels.refusal().find("only height and width"), std::string::npos);
  TestModel neither({0, 4, 6, 6}, 13);
  neither.node("Resize", {"x"}, "y");
  EXPECT_NE(neither.refusal().find("neither scales nor sizes"), std::string::npos);
}

TEST(ImportedPad, of_zeros_is_a_node_where_a_maximum_reads_it) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("Pad", {"x", m.list({0, 0, 1, 2, 0, 0, 3, 0})}, "a");
  m.node("MaxPool", {"a"}, "y", {{"kernel_shape", Ints{2, 2}}});
  EXPECT_EQ(m.operations(), "input, pad, pooling");
  const auto pad = only<graph::Pad>(m.import());
  EXPECT_EQ(pad.top, 1);
  EXPECT_EQ(pad.left, 2);
  EXPECT_EQ(pad.bottom, 3);
  EXPECT_EQ(pad.value, 0.0F);
}

TEST(ImportedPad, of_zeros_belongs_to_a_convolution) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("Pad", {"x", m.list({0, 0, 1, 1, 0, 0, 1, 1})}, "a");
  m.node("Conv", {"a", m.floats({4, 4, 3, 3})}, "b");
  m.node("Relu", {"a"}, "c");  // which has to have a tensor
  m.node("MaxPool", {"c"}, "d", {{"kernel_shape", Ints{3, 3}}});
  m.node("Add", {"b", "d"}, "y");
  const graph::Graph graph = m.import();
  EXPECT_EQ(only<graph::Convolution>(graph).window.pad_top, 1);
  EXPECT_EQ(operations(graph), "input, convolution, pad, activation, pooling, add");
}

TEST(ImportedPad, of_zeros_is_a_node_where_a_mean_is_of_them_alone) {
  for (const std::int64_t top : {1, 2}) {
    TestModel m({0, 4, 6, 6}, 13);
    m.node("Pad", {"x", m.list({0, 0, top, 0, 0, 0, 0, 0})}, "a");
    m.node("AveragePool", {"a"}, "y", {{"kernel_shape", Ints{2, 2}}});
    EXPECT_EQ(m.operations(), top == 1 ? "input, pooling" : "input, pad, pooling");
  }
}

TEST(ImportedPad, of_zeros_is_a_node_for_whatever_reads_it) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("Pad", {"x", m.list({0, 0, 1, 1, 0, 0, 1, 1})}, "a");
  m.node("Concat", {"a", "a"}, "b", {{"axis", 1}});
  m.node("Shape", {"a"}, "s");
  m.node("Resize", {"b", "", m.floats({4}, {1.0F, 1.0F, 2.0F, 2.0F})}, "y");
  EXPECT_EQ(m.operations(), "input, pad, concat, resize");
  TestModel output({0, 4, 6, 6}, 13);
  output.node("Pad", {"x", output.list({0, 0, 1, 1, 0, 0, 1, 1})}, "y");
  EXPECT_EQ(output.operations(), "input, pad");
}

TEST(ImportedPad, is_a_node_where_it_is_no_zeros) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("Pad", {"x", m.list({0, 0, 1, 0, 0, 0, 0, 0}), m.floats({}, {0.5F})}, "a");
  m.node("Pad", {"a", m.list({0, 0, 0, 1, 0, 0, 0, 1})}, "b", {{"mode", "reflect"}});
  m.node("Pad", {"b", m.list({0, 0, 0, 0, 0, 0, 2, 0})}, "c", {{"mode", "edge"}});
  m.node("Conv", {"c", m.floats({4, 4, 3, 3})}, "y");
  EXPECT_EQ(m.operations(), "input, pad, pad, pad, convolution");
  EXPECT_EQ(only<graph::Pad>(m.import()).value, 0.5F);
  EXPECT_EQ(result_shape_at(m.import(), 8, 8), (graph::Shape{9, 8, 4}));
}

TEST(ImportedPad, by_less_than_nothing_crops) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("Pad", {"x", m.list({0, 0, -1, 2, 0, 0, 1, -3})}, "y");
  EXPECT_EQ(m.operations(), "input, crop, pad");
  EXPECT_EQ(result_shape(m.import()), (graph::Shape{6, 5, 4}));
}

TEST(ImportedPad, refuses_by_name_what_it_does_not_know) {
  TestModel symmetric({0, 4, 6, 6}, 19);
  symmetric.node("Pad", {"x", symmetric.list({0, 0, 1, 1, 0, 0, 1, 1})}, "y", {{"mode", "symmetric"}});
  EXPECT_NE(symmetric.refusal().find("the mode 'symmetric'"), std::string::npos);
  TestModel far({0, 4, 6, 6}, 13);
  far.node("Pad", {"x", far.list({0, 0, 6, 0, 0, 0, 0, 0})}, "y", {{"mode", "reflect"}});
  EXPECT_NE(far.refusal().find("mirrors 6 of 6 rows"), std::string::npos) << far.refusal();
}

TEST(ImportedSlice, of_rows_and_columns_is_one_crop) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("Slice", {"x", m.list({1}), m.list({-1}), m.list({2})}, "a");
  m.node("Slice", {"a", m.list({0}), m.list({1LL << 31}), m.list({3}), m.list({2})}, "y");
  EXPECT_EQ(m.operations(), "input, crop");
  const graph::Graph graph = m.import();
  EXPECT_EQ(only_size(graph), "");
  EXPECT_EQ(result_shape(graph), (graph::Shape{4, 3, 4}));
  EXPECT_EQ(result_shape_at(graph, 9, 7), (graph::Shape{7, 4, 4}));
}

TEST(ImportedSlice, that_counts_from_the_other_edge_closes_the_size) {
  for (const auto& [start, end] : {std::pair{0, 3}, std::pair{-3, 1 << 30}}) {
    TestModel m({0, 4, 6, 6}, 13);
    m.node("Slice", {"x", m.list({start}), m.list({end}), m.list({2})}, "y");
    const graph::Graph graph = m.import();
    EXPECT_NE(only_size(graph), "");
    EXPECT_EQ(result_shape(graph), (graph::Shape{3, 6, 4}));
  }
}

/// The model's graph without its dead nodes.
graph::Graph passes_over_dead(const TestModel& m) {
  graph::Graph graph = m.import();
  passes::remove_dead_nodes(graph);
  return graph;
}

TEST(ImportedSplit, of_columns_is_crops) {
  TestModel m({0, 4, 6, 6}, 13);
  auto& split = m.node("Split", {"x", m.list({4, 2})}, "a", {{"axis", 3}});
  split.add_output("b");
  m.node("Relu", {"b"}, "y");
  EXPECT_EQ(m.operations(), "input, crop, activation");
  EXPECT_EQ(only<graph::Crop>(passes_over_dead(m)).left, 4);
  EXPECT_EQ(result_shape(m.import()), (graph::Shape{6, 2, 4}));
}

TEST(ImportedConvTranspose, has_its_attributes) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("ConvTranspose", {"x", m.floats({4, 3, 3, 2}), m.floats({6})}, "y",
         {{"group", 2},
          {"strides", Ints{2, 3}},
          {"dilations", Ints{2, 1}},
          {"pads", Ints{1, 0, 2, 1}},
          {"output_padding", Ints{1, 0}}});
  const auto o = only<graph::TransposedConvolution>(m.import());
  EXPECT_EQ(o.outputs, 6);
  EXPECT_EQ(o.groups, 2);
  const graph::Window window{.kernel_h = 3,
                             .kernel_w = 2,
                             .stride_h = 2,
                             .stride_w = 3,
                             .pad_top = 1,
                             .pad_left = 0,
                             .pad_bottom = 2,
                             .pad_right = 1,
                             .dilation_h = 2,
                             .dilation_w = 1};
  EXPECT_EQ(o.window, window);
  EXPECT_EQ(o.more_bottom, 1);
  EXPECT_EQ(o.bias.size(), 6U);
  EXPECT_EQ(result_shape(m.import()), (graph::Shape{5 * 2 + 5 + 1 - 3, 5 * 3 + 2 - 1, 6}));
}

TEST(ImportedConvTranspose, pads_to_a_size_that_is_given_or_the_strides) {
  for (const auto& [auto_pad, top] : {std::pair{"SAME_UPPER", 0}, std::pair{"SAME_LOWER", 1}}) {
    TestModel m({0, 4, 6, 6}, 13);
    m.node("ConvTranspose", {"x", m.floats({4, 2, 3, 3})}, "y", {{"strides", Ints{2, 2}}, {"auto_pad", auto_pad}});
    EXPECT_EQ(only<graph::TransposedConvolution>(m.import()).window.pad_top, top);
    EXPECT_EQ(only_size(m.import()), "");
    EXPECT_EQ(result_shape_at(m.import(), 5, 7), (graph::Shape{10, 14, 2}));
  }
  TestModel sized({0, 4, 6, 6}, 13);
  sized.node("ConvTranspose", {"x", sized.floats({4, 2, 3, 3})}, "y",
             {{"strides", Ints{2, 2}}, {"output_shape", Ints{12, 14}}});
  EXPECT_EQ(result_shape(sized.import()), (graph::Shape{12, 14, 2}));
  EXPECT_NE(only_size(sized.import()), "");
}

TEST(ImportedConvTranspose, refuses_weights_that_do_not_fit) {
  TestModel m({0, 4, 6, 6}, 13);
  m.node("ConvTranspose", {"x", m.floats({3, 2, 3, 3})}, "y");
  EXPECT_NE(m.refusal().find("the weights are for 3 channels, the input has 4"), std::string::npos) << m.refusal();
}

}  // namespace
}  // namespace riffle::onnx
