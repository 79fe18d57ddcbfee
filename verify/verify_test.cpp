// The graphs' own tests, and some hundred of them run in every way there is.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/passes/passes.hpp"
#include "verify/differential.hpp"
#include "verify/effort.hpp"
#include "verify/interpret.hpp"
#include "verify/random_graph.hpp"

namespace riffle::verify {
namespace {

TEST(RandomGraphs, VerifyAndHoldEveryKindOfNode) {
  std::set<std::size_t> kinds;
  std::int64_t largest = 0;
  bool read_twice = false, dead = false;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const graph::Graph graph = random_graph(seed);
    const std::vector<graph::Shape> shapes = graph::infer_shapes(graph);
    for (const graph::Node& node : graph.nodes) kinds.insert(node.operation.index());
    for (const graph::Shape& shape : shapes) largest = std::max(largest, shape.size());
    for (const std::int32_t readers : graph::reader_counts(graph)) {
      read_twice |= readers > 1;
      dead |= readers == 0;
    }
    EXPECT_LT(elements_read(graph), 8'000'000) << "graph " << seed << " takes long";
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<graph::Operation>);
  EXPECT_GT(largest, 64 * 1024) << "no tensor is large enough to be halved or made by rows";
  EXPECT_TRUE(read_twice && dead);
}

TEST(RandomGraphs, AreTheSameForTheSameSeed) {
  EXPECT_EQ(graph::to_text(random_graph(3)), graph::to_text(random_graph(3)));
  EXPECT_NE(graph::to_text(random_graph(3)), graph::to_text(random_graph(4)));
}

graph::Graph pooled(std::int32_t side, std::int32_t kernel) {
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{{side, side, 1}});
  graph::Pool pool;
  pool.window.kernel_h = pool.window.kernel_w = kernel;
  pool.window.pad_top = pool.window.pad_left = pool.window.pad_bottom = pool.window.pad_right = kernel / 2;
  graph.outputs = {{graph.add("pool", pool, {input})}};
  return graph;
}

TEST(Effort, IsWhatIsReadNotOnlyWhatIsWritten) {
  EXPECT_TRUE(is_small(pooled(80, 3)));
  EXPECT_FALSE(is_small(pooled(80, 81))) << "tens of millions of reads, in 13,000 numbers";
  EXPECT_FALSE(is_small(pooled(300, 1))) << "180,000 numbers";
  EXPECT_TRUE(is_small(pooled(1, 20001))) << "a window beyond the image reads nothing there";
}

TEST(Effort, IsSmallOfFewNodes) {
  graph::Graph graph = pooled(4, 3);
  while (graph.nodes.size() < 64) graph.outputs = {{graph.add("again", graph::Activate{}, {graph.outputs[0].node})}};
  EXPECT_TRUE(is_small(graph));
  graph.outputs = {{graph.add("one more", graph::Activate{}, {graph.outputs[0].node})}};
  EXPECT_FALSE(is_small(graph));
}

TEST(Interpret, OfNumbersWorkedOutByHand) {
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{{2, 2, 2}});
  graph::Convolution convolution;
  convolution.outputs = 1;
  convolution.window = {.kernel_h = 2, .kernel_w = 1, .pad_top = 1};
  convolution.weights = graph::Constant(std::vector<float>{1, 10, 100, 1000});  // (1, 2, 2, 1)
  convolution.bias = graph::Constant(std::vector<float>{0.5F});
  graph.outputs = {{graph.add("convolution", convolution, {input})}};
  // Channels (1 2; 3 4) and (5 6; 7 8). Output (y, x) is channel c's row y - 1 and row y, times the weights.
  const std::vector<float> image = {1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<double> expected = {0.5 + 10 * 1 + 1000 * 5, 0.5 + 10 * 2 + 1000 * 6,
                                        0.5 + 1 * 1 + 10 * 3 + 100 * 5 + 1000 * 7,
                                        0.5 + 1 * 2 + 10 * 4 + 100 * 6 + 1000 * 8};
  EXPECT_EQ(planes(interpret(graph, image, 1).back()), expected);
}

TEST(Shrink, LeavesWhatFailsAlone) {
  // Any graph in which a shuffle of two groups or more is live counts as failing.
  const auto fails = [](const graph::Graph& graph) {
    graph::Graph live = graph;
    passes::remove_dead_nodes(live);
    return std::ranges::any_of(live.nodes, [](const graph::Node& node) {
      const auto* shuffle = std::get_if<graph::Shuffle>(&node.operation);
      return shuffle != nullptr && shuffle->groups > 1;
    });
  };
  int shrunk = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const graph::Graph graph = random_graph(seed);
    if (!fails(graph)) continue;
    const graph::Graph small = shrink(graph, fails);
    EXPECT_TRUE(fails(small)) << seed;
    EXPECT_LE(small.nodes.size(), 5U) << graph::to_text(small);
    ++shrunk;
  }
  EXPECT_GT(shrunk, 5);
}

// The smallest graphs that once gave something else than they mean.

graph::Constant some(std::int64_t count) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i % 13) * 0.125F - 0.75F);
  return graph::Constant(std::move(values));
}

graph::Convolution convolution(std::int32_t outputs, std::int32_t inputs) {
  graph::Convolution result;
  result.outputs = outputs;
  result.weights = some(std::int64_t{outputs} * inputs);
  return result;
}

/// Slices, choices and convolutions of the input were given other channels of it: those that the same steps read had
/// been put side by side, but for the step that reads the caller's planes.
TEST(Regressions, OneChannelOfTheInput) {
  graph::Graph graph;
  graph.add("input", graph::Input{{1, 1, 6}});
  graph.outputs = {{graph.add("gather", graph::Gather{{4}}, {0})}};
  EXPECT_EQ(find_difference(graph, 0), std::nullopt);
}

TEST(Regressions, ThreeOfFourChannelsOfTheInput) {
  graph::Graph graph;
  graph.add("input", graph::Input{{3, 3, 4}});
  const graph::NodeId rgb = graph.add("rgb", graph::Slice{0, 3}, {0});
  graph.outputs = {{graph.add("convolution", convolution(2, 3), {rgb})}};
  EXPECT_EQ(find_difference(graph, 0), std::nullopt);
}

/// The first convolution is the stem's even where it is 1x1, and the stem's kernel writes one block; the halves of a
/// large result had been given two.
TEST(Regressions, HalvesOfALargePointwiseConvolutionOfTheInput) {
  graph::Graph graph;
  graph.add("input", graph::Input{{64, 64, 3}});
  const graph::NodeId both = graph.add("both", convolution(8, 3), {0});
  const graph::NodeId left = graph.add("left", graph::Slice{0, 4}, {both});
  const graph::NodeId right = graph.add("right", graph::Slice{4, 4}, {both});
  const graph::NodeId further = graph.add("further", convolution(4, 4), {left});
  const graph::NodeId sum = graph.add("sum", graph::Add{}, {further, right});
  graph.outputs = {{graph.add("mean", graph::GlobalAveragePool{}, {sum})}};
  EXPECT_EQ(find_difference(graph, 0), std::nullopt);
}

/// What a convolution adds was gone by the time that it was computed row by row for the one behind it.
TEST(Regressions, AResidualOfAChainsProducer) {
  graph::Graph graph;
  graph.add("input", graph::Input{{12, 5, 6}});
  const graph::NodeId first = graph.add("first", convolution(6, 6), {0});
  const graph::NodeId second = graph.add("second", convolution(6, 6), {first, 0});
  graph::Convolution depthwise = convolution(6, 2);
  depthwise.groups = 6;
  // Wider than what it reads, so that its rows reach places of the input that are still to be added.
  depthwise.window = {.kernel_h = 2, .stride_h = 2, .pad_left = 4, .pad_right = 4};
  graph.outputs = {{graph.add("depthwise", depthwise, {second})}};
  EXPECT_EQ(find_difference(graph, 0), std::nullopt);
}

/// An activation of kind none behind one that had been fused took that away.
TEST(Regressions, NoActivationBehindOne) {
  graph::Graph graph;
  graph.add("input", graph::Input{{2, 2, 3}});
  graph::Convolution bounded = convolution(2, 3);
  bounded.activation = graph::Activation::relu;
  const graph::NodeId first = graph.add("convolution", bounded, {0});
  graph.outputs = {{graph.add("none", graph::Activate{graph::Activation::none}, {first})}};
  EXPECT_EQ(find_difference(graph, 0), std::nullopt);
}

/// Of two activations behind a slice one was moved before it, and the other when the graph was optimised again.
TEST(Regressions, TwoActivationsBehindASlice) {
  graph::Graph graph;
  graph.add("input", graph::Input{{1, 1, 3}});
  const graph::NodeId slice = graph.add("slice", graph::Slice{1, 2}, {0});
  const graph::NodeId relu = graph.add("relu", graph::Activate{graph::Activation::relu}, {slice});
  graph.outputs = {{graph.add("relu6", graph::Activate{graph::Activation::relu6}, {relu})}};
  EXPECT_EQ(find_difference(graph, 0), std::nullopt);
}

/// Each test goes through graphs of its own, so that they run side by side.
class Differential : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Differential, EveryWayToRunAGraphGivesWhatItMeans) {
  constexpr std::uint64_t graphs = RIFFLE_DIFFERENTIAL_GRAPHS;
  for (std::uint64_t seed = GetParam() * graphs; seed < (GetParam() + 1) * graphs; ++seed) {
    const auto difference = find_difference(random_graph(seed), seed);
    ASSERT_EQ(difference, std::nullopt) << "graph " << seed << "; riffle_differential --graphs 1 --first " << seed
                                        << " makes it smaller";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Differential, ::testing::Range<std::uint64_t>(0, 8));

}  // namespace
}  // namespace riffle::verify
