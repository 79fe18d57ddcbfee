// What a plan chooses: kinds of steps, tiles, chains, halves, and what a step costs. Results show none of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "base/error.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "tests/expect_error.hpp"
#include "tests/networks.hpp"

namespace riffle::plan {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::Shape;
using Names = std::vector<std::string>;

/// Whole numbers, of which every sum is exact, whatever its order.
std::vector<float> whole_numbers(std::int64_t count) {
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i * 7 % 11) - 5.0F;
  return numbers;
}

struct Convolved {
  std::int32_t inputs, outputs, kernel = 1, groups = 1, stride = 1;
};

graph::Convolution convolution(const Convolved& of) {
  graph::Convolution result;
  result.outputs = of.outputs;
  result.groups = of.groups;
  result.window.kernel_h = result.window.kernel_w = of.kernel;
  result.window.stride_h = result.window.stride_w = of.stride;
  result.window.pad_top = result.window.pad_left = result.window.pad_bottom = result.window.pad_right = of.kernel / 2;
  result.weights =
      graph::Constant(whole_numbers(std::int64_t{of.outputs} * of.inputs / of.groups * of.kernel * of.kernel));
  return result;
}

graph::Constant integers(std::int32_t outputs, std::int32_t terms) {
  auto values = std::make_shared<std::vector<std::int8_t>>(
      static_cast<std::size_t>(outputs) * static_cast<std::size_t>(terms), std::int8_t{1});
  const std::span<const std::byte> bytes = std::as_bytes(std::span(*values));
  const std::vector<double> factors(static_cast<std::size_t>(outputs), 0.5);
  return graph::Constant(Type::i8, bytes, std::move(values)).scaled(factors);
}

/// The graph of these, one behind the other, of an input of this shape.
template <class... Operations>
Graph line(const Shape& input, const Operations&... operations) {
  Graph graph;
  NodeId last = graph.add("input", graph::Input{input});
  int count = 0;
  ((last = graph.add(joined({"n", ++count}), operations, {last})), ...);
  graph.outputs = {{last}};
  return graph;
}

Names operations_of(const Plan& plan) {
  Names result;
  for (const Step& step : plan.steps) result.push_back(step.operation);
  return result;
}
bool has_operation(const Graph& graph, const std::string& operation) {
  return std::ranges::count(operations_of(*make(graph)), operation) == 1;
}

/// The arguments of the first step of this type.
template <class Args>
const Args& args_of(const Plan& plan) {
  for (const Step& step : plan.steps) {
    if (const auto* call = std::get_if<Call<Args>>(&step.task)) return call->args;
  }
  throw std::logic_error("no such step");
}
template <class Args>
std::int32_t tiles_of(const Graph& graph) {
  const auto plan = make(graph);
  const auto step =
      std::ranges::find_if(plan->steps, [](const Step& one) { return std::holds_alternative<Call<Args>>(one.task); });
  EXPECT_EQ(step->tiles, args_of<Args>(*plan).tiles);
  return step->tiles;
}

std::vector<float> answer(const std::shared_ptr<const Plan>& plan) {
  const std::vector<float> input = whole_numbers(plan->inputs[0].shape.size());
  std::vector<float> output(static_cast<std::size_t>(plan->outputs[0].shape.size()));
  run::Session session(plan);
  session.run(input.data(), output.data());
  return output;
}

TEST(Steps, CostWhatTheyTouchOnce) {
  Graph graph = line({6, 8, 3}, convolution({3, 8, 3}));
  graph.nodes[0].operation = graph::Input{{6, 8, 3}, {}, Type::u8, {1.0F, 0}};
  const NodeId more = graph.add("more", convolution({8, 12}), {1});
  const NodeId sum = graph.add("sum", convolution({12, 8}), {more, 1});
  const NodeId both = graph.add("both", graph::Concat{}, {sum, more});
  const NodeId odds = graph.add("odds", graph::Softmax{}, {both});
  graph.outputs = {
      {odds, "odds"}, {more, "more", Type::i8, {0.5F, 0}}, {sum, "sum", Type::f32, {}, graph::arranged("w h c")}};
  const auto plan = make(graph);
  std::string costs;
  for (const Step& step : plan->steps) {
    costs += joined({step.name, ", ", step.operation, ": ", step.macs, " macs, ", step.read_bytes, " in, ",
                     step.write_bytes, " out\n"});
  }
  EXPECT_EQ(costs,
            "input, convert: 0 macs, 144 in, 576 out\n"
            "n1, stem 3x3: 10368 macs, 576 in, 1536 out\n"
            "more, pointwise: 4608 macs, 1536 in, 2304 out\n"
            "more, to the caller: 0 macs, 2304 in, 2304 out\n"
            "more, convert: 0 macs, 2304 in, 576 out\n"
            "sum, pointwise + residual: 4608 macs, 3840 in, 1536 out\n"
            "sum, to the caller: 0 macs, 1536 in, 1536 out\n"
            "odds, copy: 0 macs, 3840 in, 3840 out\n"
            "odds, softmax: 0 macs, 3840 in, 3840 out\n"
            "odds, to the caller: 0 macs, 3840 in, 3840 out\n");
}

TEST(Steps, AChainCostsWhatItsEndsTouch) {
  const auto plan = make(line({32, 8, 3}, convolution({3, 8, 3}), convolution({8, 8, 3, 8, 2}), convolution({8, 4})));
  const Step& chain = plan->steps[0];
  EXPECT_EQ(chain.operation, "stem 3x3 + depthwise 3x3 /2");
  EXPECT_EQ(chain.macs, 256 * 8 * 27 + 64 * 8 * 9);
  EXPECT_EQ(chain.read_bytes, 256 * 3 * 4);
  EXPECT_EQ(chain.write_bytes, 64 * 8 * 4);
  EXPECT_EQ(plan->rows_bytes, 4 * 8 * 8 * 4 + 256) << "four rows, and what kernels may read behind them";
}

TEST(Steps, AStemReadsFewPlanesByFewTaps) {
  const auto is_stem = [](const Shape& input, graph::Convolution o, std::int32_t h, std::int32_t w,
                          std::int32_t d = 1) {
    o.window = {.kernel_h = h, .kernel_w = w, .dilation_w = d};
    o.weights = graph::Constant(whole_numbers(std::int64_t{o.outputs} * input.c / o.groups * h * w));
    return operations_of(*make(line(input, o)))[0].starts_with("stem");
  };
  EXPECT_TRUE(is_stem({30, 200, 4}, convolution({4, 2}), 1, 1));
  EXPECT_FALSE(is_stem({30, 200, 5}, convolution({5, 2}), 1, 1));
  EXPECT_FALSE(is_stem({30, 200, 4}, convolution({4, 2, 1, 2}), 1, 1)) << "of groups";
  EXPECT_TRUE(is_stem({30, 200, 4}, convolution({4, 2}), 16, 1));
  EXPECT_FALSE(is_stem({30, 200, 4}, convolution({4, 2}), 17, 1));
  EXPECT_TRUE(is_stem({30, 200, 1}, convolution({1, 2}), 1, 128));
  EXPECT_FALSE(is_stem({30, 200, 1}, convolution({1, 2}), 1, 129));
  EXPECT_TRUE(is_stem({30, 200, 1}, convolution({1, 2}), 1, 64, 2)) << "reaches over 127";
  EXPECT_FALSE(is_stem({30, 200, 1}, convolution({1, 2}), 1, 65, 2));

  Graph graph = line({30, 30, 3}, convolution({3, 3, 3}));
  EXPECT_TRUE(has_operation(graph, "stem 3x3"));
  graph.nodes[1].inputs = {0, 0};
  EXPECT_TRUE(has_operation(graph, "convolution 3x3")) << "with a residual";
  EXPECT_TRUE(has_operation(line({30, 30, 4}, graph::Slice{0, 3}, convolution({3, 3, 3})), "convolution 3x3"));
  EXPECT_TRUE(has_operation(line({30, 30, 3}, graph::Gather{{1, 1, 2}}, convolution({3, 3, 3})), "convolution 3x3"));
  EXPECT_TRUE(has_operation(line({30, 30, 3}, graph::Shuffle{3}, convolution({3, 2})), "stem 1x1"));
  EXPECT_TRUE(has_operation(line({30, 30, 4}, graph::Shuffle{2}, convolution({4, 2})), "pointwise"));
  EXPECT_TRUE(has_operation(line({30, 30, 3}, convolution({3, 3, 3, 3})), "depthwise 3x3"));
  EXPECT_TRUE(has_operation(line({30, 30, 6}, convolution({6, 6, 3, 6, 2})), "depthwise 3x3 /2"));
  EXPECT_TRUE(has_operation(line({30, 30, 6}, convolution({6, 12, 3, 6})), "convolution 3x3 g6"));
  EXPECT_TRUE(has_operation(line({30, 30, 6}, convolution({6, 12, 1, 3})), "pointwise g3"));
  graph::Convolution wide = convolution({6, 4, 3});
  wide.window.dilation_h = 2;
  EXPECT_TRUE(has_operation(line({30, 30, 6}, wide), "convolution 3x3 d2"));
}

TEST(Steps, AStemOfBytesHasNoHoles) {
  const auto first = [](std::int32_t dilation_h, std::int32_t dilation_w) {
    graph::Convolution o = convolution({3, 4, 3});
    o.window.dilation_h = dilation_h;
    o.window.dilation_w = dilation_w;
    o.weights = integers(4, 27);
    Graph graph = line({12, 12, 3}, o);
    graph.nodes[0].quantization = Quantization{0.5F, 3};
    graph.nodes[1].quantization = Quantization{1.0F, 7};
    const auto plan = make(graph);
    return std::ranges::any_of(plan->steps, [](const Step& step) { return step.operation.starts_with("stem"); });
  };
  EXPECT_TRUE(first(1, 1));
  EXPECT_FALSE(first(2, 1));
  EXPECT_FALSE(first(1, 2));
}

TEST(Steps, PixelsBeginOnLinesOrVectorsWhereThatCostsLittle) {
  const std::pair<std::int32_t, std::int32_t> strides[] = {
      {1, 1},   {3, 3},   {7, 7},   {8, 8},   {9, 9},   {10, 10}, {11, 12}, {14, 14}, {15, 16}, {16, 16},
      {17, 17}, {18, 20}, {24, 24}, {26, 28}, {30, 32}, {31, 32}, {32, 32}, {60, 60}, {61, 64}, {62, 64}};
  for (const auto& [channels, stride] : strides) {
    const auto plan = make(line({5, 7, 8}, convolution({8, channels}), convolution({channels, 8})));
    const auto block = std::ranges::find(plan->blocks, std::string("n1"), &BlockInfo::name);
    ASSERT_NE(block, plan->blocks.end());
    EXPECT_EQ(block->pixel_stride, stride) << channels;
    EXPECT_EQ(block->size, 35 * stride * 4) << channels;
    EXPECT_EQ(args_of<kernels::PointwiseArgs>(*plan).blocks[0].spare, stride - channels);
    std::int64_t end = 0;
    for (const BlockInfo& one : plan->blocks) end = std::max(end, one.offset + one.size);
    EXPECT_EQ(plan->arena_bytes, end + 256) << "the slack is behind the last one";
  }
}

/// What is nobody's behind a pixel may be written by the last group alone: behind another one is the next.
TEST(Steps, GroupsLeaveOneAnothersChannelsAlone) {
  const auto plan = make(line({5, 7, 8}, convolution({8, 30, 1, 2}), convolution({30, 8})));
  const auto& args = args_of<kernels::PointwiseArgs>(*plan);
  ASSERT_EQ(args.groups, 2);
  EXPECT_EQ(args.blocks[0].spare, 0);
  EXPECT_EQ(args.blocks[1].spare, 2);
}

/// Blocks of memory are whole cache lines, and no more.
TEST(Steps, WeightsAndLiteralsAreInWholeLines) {
  const auto plan = make(line({5, 7, 8}, convolution({8, 24}), convolution({24, 7}), convolution({7, 33})));
  std::int64_t lines = 0;
  for (const Step& step : plan->steps) lines += (step.weight_bytes + 63) / 64;
  EXPECT_EQ(plan->packed_bytes, lines * 64);
  const graph::FullyConnected dense{3, graph::Constant(whole_numbers(24)), {}};
  EXPECT_EQ(make(line({1, 1, 8}, dense))->packed_bytes, 0) << "weights that stay where they are";

  for (const std::int32_t channels : {15, 16, 17}) {
    Graph graph = line({3, 3, channels});
    for (const char* name : {"first", "second"}) {
      const NodeId literal = graph.add(std::string(name) + ".numbers",
                                       graph::Literal{{1, 1, channels}, graph::Constant(whole_numbers(channels))}, {});
      graph.outputs[0].node =
          graph.add(name, graph::Binary{.kind = graph::BinaryKind::multiply}, {graph.outputs[0].node, literal});
    }
    const auto with_literals = make(graph);
    const auto literals = with_literals->literals;
    const std::size_t each = channels > 16 ? 128 : 64, used = static_cast<std::size_t>(channels) * 4;
    ASSERT_EQ(literals.size(), 2 * each + 256) << channels;
    for (std::size_t i = 0; i < literals.size(); ++i) {
      if (i >= 2 * each || i % each >= used) {
        ASSERT_EQ(literals[i], std::byte{0}) << i;
      }
    }
  }
}

TEST(Steps, LiteralsOfBytesAreInWholeLinesToo) {
  Graph graph = line({1, 1, 8});
  graph.nodes[0].quantization = Quantization{0.5F, 0};
  const NodeId literal = graph.add("numbers", graph::Literal{{1, 1, 65}, graph::Constant(std::vector<float>(65, 1))});
  const NodeId both = graph.add("both", graph::Concat{}, {0, literal});
  graph::Convolution o = convolution({73, 4});
  o.weights = integers(4, 73);
  graph.outputs[0].node = graph.add("sum", o, {both});
  for (const NodeId id : {literal, graph.outputs[0].node}) graph.nodes[id].quantization = Quantization{1.0F, 0};
  EXPECT_EQ(make(graph)->literals.size(), 128U + 256);
}

/// Is the last node but one made row by row for the last?
bool is_chain(const Graph& graph) {
  const auto plan = make(graph);
  return std::ranges::any_of(plan->steps, [](const Step& step) { return std::holds_alternative<Chain>(step.task); });
}

TEST(Steps, AChainIsOfALargeResultWithOneReader) {
  const graph::Convolution pointwise = convolution({8, 8}), halving = convolution({8, 8, 3, 8, 2});
  EXPECT_TRUE(is_chain(line({12, 8, 8}, pointwise, halving))) << "three times what the ring holds";
  EXPECT_FALSE(is_chain(line({11, 8, 8}, pointwise, halving)));
  EXPECT_TRUE(is_chain(line({12, 8, 3}, convolution({3, 8, 3}), halving)));
  EXPECT_TRUE(is_chain(line({12, 8, 8}, convolution({8, 1}), convolution({1, 1, 3, 1, 2})))) << "of one channel";
  EXPECT_FALSE(is_chain(line({12, 8, 8}, convolution({8, 8, 3}), halving))) << "made by a general convolution";
  EXPECT_FALSE(is_chain(line({12, 8, 8}, halving)));
  EXPECT_FALSE(is_chain(line({12, 8, 8}, pointwise, convolution({8, 8, 3, 8, 1}))));
  EXPECT_FALSE(is_chain(line({12, 8, 8}, pointwise, convolution({8, 8, 3, 1, 2})))) << "no depthwise one";
  graph::Convolution down = halving, across = halving;
  down.window.stride_w = 1;
  across.window.stride_h = 1;
  EXPECT_TRUE(is_chain(line({12, 8, 8}, pointwise, down)));
  EXPECT_FALSE(is_chain(line({12, 8, 8}, pointwise, across)));
  const graph::Pool pool{graph::PoolKind::max, {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2}};
  EXPECT_TRUE(is_chain(line({12, 8, 8}, pointwise, pool)));
  EXPECT_TRUE(is_chain(line({12, 8, 8}, pointwise, graph::Shuffle{2}, pool)));
  EXPECT_FALSE(is_chain(line({12, 8, 8}, pointwise, graph::Slice{0, 4}, pool)));
  graph::Convolution dilated = halving;
  dilated.window.dilation_h = 2;
  EXPECT_FALSE(is_chain(line({17, 8, 8}, pointwise, dilated))) << "the ring holds six rows";
  EXPECT_TRUE(is_chain(line({18, 8, 8}, pointwise, dilated)));

  const Graph graph = line({12, 8, 8}, pointwise, halving);
  Graph shown = graph, read = graph, between = graph, twice = graph;
  shown.outputs = {{2, "result"}, {1, "between"}};
  EXPECT_FALSE(is_chain(shown));
  read.outputs[0].node = read.add("sum", graph::Concat{}, {2, read.add("again", halving, {1})});
  EXPECT_FALSE(is_chain(read));
  between.nodes.pop_back();
  between.add("other", convolution({8, 4}), {0});
  between.outputs = {{between.add("halved", halving, {1}), "halved"}, {2, "other"}};
  EXPECT_FALSE(is_chain(between)) << "not the step before";
  twice.nodes.pop_back();
  const NodeId both = twice.add("both", graph::Concat{}, {0, 1});
  twice.outputs[0].node = twice.add("halved", convolution({16, 16, 3, 16, 2}), {both});
  EXPECT_FALSE(is_chain(twice));
}

/// The ranges of rows that a chain's producer and consumer are asked for.
std::string rows_of_a_chain(const kernels::Window& window, std::int32_t rows, kernels::TileRange range) {
  static std::string log;
  log.clear();
  Chain chain;
  chain.window = window;
  chain.producer_rows = rows;
  chain.producer =
      Call<kernels::StemArgs>{{}, [](const kernels::StemArgs&, const kernels::Addresses&, kernels::TileRange r) {
                                log += joined({log.empty() ? "" : " ", r.first, "-", r.last});
                              }};
  chain.consumer =
      Call<kernels::PoolArgs>{{}, [](const kernels::PoolArgs&, const kernels::Addresses&, kernels::TileRange r) {
                                log += joined({log.empty() ? "(" : " (", r.first, ")"});
                                EXPECT_EQ(r.last, r.first + 1);
                              }};
  chain.run({}, range);
  return log;
}

TEST(Steps, AChainMakesEachRowOnceAndNoOther) {
  const kernels::Window three = {.kernel_h = 3, .stride_h = 2, .pad_top = 1};
  EXPECT_EQ(rows_of_a_chain(three, 8, {0, 4}), "0-2 (0) 2-4 (1) 4-6 (2) 6-8 (3)");
  EXPECT_EQ(rows_of_a_chain(three, 7, {2, 4}), "3-6 (2) 6-7 (3)");
  EXPECT_EQ(rows_of_a_chain(three, 5, {0, 4}), "0-2 (0) 2-4 (1) 4-5 (2) (3)") << "a window of padding alone";
  EXPECT_EQ(rows_of_a_chain({.kernel_h = 1, .stride_h = 2}, 5, {0, 3}), "0-1 (0) 2-3 (1) 4-5 (2)");
  EXPECT_EQ(rows_of_a_chain({.kernel_h = 2, .stride_h = 3, .dilation_h = 3}, 9, {0, 2}), "0-4 (0) 4-7 (1)");
}

Names blocks_of(const Graph& graph) {
  const auto plan = make(graph);
  Names result;
  for (const BlockInfo& block : plan->blocks) result.push_back(block.name);
  return result;
}

TEST(Steps, HalvesThatAreDoneWithAtDifferentTimesHaveTheirOwnMemory) {
  struct Halved {
    Shape shape;
    std::int32_t groups = 1, first = 0;
    bool together = false;
  };
  const auto is_halved = [](const Halved& of) {
    Graph graph = line({of.shape.h, of.shape.w, 8}, convolution({8, of.shape.c, 1, of.groups}));
    const graph::Pool pool{graph::PoolKind::max, {.kernel_h = 3, .kernel_w = 3}};
    const std::int32_t half = of.shape.c / 2;
    const NodeId some = graph.add("some", graph::Slice{of.first, half}, {1});
    const NodeId others = graph.add("others", graph::Slice{of.first == 0 ? half : 0, of.shape.c - half}, {1});
    const NodeId early = graph.add("early", pool, {some}), late = graph.add("late", pool, {of.together ? 1 : others});
    graph.outputs = {{early, "early"}, {late, "late"}};
    const Names blocks = blocks_of(graph);
    return std::ranges::count(blocks, "n1.0") == 1 && std::ranges::count(blocks, "n1.1") == 1;
  };
  EXPECT_TRUE(is_halved({{32, 32, 32}}));
  EXPECT_FALSE(is_halved({{31, 32, 32}})) << "small";
  EXPECT_FALSE(is_halved({{32, 32, 33}})) << "odd";
  EXPECT_TRUE(is_halved({{32, 32, 32}, 1, 16})) << "the order is free";
  EXPECT_FALSE(is_halved({{32, 32, 32}, 2})) << "of groups";
  EXPECT_FALSE(is_halved({{32, 32, 32}, 1, 0, true})) << "the last one reads all";
}

TEST(Steps, TilesAreEnoughToShareAndFitL1) {
  EXPECT_EQ(tiles_of<kernels::ConvolutionArgs>(line({48, 100, 16}, convolution({16, 4, 3}))), 12) << "four rows each";
  EXPECT_EQ(tiles_of<kernels::ConvolutionArgs>(line({48, 100, 40}, convolution({40, 4, 3}))), 24) << "two rows fit";
  EXPECT_EQ(tiles_of<kernels::ConvolutionArgs>(line({48, 100, 27}, convolution({27, 4, 3, 1, 2}))), 24)
      << "two of a stride do not";
  EXPECT_EQ(tiles_of<kernels::DepthwiseArgs>(line({9, 9, 8}, convolution({8, 8, 3, 8}))), 9);
  EXPECT_EQ(tiles_of<kernels::PoolArgs>(line({9, 9, 8}, graph::Pool{graph::PoolKind::max, {.kernel_h = 2}})), 8);
  EXPECT_EQ(tiles_of<kernels::StemArgs>(line({9, 9, 3}, convolution({3, 8, 3}))), 9);
  EXPECT_EQ(tiles_of<kernels::SoftmaxArgs>(line({7, 9, 8}, graph::Softmax{})), 63);
  EXPECT_EQ(tiles_of<kernels::SoftmaxArgs>(line({13, 5, 8}, graph::Softmax{})), 64);
  EXPECT_EQ(tiles_of<kernels::ReduceArgs>(line({2, 3, 8}, graph::Reduce{})), 6);
  EXPECT_EQ(tiles_of<kernels::ReduceArgs>(line({13, 5, 8}, graph::Reduce{})), 64);
  EXPECT_EQ(tiles_of<kernels::ElementwiseArgs>(line({28, 28, 8}, graph::Activate{graph::Activation::relu})), 12);
  EXPECT_EQ(tiles_of<kernels::ElementwiseArgs>(line({28, 28, 100}, graph::Activate{graph::Activation::relu})), 30);
  EXPECT_EQ(tiles_of<kernels::RearrangeArgs>(line({28, 28, 8}, graph::Softmax{})), 12);
  EXPECT_EQ(tiles_of<kernels::RearrangeArgs>(line({28, 28, 100}, graph::Softmax{})), 20);
  EXPECT_EQ(tiles_of<kernels::FullyConnectedArgs>(
                line({1, 1, 8}, graph::FullyConnected{1, graph::Constant(whole_numbers(8)), {}})),
            1);
}

TEST(Steps, AGlobalAverageIsSharedByVectors) {
  const std::int32_t lanes =
      kernels::find_kernels(kernels::best_kernels(), Type::f32)->row<kernels::PoolKernel>().lanes;
  const auto tiles = [](std::int32_t channels) {
    return tiles_of<kernels::GlobalAveragePoolArgs>(line({3, 3, channels}, graph::GlobalAveragePool{}));
  };
  EXPECT_EQ(tiles(1), 1);
  EXPECT_EQ(tiles(lanes), 1);
  EXPECT_EQ(tiles(2 * lanes + 1), 3);
  EXPECT_EQ(tiles(16 * lanes), 16);
  EXPECT_EQ(tiles(17 * lanes), 16);
  // A function runs on all that a tile writes: once.
  const Graph graph =
      line({2, 2, 2 * lanes + 1}, graph::GlobalAveragePool{}, graph::Activate{graph::Activation::sigmoid});
  EXPECT_EQ(tiles_of<kernels::GlobalAveragePoolArgs>(graph), 1);
  const std::vector<float> input = whole_numbers(graph.input_shape().size()), output = answer(make(graph));
  for (std::size_t c = 0; c < output.size(); ++c) {
    const float mean = std::accumulate(&input[4 * c], &input[4 * c] + 4, 0.0F) / 4;
    EXPECT_NEAR(output[c], 1 / (1 + std::exp(-mean)), 1e-5F);
  }
}

TEST(Steps, AnOperationOnTwoIsCutWhereARunOfEitherEnds) {
  Graph graph = line({1, 1, 8});
  const auto some = [&](std::vector<std::int32_t> channels) {
    return graph.add(joined({"some", graph.nodes.end_id()}), graph::Gather{std::move(channels)}, {0});
  };
  graph.outputs = {{graph.add("sum", graph::Binary{}, {some({0, 1, 2, 3, 6, 7}), some({4, 5, 0, 1, 2, 3})})}};
  const auto plan = make(graph);
  const auto& args = args_of<kernels::ElementwiseArgs>(*plan);
  ASSERT_EQ(args.run_count, 3);
  for (std::int32_t r = 0; r < 3; ++r) {
    EXPECT_EQ(args.a[r].input.channels, 2) << r;
    EXPECT_EQ(args.b[r].channels, 2) << r;
    EXPECT_EQ(args.a[r].output_channel, 2 * r);
  }
  const std::vector<float> x = whole_numbers(8),
                           sums = {x[0] + x[4], x[1] + x[5], x[2] + x[0], x[3] + x[1], x[6] + x[2], x[7] + x[3]};
  EXPECT_EQ(answer(plan), sums);
}

TEST(Steps, AnOperandOfOneRowOrColumnStaysThere) {
  Graph graph;
  graph.add("row", graph::Input{{1, 3, 8}});
  graph.add("column", graph::Input{{4, 1, 8}});
  graph.add("all", graph::Input{{4, 3, 8}});
  graph.add("pixel", graph::Input{{1, 1, 8}});
  const auto steps = [&](NodeId a, NodeId b) {
    Graph one = graph;
    one.outputs = {{one.add("sum", graph::Binary{}, {a, b})}};
    const auto plan = make(one);
    const auto& args = args_of<kernels::ElementwiseArgs>(*plan);
    return joined({args.a_steps.row, ",", args.a_steps.column, " ", args.b_steps.row, ",", args.b_steps.column});
  };
  EXPECT_EQ(steps(2, 2), "0,1 0,1");
  EXPECT_EQ(steps(2, 3), "0,1 0,0");
  EXPECT_EQ(steps(2, 0), "3,1 0,1");
  EXPECT_EQ(steps(1, 2), "1,0 3,1");
  EXPECT_EQ(steps(0, 1), "0,1 1,0");
}

TEST(Steps, AnInputIsBroughtAsItIsReadAndNotOtherwise) {
  const auto steps = [](const graph::Convolution& o) {
    Graph graph;
    graph.add("image", graph::Input{{4, 4, 3}, {}, Type::f32, {}, graph::arranged("h w c")});
    graph.add("unread", graph::Input{{4, 4, 3}, {}, Type::u8, {1.0F, 0}});
    graph.outputs = {{graph.add("sum", o, {0}), "", Type::f32, {}, graph::arranged("h w c")}};
    return operations_of(*make(graph));
  };
  graph::Convolution groups = convolution({3, 6, 1, 3});
  EXPECT_EQ(steps(convolution({3, 8})), (Names{"input to planes", "stem 1x1"}));
  EXPECT_EQ(steps(groups), (Names{"input to pixels", "pointwise g3"}));
}

/// Nothing has a place in memory before they have.
TEST(Steps, LiteralsAloneMayBeGatheredAndHandedOver) {
  Graph graph = line({2, 2, 3});
  const NodeId one = graph.add("one", graph::Literal{{1, 1, 2}, graph::Constant(std::vector<float>{0, 0})});
  const NodeId two = graph.add("two", graph::Literal{{1, 1, 2}, graph::Constant(std::vector<float>{0, 0})});
  graph.outputs[0].node = graph.add("odds", graph::Softmax{}, {graph.add("both", graph::Concat{}, {one, two})});
  EXPECT_EQ(answer(make(graph)), std::vector<float>(4, 0.25F));

  Graph bytes = line({2, 2, 3});
  const NodeId literal =
      bytes.add("numbers", graph::Literal{{1, 2, 2}, graph::Constant(std::vector<float>{1, 2, 3, 4})});
  bytes.outputs = {{literal, "numbers", Type::i8, {0.5F, 0}}};
  run::Session session(make(bytes));
  const std::vector<float> input(12);
  std::vector<std::int8_t> output(4);
  const void* from = input.data();
  void* to = output.data();
  session.run(&from, &to, 1);
  EXPECT_EQ(output, (std::vector<std::int8_t>{2, 4, 6, 8}));
}

/// Sums in parts of K are planned where L2 is far, on ARM; every kernel can compute them.
TEST(Steps, SumsInPartsAreTheSameSums) {
  for (const kernels::Kernels* table : kernels::all_kernels()) {
    if (!table->supported() || table->type != Type::f32 || table->of<kernels::StemKernel>().empty()) continue;
    SCOPED_TRACE(table->isa);
    kernels::Kernels phone = *table;
    phone.isa = "neon, by its costs";
    for (const std::int32_t groups : {1, 2}) {
      // Read in runs that begin and end where no part does.
      Graph graph = line({5, 5, 8}, convolution({8, 1200 * groups}));
      const NodeId middle = graph.add("middle", graph::Slice{100, 1000 * groups}, {1});
      const NodeId first = graph.add("first", graph::Slice{0, 50}, {1}),
                   last = graph.add("last", graph::Slice{1150 * groups, 30}, {1});
      const NodeId wide = graph.add("wide", graph::Concat{}, {last, middle, first});
      graph.outputs = {{graph.add("sum", convolution({1000 * groups + 80, 40 * groups, 1, groups}), {wide})}};
      const auto plan = make(graph, {.kernels = &phone});
      const kernels::PointwiseArgs* sum = nullptr;
      for (const Step& step : plan->steps) {
        if (step.name == "sum" && step.kind == StepKind::compute)
          sum = &std::get<Call<kernels::PointwiseArgs>>(step.task).args;
      }
      ASSERT_NE(sum, nullptr);
      ASSERT_GT(sum->parts, 1);
      EXPECT_EQ(answer(plan), answer(make(graph, {.kernels = table})));
      // Every part but a group's last one has as many inputs, in whole vectors of 16 bytes.
      const std::int32_t inputs = sum->inputs, each = ((inputs + sum->parts - 1) / sum->parts + 3) / 4 * 4;
      for (std::int32_t part = 0; part < groups * sum->parts; ++part) {
        std::int32_t channels = 0;
        for (std::int32_t r = sum->run_begin[part]; r < sum->run_begin[part + 1]; ++r)
          channels += sum->runs[r].channels;
        EXPECT_EQ(channels, std::min(each, inputs - part % sum->parts * each)) << part;
      }
    }
  }
}

/// A row says for how many quads it is the better one: at least those of the inputs, at most those of the runs, each in
/// whole eights.
TEST(Steps, ARowOfBytesIsOfSoManyQuads) {
  const auto has_row = [](std::int32_t fewest, std::int32_t most, std::int32_t inputs, bool in_runs,
                          std::int32_t kernel = 1, std::int32_t groups = 1) {
    Graph graph = line({4, 4, inputs + (in_runs ? 1 : 0)});
    graph.nodes[0].quantization = Quantization{0.5F, 3};
    NodeId x = graph.add("max", graph::Pool{}, {0});
    graph.nodes[x].quantization = Quantization{1.0F, 3};
    if (in_runs) {
      std::vector<std::int32_t> channels;
      for (std::int32_t c = 0; c <= inputs; ++c) {
        if (c != inputs / 2) channels.push_back(c);
      }
      x = graph.add("some", graph::Gather{channels}, {x});
    }
    graph::Convolution o = convolution({inputs, 4, kernel, groups});
    o.weights = integers(4, inputs / groups * kernel * kernel);
    x = graph.add("sum", o, {x});
    graph.nodes[x].quantization = Quantization{1.0F, 7};
    graph.outputs = {{x}};
    kernels::Kernels table = *kernels::find_kernels("scalar");
    std::vector<kernels::PointwiseKernel> pointwise(table.of<kernels::PointwiseKernel>().begin(),
                                                    table.of<kernels::PointwiseKernel>().end());
    std::vector<kernels::ConvolutionKernel> general(table.of<kernels::ConvolutionKernel>().begin(),
                                                    table.of<kernels::ConvolutionKernel>().end());
    for (auto& row : pointwise) row.fewest_quads = fewest, row.most_quads = most;
    for (auto& row : general) row.fewest_quads = fewest, row.most_quads = most;
    std::get<std::span<const kernels::PointwiseKernel>>(table.rows) = pointwise;
    std::get<std::span<const kernels::ConvolutionKernel>>(table.rows) = general;
    try {
      (void)make(graph, {.kernels = &table});
      return true;
    } catch (const Unsupported&) {
      return false;
    }
  };
  if (kernels::find_kernels("scalar") == nullptr) GTEST_SKIP() << "a build without it";
  EXPECT_TRUE(has_row(5, 0, 17, false));
  EXPECT_FALSE(has_row(5, 0, 16, false));
  EXPECT_FALSE(has_row(0, 5, 16, false)) << "six, where the run is read in whole eights";
  EXPECT_TRUE(has_row(0, 6, 16, false));
  EXPECT_TRUE(has_row(0, 6, 17, false));
  EXPECT_FALSE(has_row(0, 6, 18, false));
  EXPECT_TRUE(has_row(0, 8, 18, true)) << "two runs";
  EXPECT_FALSE(has_row(0, 8, 19, true));
  EXPECT_TRUE(has_row(2, 6, 16, false, 1, 2)) << "eight in each of two groups";
  EXPECT_FALSE(has_row(3, 6, 16, false, 1, 2));
  EXPECT_FALSE(has_row(2, 5, 16, false, 1, 2));
  EXPECT_TRUE(has_row(5, 5, 2, false, 3)) << "18 taps";
  EXPECT_FALSE(has_row(6, 0, 2, false, 3));
  EXPECT_TRUE(has_row(5, 5, 4, false, 3, 2)) << "18 taps in each of two groups";
  EXPECT_TRUE(has_row(3, 3, 1, false, 3)) << "9 taps";
  EXPECT_FALSE(has_row(4, 0, 1, false, 3));
}

/// Every second channel is a run of its own, and takes the room of four: of so many, one pixel fits in no buffer.
TEST(Steps, IntegersInMoreRunsThanCanBeGatheredAreRefused) {
  const auto planned = [](std::int32_t runs) {
    Graph graph = line({1, 1, 2 * runs});
    graph.nodes[0].quantization = Quantization{0.5F, 3};
    const NodeId max = graph.add("max", graph::Pool{}, {0});
    graph.nodes[max].quantization = Quantization{1.0F, 3};
    std::vector<std::int32_t> channels(static_cast<std::size_t>(runs));
    for (std::size_t r = 0; r < channels.size(); ++r) channels[r] = static_cast<std::int32_t>(2 * r);
    graph::Convolution o = convolution({runs, 4});
    o.weights = integers(4, runs);
    const NodeId sum = graph.add("sum", o, {graph.add("some", graph::Gather{channels}, {max})});
    graph.nodes[sum].quantization = Quantization{1.0F, 7};
    graph.outputs = {{sum}};
    return make(graph);
  };
  for (const float x : answer(planned(2000))) EXPECT_TRUE(std::isfinite(x));
  const std::string refusal = tests::error_of([&] { (void)answer(planned(8193)); });
  EXPECT_NE(refusal.find("sum"), std::string::npos) << refusal;
}

TEST(Steps, ASlopeIsTheKernelsOnlyWhereItIsALeakyReluOfF32) {
  const auto call = [](const graph::Activation& activation) {
    const Graph graph = line({4, 4, 8}, convolution({8, 8}), graph::Activate{activation});
    const auto plan = make(graph);
    for (const Step& step : plan->steps) {
      if (const auto* one = std::get_if<Call<kernels::PointwiseArgs>>(&step.task)) {
        return std::pair(one->args.clamp.slope, one->after.kernel != nullptr);
      }
    }
    return std::pair(0.0F, false);
  };
  const auto leaky = [](float a) { return graph::Activation{{}, kernels::Function::leaky, a}; };
  EXPECT_EQ(call(leaky(0.25F)), std::pair(0.25F, false));
  EXPECT_EQ(call(leaky(-2.0F)), std::pair(-2.0F, false));
  EXPECT_EQ(call(leaky(1.0F)), std::pair(1.0F, false));
  EXPECT_EQ(call(leaky(1.5F)), std::pair(1.0F, true));
  EXPECT_EQ(call(leaky(0.0F)), std::pair(1.0F, true));
  EXPECT_EQ(call({{0.0F, 6.0F}, kernels::Function::leaky, 0.25F}), std::pair(1.0F, true)) << "bounds before it";
  EXPECT_EQ(call({{}, kernels::Function::elu, 0.25F}), std::pair(1.0F, true));
}

/// What runs behind a kernel: of a table that all channels share, on what is nobody's as well, so that pixels are one
/// long row.
TEST(Steps, AFunctionRunsOnWhatIsWritten) {
  struct Ran {
    std::int64_t first, pixels;
    std::int32_t channels, pixel_stride;
    std::int64_t slope, table;
    bool operator==(const Ran&) const = default;
  };
  static Ran ran;
  static std::vector<std::byte> arena(4096);
  static float slopes[16];
  static std::uint8_t tables[16 * 256];
  kernels::FunctionKernel kernel;
  kernel.run = [](const kernels::FunctionArgs& args, void* values, std::int64_t pixels, std::int32_t channels,
                  std::int32_t pixel_stride) {
    ran = {static_cast<std::byte*>(values) - arena.data(),
           pixels,
           channels,
           pixel_stride,
           args.slopes == nullptr ? -1 : args.slopes - slopes,
           args.table == nullptr ? -1 : args.table - tables};
  };
  kernels::Addresses memory;
  memory.arena = arena.data();
  const auto run = [&](const kernels::FunctionArgs& args, std::int32_t spare, std::int32_t ring = 0) {
    const After after{args, &kernel, 7};
    after.run(memory, {{{8, {}, 0}, 8, ring, Type::f32, spare}, 10, 3, 7, 2});
    return ran;
  };
  EXPECT_EQ(run({}, 1), (Ran{8 + 10 * 32, 3, 7, 8, -1, -1}));
  EXPECT_EQ(run({}, 1, 9), (Ran{8 + 1 * 32, 3, 7, 8, -1, -1})) << "in a ring";
  EXPECT_EQ(run({.slopes = slopes}, 1), (Ran{8 + 10 * 32, 3, 7, 8, 2, -1}));
  EXPECT_EQ(run({.table = tables}, 1), (Ran{8 + 10 * 32, 3, 8, 8, -1, 0}));
  EXPECT_EQ(run({.table = tables}, 0), (Ran{8 + 10 * 32, 3, 7, 8, -1, 0})) << "others' numbers are between";
  EXPECT_EQ(run({.table = tables, .table_step = 256}, 1), (Ran{8 + 10 * 32, 3, 7, 8, -1, 512}));
}

}  // namespace
}  // namespace riffle::plan
