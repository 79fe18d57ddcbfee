// Each pass, by what it does to the graph's structure; what it does to numbers is seen by the goldens.
#include "engine/passes/passes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "engine/passes/lower_channels.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

using graph::Activation;
using graph::Constant;
using graph::Graph;
using graph::NodeId;

graph::Convolution pointwise(std::int32_t inputs, std::int32_t outputs) {
  graph::Convolution result;
  result.outputs = outputs;
  result.weights = Constant(std::vector<float>(static_cast<std::size_t>(inputs * outputs), 2.0F));
  return result;
}

graph::BatchNorm norm(std::int32_t channels) {
  const auto all = [&](float x) { return Constant(std::vector<float>(static_cast<std::size_t>(channels), x)); };
  return {all(3.0F), all(1.0F), all(5.0F), all(4.0F), 0.0F};  // 1.5 x - 6.5
}

Graph with_input(std::int32_t channels) {
  Graph graph;
  graph.add("input", graph::Input{{4, 4, channels}});
  return graph;
}

template <class T>
const T& operation(const Graph& graph, std::size_t node) {
  return std::get<T>(graph.nodes.at(node).operation);
}

TEST(Passes, BatchNormFoldsIntoTheConvolutionBeforeIt) {
  Graph graph = with_input(3);
  const NodeId conv = graph.add("conv", pointwise(3, 2), {0});
  graph.outputs = {{graph.add("norm", norm(2), {conv})}};
  passes::optimise(graph);
  ASSERT_EQ(graph.nodes.size(), 2U);
  const auto& folded = operation<graph::Convolution>(graph, 1);
  EXPECT_EQ(graph.nodes[1].name, "conv");
  EXPECT_EQ(folded.weights.values()[0], 3.0F);
  EXPECT_EQ(folded.bias.values()[1], -6.5F);
}

TEST(Passes, OptimiseRunsTheListOfThem) {
  Graph graph = testing::small_network();
  Graph optimised = graph;
  passes::optimise(optimised);
  std::set<std::string_view> names, at_work;
  for (const passes::Pass& pass : passes::in_order()) {
    EXPECT_TRUE(names.insert(pass.name).second) << pass.name;
    const std::string before = graph::to_text(graph);
    pass.run(graph);
    if (graph::to_text(graph) != before) at_work.insert(pass.name);
    const auto readers = graph::reader_counts(graph);
    EXPECT_EQ(std::count(readers.begin(), readers.end(), 0), 0) << pass.name << " leaves a dead node";
  }
  EXPECT_EQ(graph::to_text(graph), graph::to_text(optimised));
  EXPECT_EQ(at_work, (std::set<std::string_view>{"fold_batch_norm", "fuse_activation"}));
}

/// scale * x + shift of each of the channels.
graph::BatchNorm affine(std::vector<float> scale, std::vector<float> shift) {
  const std::vector<float> zeros(scale.size(), 0.0F), ones(scale.size(), 1.0F);
  return {graph::Constant(std::move(scale)), graph::Constant(std::move(shift)), graph::Constant(zeros),
          graph::Constant(ones), 0.0F};
}

TEST(Passes, ANormThatHasNoLayerBeforeItIsFoldedIntoTheOneBehindIt) {
  const auto fold = [](std::int32_t padding, const std::vector<float>& shift) {
    Graph graph = with_input(2);
    const NodeId first = graph.add("first", affine({2.0F, 4.0F}, shift), {0});
    const NodeId second = graph.add("second", affine({0.5F, 0.5F}, {0.0F, 0.0F}), {first});
    graph::Convolution convolution = pointwise(2, 1);
    convolution.weights = graph::Constant(std::vector<float>{3.0F, 5.0F});
    convolution.window.pad_left = padding;
    graph.outputs = {{graph.add("conv", convolution, {second})}};
    passes::optimise(graph);
    return graph;
  };
  const Graph whole = fold(0, {1.0F, -1.0F});
  ASSERT_EQ(whole.nodes.size(), 2U);
  const auto& layer = operation<graph::Convolution>(whole, 1);
  EXPECT_TRUE(std::ranges::equal(layer.weights.values(), std::vector<float>{3.0F, 10.0F}));
  EXPECT_TRUE(std::ranges::equal(layer.bias.values(), std::vector<float>{1.5F - 2.5F}));
  // Zeros beside the image stay zeros if they are scaled alone.
  EXPECT_EQ(fold(1, {0.0F, 0.0F}).nodes.size(), 2U);
  const Graph shifted = fold(1, {0.0F, 1.0F});
  ASSERT_EQ(shifted.nodes.size(), 3U);  // the two norms in one
  EXPECT_TRUE(graph::is_depthwise(operation<graph::Convolution>(shifted, 1), 2));
}

TEST(Passes, AnActivationOfKindNoneIsPassedBy) {
  Graph graph = with_input(3);
  const NodeId conv = graph.add("conv", pointwise(3, 2), {0});
  const NodeId relu = graph.add("relu", graph::Activate{Activation::relu}, {conv});
  const NodeId none = graph.add("none", graph::Activate{Activation::none}, {relu});
  const NodeId six = graph.add("relu6", graph::Activate{Activation::relu6}, {none});
  graph.outputs = {{graph.add("end", graph::Activate{Activation::none}, {six})}};
  passes::optimise(graph);
  ASSERT_EQ(graph.nodes.size(), 2U);
  EXPECT_EQ(operation<graph::Convolution>(graph, 1).activation, Activation::relu6);

  Graph nothing = with_input(3);
  nothing.outputs = {{nothing.add("none", graph::Activate{Activation::none}, {0})}};
  passes::optimise(nothing);
  EXPECT_EQ(nothing.nodes.size(), 1U);
  EXPECT_EQ(nothing.outputs[0].node, 0);
}

TEST(Passes, ActivationsBehindOneAnotherBecomeOneWhateverTheirOrder) {
  for (const auto& [first, second] : {std::pair{Activation::relu, Activation::relu6},
                                      {Activation::relu6, Activation::relu},
                                      {Activation::relu6, Activation::none}}) {
    Graph graph = with_input(3);
    const NodeId one = graph.add("first", graph::Activate{first}, {0});
    graph.outputs = {{graph.add("second", graph::Activate{second}, {one})}};
    passes::optimise(graph);
    ASSERT_EQ(graph.nodes.size(), 2U);
    EXPECT_EQ(operation<graph::Activate>(graph, 1).kind, Activation::relu6);
  }
}

TEST(Passes, BoundsComposeAndAFunctionKeepsThemApart) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Activation clip = {{-1.0F, 1.0F}}, high = {{2.0F, 3.0F}};
  const auto both = [](const Activation& first, const Activation& second) { return passes::composed(first, second); };
  EXPECT_EQ(both(Activation::relu6, clip), (Activation{{0.0F, 1.0F}}));
  EXPECT_EQ(both(clip, Activation::relu), (Activation{{0.0F, 1.0F}}));
  EXPECT_EQ(both(clip, high), (Activation{{2.0F, 2.0F}}));
  EXPECT_EQ(both(high, clip), (Activation{{1.0F, 1.0F}}));
  EXPECT_EQ(both(clip, Activation::sigmoid), (Activation{{-1.0F, 1.0F}, kernels::Function::sigmoid}));
  EXPECT_EQ(both(Activation::relu, {{-infinity, 4.0F}}), (Activation{{0.0F, 4.0F}}));
  EXPECT_EQ(both(Activation::sigmoid, Activation::none), Activation::sigmoid);
  EXPECT_EQ(both(Activation::sigmoid, Activation::relu), std::nullopt);
  EXPECT_EQ(both(Activation::hard_swish, Activation::hard_swish), std::nullopt);

  Graph graph = with_input(4);
  const NodeId conv = graph.add("conv", pointwise(4, 4), {0});
  const NodeId swish = graph.add("swish", graph::Activate{Activation::hard_swish}, {conv});
  const NodeId shuffled = graph.add("shuffle", graph::Shuffle{2}, {swish});
  const NodeId six = graph.add("six", graph::Activate{Activation::relu6}, {shuffled});
  graph.outputs = {{graph.add("sigmoid", graph::Activate{Activation::sigmoid}, {six})}};
  passes::optimise(graph);
  // conv with hard swish, the rest in one activation before the shuffle.
  ASSERT_EQ(graph.nodes.size(), 4U);
  EXPECT_EQ(operation<graph::Convolution>(graph, 1).activation, Activation::hard_swish);
  EXPECT_EQ(operation<graph::Activate>(graph, 2).kind, (Activation{{0.0F, 6.0F}, kernels::Function::sigmoid}));
}

/// Slopes are the channels': they are fused where these are the same, and stay behind what moves them.
TEST(Passes, SlopesStayWithTheirChannels) {
  const Activation prelu{.function = kernels::Function::prelu, .slopes = Constant(std::vector<float>{1, 2, 3, 4})};
  Graph graph = with_input(4);
  const NodeId conv = graph.add("conv", pointwise(4, 4), {0});
  const NodeId first = graph.add("first", graph::Activate{prelu}, {conv});
  const NodeId shuffled = graph.add("shuffle", graph::Shuffle{2}, {first});
  const NodeId six = graph.add("six", graph::Activate{Activation::relu6}, {shuffled});
  graph.outputs = {{graph.add("second", graph::Activate{prelu}, {six})}};
  passes::optimise(graph);
  ASSERT_EQ(graph.nodes.size(), 4U);
  EXPECT_EQ(operation<graph::Convolution>(graph, 1).activation, prelu);
  EXPECT_EQ(graph.nodes[2].name, "shuffle");
  Activation both = prelu;
  both.bounds = Activation::relu6.bounds;
  EXPECT_EQ(operation<graph::Activate>(graph, 3).kind, both);
}

TEST(Passes, FoldingCopiesNoWeights) {
  Graph graph = with_input(3);
  const graph::Convolution convolution = pointwise(3, 2);
  const NodeId conv = graph.add("conv", convolution, {0});
  const NodeId once = graph.add("norm", norm(2), {conv});
  graph.outputs = {{graph.add("norm again", norm(2), {once})}};
  passes::fold_batch_norm(graph);
  passes::remove_dead_nodes(graph);
  ASSERT_EQ(graph.nodes.size(), 2U);
  const auto& folded = operation<graph::Convolution>(graph, 1);
  const kernels::Weights factors = folded.weights.factors();
  EXPECT_EQ(factors.values.data(), convolution.weights.values().data());
  ASSERT_EQ(factors.row_scale.size(), 2U);
  EXPECT_EQ(factors.row_scale[1], 1.5 * 1.5);
  EXPECT_EQ(folded.weights.values()[5], 4.5F);
  EXPECT_EQ(folded.bias.values()[1], -6.5F * 1.5F - 6.5F);
  EXPECT_EQ(convolution.weights.values()[5], 2.0F);
}

/// Halves where they hold the weights; a layer that has a larger one keeps its floats, and is named.
TEST(Passes, WeightsAreStoredAsHalves) {
  Graph graph = with_input(3);
  graph::Convolution small = pointwise(3, 2), large = pointwise(2, 1);
  small.weights = Constant(std::vector<float>{1, -2, 1.0F / 3, 65504, 0x1p-24F, 0});
  large.weights = Constant(std::vector<float>{1, 65520});
  const NodeId first = graph.add("small", small, {0});
  graph.outputs = {{graph.add("large", large, {first})}};
  EXPECT_EQ(passes::store_halves(graph), std::vector<std::string>{"large"});
  const Constant& weights = operation<graph::Convolution>(graph, 1).weights;
  EXPECT_EQ(weights.type(), Type::f16);
  EXPECT_EQ(weights.stored().size(), 12U);
  const std::vector<float> expected = {1, -2, 0x1.554p-2F, 65504, 0x1p-24F, 0};
  EXPECT_TRUE(std::ranges::equal(weights.values(), expected));
  EXPECT_TRUE(std::ranges::equal(weights.factors().values, expected));
  EXPECT_EQ(operation<graph::Convolution>(graph, 2).weights.type(), Type::f32);
  EXPECT_TRUE(passes::store_halves(graph).size() == 1) << "and what is stored so already stays";
}

TEST(Passes, BatchNormStaysOutOfAConvolutionThatOthersRead) {
  Graph graph = with_input(3);
  const NodeId conv = graph.add("conv", pointwise(3, 3), {0});
  const NodeId normed = graph.add("norm", norm(3), {conv});
  graph.outputs = {{graph.add("sum", graph::Binary{}, {conv, normed})}};
  passes::fold_batch_norm(graph);
  EXPECT_EQ(operation<graph::Convolution>(graph, 1).weights.values()[0], 2.0F);
  const auto& channelwise = operation<graph::Convolution>(graph, 2);
  EXPECT_EQ(channelwise.groups, 3);
  EXPECT_EQ(channelwise.weights.values()[0], 1.5F);
  EXPECT_EQ(channelwise.bias.values()[0], -6.5F);
}

TEST(Passes, ActivationPassesAConcatAndAShuffle) {
  Graph graph = with_input(4);
  graph::Pool pool;
  pool.window = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  const NodeId a = graph.add("pool", pool, {0});
  const NodeId b = graph.add("conv", pointwise(4, 4), {0});
  const NodeId joined = graph.add("concat", graph::Concat{}, {a, b});
  const NodeId shuffled = graph.add("shuffle", graph::Shuffle{2}, {joined});
  graph.outputs = {{graph.add("relu", graph::Activate{Activation::relu}, {shuffled})}};
  passes::optimise(graph);
  ASSERT_EQ(graph.nodes.size(), 5U);
  EXPECT_EQ(operation<graph::Pool>(graph, 1).activation, Activation::relu);
  EXPECT_EQ(operation<graph::Convolution>(graph, 2).activation, Activation::relu);
  EXPECT_EQ(graph.nodes[4].name, "shuffle");
  EXPECT_EQ(graph.outputs[0].node, 4);
}

TEST(Passes, ActivationStaysBehindAConcatThatOthersRead) {
  Graph graph = with_input(4);
  const NodeId b = graph.add("conv", pointwise(4, 4), {0});
  const NodeId joined = graph.add("concat", graph::Concat{}, {b, b});
  const NodeId active = graph.add("relu", graph::Activate{Activation::relu}, {joined});
  graph.outputs = {{graph.add("sum", graph::Binary{}, {joined, active})}};
  passes::optimise(graph);
  EXPECT_EQ(operation<graph::Convolution>(graph, 1).activation, Activation::none);
  EXPECT_EQ(graph.nodes[3].name, "relu");
}

/// In front of it, it would compute channels that nobody asked for.
TEST(Passes, ActivationStaysBehindAPartOfWhatOthersRead) {
  for (const graph::Operation& part : {graph::Operation{graph::Slice{0, 3}}, {graph::Gather{{3, 1}}}}) {
    Graph graph = with_input(4);
    const NodeId conv = graph.add("conv", pointwise(4, 4), {0});
    const NodeId some = graph.add("part", part, {conv});
    graph.outputs = {{graph.add("sigmoid", graph::Activate{Activation::sigmoid}, {some})},
                     {graph.add("rest", graph::Slice{3, 1}, {conv})}};
    passes::optimise(graph);
    ASSERT_EQ(graph.nodes.size(), 5U);
    EXPECT_EQ(graph.nodes[static_cast<std::size_t>(graph.nodes[graph.outputs[0].node].inputs[0])].name, "part");
  }
}

TEST(Passes, ReluAndRelu6FuseIntoOne) {
  Graph graph = with_input(3);
  const NodeId conv = graph.add("conv", pointwise(3, 2), {0});
  const NodeId six = graph.add("relu6", graph::Activate{Activation::relu6}, {conv});
  graph.outputs = {{graph.add("relu", graph::Activate{Activation::relu}, {six})}};
  passes::optimise(graph);
  ASSERT_EQ(graph.nodes.size(), 2U);
  EXPECT_EQ(operation<graph::Convolution>(graph, 1).activation, Activation::relu6);
}

TEST(Passes, ResidualAddWithItsReluFusesIntoThePointwise) {
  Graph graph = with_input(3);
  const NodeId x = graph.add("x", pointwise(3, 3), {0});
  const NodeId y = graph.add("y", pointwise(3, 3), {x});
  const NodeId sum = graph.add("sum", graph::Binary{}, {x, y});
  graph.outputs = {{graph.add("relu", graph::Activate{Activation::relu}, {sum})}};
  passes::optimise(graph);
  ASSERT_EQ(graph.nodes.size(), 3U);
  EXPECT_EQ(graph.nodes[2].name, "y");
  EXPECT_EQ(graph.nodes[2].inputs, (std::vector<NodeId>{1, 1}));
  EXPECT_EQ(operation<graph::Convolution>(graph, 2).activation, Activation::relu);
}

TEST(Passes, ResidualDoesNotFuseThroughAnActivation) {
  Graph graph = with_input(3);
  const NodeId x = graph.add("x", pointwise(3, 3), {0});
  const NodeId y = graph.add("y", pointwise(3, 3), {x});
  const NodeId active = graph.add("relu", graph::Activate{Activation::relu}, {y});
  graph.outputs = {{graph.add("sum", graph::Binary{}, {x, active})}};
  passes::optimise(graph);
  ASSERT_EQ(graph.nodes.size(), 4U);
  EXPECT_TRUE(graph::is_sum(graph.nodes[3].operation));
}

TEST(Passes, DeadNodesGoAndTheInputStays) {
  Graph graph = with_input(3);
  graph.add("dead", pointwise(3, 5), {0});
  graph.outputs = {{graph.add("conv", pointwise(3, 2), {0})}};
  passes::remove_dead_nodes(graph);
  ASSERT_EQ(graph.nodes.size(), 2U);
  EXPECT_EQ(graph.nodes[1].name, "conv");
  EXPECT_EQ(graph.outputs[0].node, 1);
}

TEST(Passes, MetadataStays) {
  for (const auto pass : {passes::optimise, passes::remove_dead_nodes, passes::fold_batch_norm,
                          passes::hoist_activation, passes::fuse_activation, passes::fuse_residual}) {
    Graph graph = with_input(3);
    graph.name = "net";
    const NodeId conv = graph.add("conv", pointwise(3, 2), {0});
    const NodeId shuffled = graph.add("shuffle", graph::Shuffle{2}, {conv});
    graph.outputs = {{graph.add("relu", graph::Activate{Activation::relu}, {shuffled})}};
    graph.labels = {"cat", "dog"};
    graph.preprocessing = {.mean = {0.25F}};
    pass(graph);
    EXPECT_EQ(graph.name, "net");
    EXPECT_EQ(graph.labels, (std::vector<std::string>{"cat", "dog"}));
    EXPECT_EQ(graph.preprocessing, (graph::Preprocessing{.mean = {0.25F}}));
  }
}

TEST(Passes, LoweringNamesEveryChannel) {
  Graph graph = with_input(4);
  const NodeId a = graph.add("a", pointwise(4, 4), {0});
  const NodeId b = graph.add("b", pointwise(4, 4), {0});
  const NodeId joined = graph.add("concat", graph::Concat{}, {a, b});
  const NodeId shuffled = graph.add("shuffle", graph::Shuffle{2}, {joined});  // a0 b0 a1 b1 a2 b2 a3 b3
  const NodeId half = graph.add("half", graph::Slice{4, 4}, {shuffled});
  graph.outputs = {{graph.add("conv", pointwise(4, 1), {half})}};
  const auto lowered = passes::lower_channels(graph, graph::infer_shapes(graph));
  EXPECT_EQ(lowered.operands[6][0], (passes::ChannelList{{a, 2}, {b, 2}, {a, 3}, {b, 3}}));
  EXPECT_FALSE(lowered.computes[3] || lowered.computes[4] || lowered.computes[5]);
  EXPECT_EQ(lowered.outputs, (std::vector<passes::ChannelList>{{{6, 0}}}));
}

}  // namespace
}  // namespace riffle
