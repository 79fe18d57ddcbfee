// The passes of resizes and transposed convolutions: what they make, and how many multiply-adds it takes. That it is
// the same is for verify/ to say.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

using graph::Constant;
using graph::Graph;
using graph::NodeId;

Constant numbers(std::int64_t count) { return Constant(testing::noise(count, 3)); }

graph::TransposedConvolution transposed(std::int32_t inputs, std::int32_t outputs, std::int32_t groups,
                                        const graph::Window& window) {
  graph::TransposedConvolution result;
  result.outputs = outputs;
  result.groups = groups;
  result.window = window;
  result.weights = numbers(std::int64_t{inputs} * (outputs / groups) * window.kernel_h * window.kernel_w);
  return result;
}

/// A square window of a stride of 2.
graph::Window window(std::int32_t kernel, std::int32_t pad_before, std::int32_t pad_after) {
  return {kernel, kernel, 2, 2, pad_before, pad_before, pad_after, pad_after, 1, 1};
}

/// The convolutions that a transposed one of 8 x 8 pixels becomes.
std::vector<graph::Convolution> lowered(const graph::TransposedConvolution& o, std::int32_t channels,
                                        std::int64_t* macs = nullptr) {
  Graph graph;
  graph.add("input", graph::Input{{8, 8, channels}});
  graph.outputs = {{graph.add("transposed", o, {0})}};
  const graph::Shape before = graph::infer_shapes(graph).back();
  passes::lower_transposed_convolution(graph);
  EXPECT_EQ(graph::infer_shapes(graph)[graph.outputs[0].node], before);
  EXPECT_EQ(graph.nodes[graph.outputs[0].node].name, "transposed");
  if (macs != nullptr) *macs = graph::total_cost(graph).macs;
  std::vector<graph::Convolution> result;
  for (const graph::Node& node : graph.nodes) {
    if (const auto* convolution = std::get_if<graph::Convolution>(&node.operation)) result.push_back(*convolution);
  }
  return result;
}

TEST(TransposedConvolution, whose_windows_do_not_overlap_is_one_pointwise_convolution) {
  std::int64_t macs = 0;
  const auto made = lowered(transposed(4, 6, 1, window(2, 0, 0)), 4, &macs);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_TRUE(graph::is_pointwise(made[0]));
  EXPECT_EQ(made[0].outputs, 4 * 6);
  EXPECT_EQ(macs, 8 * 8 * 4 * 6 * 2 * 2);
}

TEST(TransposedConvolution, of_a_window_of_3_has_windows_of_1_and_2) {
  graph::TransposedConvolution o = transposed(4, 6, 1, window(3, 1, 1));
  o.more_bottom = o.more_right = 1;
  std::int64_t macs = 0;
  EXPECT_EQ(lowered(o, 4, &macs).size(), 4U);
  EXPECT_EQ(macs, 8 * 8 * 4 * 6 * 3 * 3);
}

TEST(TransposedConvolution, of_a_window_of_4_has_windows_of_2) {
  std::int64_t macs = 0;
  const auto made = lowered(transposed(4, 6, 1, window(4, 1, 1)), 4, &macs);
  ASSERT_EQ(made.size(), 4U);
  for (const graph::Convolution& one : made) EXPECT_EQ(one.window.kernel_h * one.window.kernel_w, 4);
  EXPECT_EQ(macs, 8 * 8 * 4 * 6 * 4 * 4);
}

TEST(TransposedConvolution, that_is_depthwise_is_so_by_phase) {
  for (const graph::Convolution& one : lowered(transposed(6, 6, 6, window(2, 0, 0)), 6)) {
    EXPECT_TRUE(graph::is_depthwise(one, 6));
  }
}

TEST(TransposedConvolution, takes_the_norm_behind_it) {
  Graph graph;
  graph.add("input", graph::Input{{8, 8, 4}});
  const NodeId made = graph.add("transposed", transposed(4, 6, 2, window(2, 0, 0)), {0});
  const graph::BatchNorm norm{numbers(6), numbers(6), numbers(6), Constant(std::vector<float>(6, 0.5F)), 1e-3F};
  const NodeId normed = graph.add("norm", norm, {made});
  graph.outputs = {{graph.add("relu", graph::Activate{graph::Activation::relu}, {normed})}};
  passes::optimise(graph);
  EXPECT_EQ(graph.nodes.size(), 2U);
}

TEST(Resize, to_the_size_of_another_tensor_does_not_read_it_in_a_plan) {
  Graph graph;
  graph.add("small", graph::Input{{3, 4, 2}});
  graph.add("large", graph::Input{{6, 9, 5}});
  const NodeId like = graph.add("like", graph::Activate{graph::Activation::sigmoid}, {1});
  graph.outputs = {{graph.add("resize", graph::Resize{}, {0, like})}};
  passes::fix_sizes(graph);
  EXPECT_EQ(graph.nodes.size(), 3U);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{6, 9, 2}));
}

graph::Convolution mixing(std::int32_t inputs, std::int32_t outputs) {
  graph::Convolution result;
  result.outputs = outputs;
  result.weights = numbers(std::int64_t{inputs} * outputs);
  result.bias = numbers(outputs);
  result.activation = graph::Activation::relu;
  return result;
}

graph::Resize twice(graph::ResizeMode mode) {
  graph::Resize result;
  result.mode = mode;
  result.scale_h = result.scale_w = 2.0F;
  return result;
}

/// The neck of a feature pyramid: a coarse level of 16 channels joins a fine one of 8, and two convolutions read both.
Graph neck(graph::ResizeMode mode) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{8, 8, 8}});
  const NodeId fine = graph.add("fine", mixing(8, 8), {image});
  graph::Convolution strided = mixing(8, 16);
  strided.window.stride_h = strided.window.stride_w = 2;
  const NodeId coarse = graph.add("coarse", strided, {image});
  const NodeId large = graph.add("large", twice(mode), {coarse});
  const NodeId both = graph.add("both", graph::Concat{}, {large, fine});
  graph.outputs = {{graph.add("first", mixing(24, 4), {both}), "first"},
                   {graph.add("second", mixing(24, 12), {both}), "second"}};
  return graph;
}

TEST(ConvolveBeforeEnlarging, computes_the_coarse_part_of_a_pyramid_where_it_is_coarse) {
  Graph graph = neck(graph::ResizeMode::nearest);
  passes::optimise(graph);
  // Fine and coarse; of 4 and 12 outputs the fine half at 8 x 8 and the coarse one at 4 x 4.
  EXPECT_EQ(graph::total_cost(graph).macs, 64 * 8 * 8 + 16 * 8 * 16 + 16 * (64 * 8 + 16 * 16));
  const auto plan = plan::make(graph);
  const auto count = [&](std::string_view operation) {
    return std::ranges::count_if(plan->steps, [&](const plan::Step& step) { return step.operation == operation; });
  };
  EXPECT_EQ(count("resize, nearest"), 2);
  EXPECT_EQ(count("add"), 0);
}

TEST(ConvolveBeforeEnlarging, leaves_what_is_not_the_same) {
  Graph graph = neck(graph::ResizeMode::linear);
  passes::optimise(graph);
  EXPECT_EQ(graph::total_cost(graph).macs, 64 * 8 * 8 + 16 * 8 * 16 + 16 * 64 * 24);
}

TEST(ConvolveBeforeEnlarging, does_not_leave_literals_of_one_pixel_alone) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{8, 8, 8}});
  const NodeId large = graph.add("large", twice(graph::ResizeMode::nearest), {image});
  const NodeId literal = graph.add("literal", graph::Literal{{1, 1, 2}, numbers(2)});
  const NodeId both = graph.add("both", graph::Concat{}, {large, literal});
  graph.outputs = {{graph.add("mixed", mixing(10, 4), {both})}};
  passes::optimise(graph);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{16, 16, 4}));
}

TEST(ConvolveBeforeEnlarging, moves_one_convolution_after_the_other) {
  Graph graph;
  NodeId x = graph.add("image", graph::Input{{8, 8, 8}});
  x = graph.add("large", twice(graph::ResizeMode::nearest), {x});
  x = graph.add("first", mixing(8, 4), {x});
  graph.outputs = {{graph.add("second", mixing(4, 6), {x})}};
  passes::optimise(graph);
  EXPECT_EQ(graph::total_cost(graph).macs, 64 * (8 * 4 + 4 * 6));
  EXPECT_TRUE(std::holds_alternative<graph::Resize>(graph.nodes.back().operation));
  const std::string once = graph::to_text(graph);
  passes::optimise(graph);
  EXPECT_EQ(graph::to_text(graph), once);
}

TEST(ConvolvePhases, reads_the_callers_planes_for_a_focus) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{8, 8, 3}});
  std::vector<NodeId> parts;
  for (const std::int32_t left : {0, 1}) {
    for (const std::int32_t top : {0, 1}) {
      parts.push_back(graph.add("part", graph::Crop{.top = top, .left = left, .step_h = 2, .step_w = 2}, {image}));
    }
  }
  const NodeId focus = graph.add("focus", graph::Concat{}, parts);
  graph::Convolution stem = mixing(12 * 9, 4);
  stem.window = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  graph.outputs = {{graph.add("stem", stem, {focus})}};
  const std::int64_t macs = graph::total_cost(graph).macs;
  const auto plan = plan::make(graph);
  ASSERT_EQ(plan->steps.size(), 2U);
  EXPECT_EQ(plan->steps[0].operation, "stem 6x6 /2");
  EXPECT_EQ(plan->steps[0].macs, macs);
  // One part twice is no focus.
  graph.nodes[focus].inputs[3] = graph.nodes[focus].inputs[0];
  EXPECT_GT(plan::make(graph)->steps.size(), 2U);
}

}  // namespace
}  // namespace riffle
