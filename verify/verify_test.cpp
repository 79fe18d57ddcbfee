// The graphs' own tests, and some hundred of them run in every way there is.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>

#include "engine/passes/passes.hpp"
#include "verify/check_model.hpp"
#include "verify/differential.hpp"
#include "verify/effort.hpp"
#include "verify/interpret.hpp"
#include "verify/numbers.hpp"
#include "verify/random_graph.hpp"

namespace riffle::verify {
namespace {

TEST(RandomGraphs, VerifyAndHoldEveryKindOfNode) {
  std::set<std::size_t> kinds;
  std::int64_t largest = 0;
  bool read_twice = false, dead = false;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const graph::Graph graph = random_graph(seed);
    const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
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

/// What is true of a graph's inputs and outputs, in words.
std::set<std::string> ends_of(const graph::Graph& graph) {
  std::set<std::string> facts;
  const auto note = [&](bool is_true, const std::string& fact) {
    if (is_true) facts.insert(fact);
  };
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  const auto shape = [&](graph::NodeId id) { return shapes[id]; };
  const graph::ById<std::int32_t> readers = graph::reader_counts(graph);
  note(true, std::to_string(graph.input_count()) + " inputs");
  for (std::size_t i = 0; i < graph.input_count(); ++i) {
    const graph::Input& input = graph.input(i);
    note(true, "input of " + std::string(name_of(input.type)));
    note(input.quantization.zero_point != 0, "input with a zero point");
    note(readers[i] == 0, "input that nobody reads");
    note(graph::hw(input.shape) != graph::hw(graph.input_shape()), "inputs of several sizes");
    note(i > 0 && graph::hw(input.shape) == graph::hw(graph.input_shape()), "inputs of one size");
  }
  note(true, std::to_string(graph.outputs.size()) + " outputs");
  for (std::size_t o = 0; o < graph.outputs.size(); ++o) {
    const graph::Output& output = graph.outputs[o];
    const graph::Node& node = graph.nodes[output.node];
    const auto is_output = [&](graph::NodeId id) {
      return std::ranges::any_of(graph.outputs, [&](const graph::Output& other) { return other.node == id; });
    };
    const bool is_named = !output.name.empty();
    note(true, "output of " + std::string(name_of(output.type)));
    note(output.quantization.zero_point != 0, "output with a zero point");
    note(true, is_named ? "output with a name" : "output without a name");
    note(is_named && std::ranges::any_of(graph.nodes, [&](const auto& other) { return other.name == output.name; }),
         "output with a node's name");
    note(std::holds_alternative<graph::Input>(node.operation), "output that is an input");
    note(graph::moves_channels(node.operation) && std::ranges::all_of(node.inputs, is_output),
         "output of others' channels");
    note(std::ranges::any_of(
             graph.nodes,
             [&](const auto& other) { return std::ranges::find(other.inputs, output.node) != other.inputs.end(); }),
         "output that is read further");
    for (std::size_t other = 0; other < o; ++other) {
      note(graph.outputs[other].node == output.node, "outputs of one node");
      note(shape(graph.outputs[other].node) != shape(output.node), "outputs of several sizes");
    }
  }
  return facts;
}

TEST(RandomGraphs, HaveInputsAndOutputsOfEveryKind) {
  std::map<std::string, int> counts;
  int usual = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::set<std::string> facts = ends_of(random_graph(seed));
    for (const std::string& fact : facts) ++counts[fact];
    usual += facts.contains("1 inputs") && facts.contains("1 outputs") && facts.contains("input of f32") &&
             facts.contains("output of f32");
  }
  EXPECT_GT(usual, 150) << "the engine's usual work is compared less than everything else";
  std::vector<std::string> wanted = {"1 inputs",
                                     "2 inputs",
                                     "3 inputs",
                                     "inputs of one size",
                                     "inputs of several sizes",
                                     "input that nobody reads",
                                     "input with a zero point",
                                     "1 outputs",
                                     "2 outputs",
                                     "3 outputs",
                                     "4 outputs",
                                     "output with a name",
                                     "output without a name",
                                     "output with a node's name",
                                     "output that is an input",
                                     "output that is read further",
                                     "output of others' channels",
                                     "outputs of one node",
                                     "outputs of several sizes",
                                     "output with a zero point"};
  for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::i8, Type::u8}) {
    wanted.push_back("input of " + std::string(name_of(type)));
    wanted.push_back("output of " + std::string(name_of(type)));
  }
  for (const std::string& fact : wanted) EXPECT_GE(counts[fact], 3) << fact;
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

TEST(Effort, IsAlsoWhatTheCallerGets) {
  graph::Graph graph = pooled(80, 3);
  while (graph.outputs.size() < 20) {
    graph.outputs.push_back({graph.outputs[0].node, "output" + std::to_string(graph.outputs.size())});
  }
  EXPECT_FALSE(is_small(graph));
}

TEST(Numbers, AreTheNearestOfTheirType) {
  const auto there_and_back = [](std::vector<float> numbers, Type type, Quantization quantization) {
    return decode(encode(numbers, type, quantization), type, quantization);
  };
  const std::vector<float> numbers = {-3, 0.3F, 1000.3F};
  EXPECT_EQ(there_and_back(numbers, Type::f32, {}), numbers);
  EXPECT_EQ(there_and_back(numbers, Type::f16, {}), (std::vector<float>{-3, 1229.0F / 4096, 1000.5F}));
  EXPECT_EQ(there_and_back(numbers, Type::bf16, {}), (std::vector<float>{-3, 77.0F / 256, 1000}));
  EXPECT_EQ(there_and_back(numbers, Type::i8, {0.25F, -120}), (std::vector<float>{-2, 0.25F, 61.75F}));
  EXPECT_EQ(encode(numbers, Type::u8, {0.25F, 20}),
            (std::vector<std::byte>{std::byte{8}, std::byte{21}, std::byte{255}}));
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

TEST(Interpret, OfAFunctionWithASlopeForEachChannel) {
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{{1, 2, 2}});
  const graph::Activation prelu{.bounds = {-4.0F, 3.0F},
                                .function = kernels::Function::prelu,
                                .slopes = graph::Constant(std::vector<float>{0.5F, -2.0F})};
  graph.outputs = {{graph.add("prelu", graph::Activate{prelu}, {input})}};
  EXPECT_EQ(planes(interpret(graph, std::vector<float>{-6, 5, -1, 1}, 1).back()), (std::vector<double>{-2, 3, 2, 1}));
}

/// Of a function without a bound to its slope an error becomes what the interval around each number becomes.
TEST(Interpret, OfASteepFunctionKnowsItsError) {
  const auto error_behind = [](kernels::Function function, kernels::Clamp bounds, float x) {
    graph::Graph graph;
    const graph::NodeId input = graph.add("input", graph::Input{{1, 1, 1}});
    graph::Convolution scale;
    scale.outputs = 1;
    scale.weights = graph::Constant(std::vector<float>{1.0F});
    const graph::NodeId scaled = graph.add("scaled", scale, {input});
    graph.outputs = {{graph.add("function", graph::Activate{{bounds, function}}, {scaled})}};
    const graph::ById<Tensor> tensors = interpret(graph, std::vector<float>{x}, 1);
    EXPECT_GT(tensors[scaled].error, 0.0);
    return tensors.back().error / tensors[scaled].error;
  };
  EXPECT_NEAR(error_behind(kernels::Function::exp, {}, 5.0F), std::exp(5.0), std::exp(5.0));
  EXPECT_GT(error_behind(kernels::Function::exp, {}, 5.0F), std::exp(5.0));
  EXPECT_GT(error_behind(kernels::Function::reciprocal, {}, 0.01F), 1e4);
  EXPECT_TRUE(std::isinf(error_behind(kernels::Function::reciprocal, {}, 0.0F)));
  EXPECT_TRUE(std::isinf(error_behind(kernels::Function::log, {}, 0.0F)));
  EXPECT_LT(error_behind(kernels::Function::log, {0.5F, 2.0F}, 1.0F), 10.0);
}

TEST(Interpret, OfSeveralInputs) {
  graph::Graph graph;
  graph.add("a", graph::Input{{1, 2, 1}});
  graph.add("b", graph::Input{{1, 2, 2}});
  const graph::NodeId joined = graph.add("joined", graph::Concat{}, {1, 0});
  graph.outputs = {{graph.add("mean", graph::GlobalAveragePool{}, {joined})}, {joined}};
  const std::vector<std::vector<float>> inputs = {{1, 2}, {3, 4, 5, 6}};
  const graph::ById<Tensor> tensors = interpret(graph, inputs, 1);
  EXPECT_EQ(planes(tensors[2]), (std::vector<double>{3, 4, 5, 6, 1, 2}));
  EXPECT_EQ(planes(tensors[3]), (std::vector<double>{3.5, 5.5, 1.5}));
}

/// Rounding is what there is to find: nothing is allowed to differ, and then something does.
TEST(CheckModel, NamesTheFirstNodeThatDiffers) {
  graph::Graph graph;
  graph.add("input", graph::Input{{6, 6, 8}});
  const graph::NodeId flat = graph.add("flat", graph::Activate{}, {0});
  graph::Convolution convolution;
  convolution.outputs = 5;
  convolution.weights = graph::Constant(std::vector<float>(40, 0.3F));
  const graph::NodeId sums = graph.add("sums", convolution, {flat});
  graph.outputs = {{graph.add("sums", graph::Activate{graph::Activation::sigmoid}, {sums})}};
  const std::vector<std::vector<std::byte>> inputs = random_inputs(graph, 1, 1);
  std::vector<std::string> ways;
  for (const CheckedWay& way :
       check_model(graph, inputs, 1e-4, [&](const CheckedWay& one) { ways.push_back(one.way); })) {
    EXPECT_FALSE(way.output) << way.way;
    EXPECT_GT(way.difference, 0) << way.way;
    EXPECT_LT(way.difference, 1e-5) << way.way;
  }
  EXPECT_NE(std::ranges::find(ways, "scalar"), ways.end());
  const std::vector<CheckedWay> exact = check_model(graph, inputs, 0, {});
  ASSERT_EQ(exact.size(), ways.size());
  for (const CheckedWay& way : exact) {
    ASSERT_TRUE(way.output && way.first_node) << way.way;
    EXPECT_EQ(way.output->tensor, "sums");
    EXPECT_EQ(way.first_node->tensor, "sums.2");  // a maximum is exact; the output is called as its node is
    EXPECT_GT(way.first_node->largest, 1) << way.way << ": this is the sums, not their sigmoid";
  }
  const graph::Graph every = with_every_node(graph);
  ASSERT_EQ(every.outputs.size(), 3U);
  EXPECT_EQ(every.outputs[0].name, "flat");
  EXPECT_EQ(every.outputs[1].name, "sums.2");
  EXPECT_EQ(every.outputs[2].name, "sums");
}

TEST(Deviation, OfNumbersThatAreNoneIsInfinite) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<double> right = {1, -3, static_cast<double>(nan), static_cast<double>(infinity)};
  const auto off_by = [&](const std::vector<float>& numbers) { return deviation_of("x", numbers, right).difference; };
  EXPECT_EQ(off_by({1, -3, nan, infinity}), 0);
  EXPECT_EQ(off_by({1.5F, -3.25F, nan, infinity}), 0.5);
  EXPECT_EQ(off_by({nan, -3, nan, infinity}), static_cast<double>(infinity));
  EXPECT_EQ(off_by({1, -3, 0, infinity}), static_cast<double>(infinity));
  EXPECT_EQ(off_by({1, -3, nan, -infinity}), static_cast<double>(infinity));
  EXPECT_EQ(deviation_of("x", std::vector<float>{1, -3, nan, infinity}, right).largest, 3);
}

TEST(Shrink, LeavesNothingThatDoesNotMatter) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const graph::Graph small = shrink(random_graph(seed), [](const graph::Graph&) { return true; });
    EXPECT_EQ(small.nodes.size(), 1U) << graph::to_text(small);
    EXPECT_EQ(small.outputs.size(), 1U) << graph::to_text(small);
    EXPECT_EQ(small.outputs[0].name + std::string(name_of(small.outputs[0].type)), "f32");
    EXPECT_EQ(small.input().type, Type::f32);
    EXPECT_EQ(small.input_shape().pixels(), 1);
  }
}

TEST(Shrink, LeavesInputsAndOutputsThatMatter) {
  // Whatever has several inputs, and several outputs of which one is not of f32, counts as failing.
  const auto fails = [](const graph::Graph& graph) {
    return graph.input_count() > 1 && graph.outputs.size() > 1 &&
           std::ranges::any_of(graph.outputs, [](const graph::Output& output) { return output.type != Type::f32; });
  };
  int shrunk = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const graph::Graph graph = random_graph(seed);
    if (!fails(graph)) continue;
    const graph::Graph small = shrink(graph, fails);
    EXPECT_TRUE(fails(small)) << seed;
    EXPECT_EQ(small.nodes.size(), 2U) << graph::to_text(small);
    EXPECT_EQ(small.outputs.size(), 2U) << graph::to_text(small);
    ++shrunk;
  }
  EXPECT_GT(shrunk, 3);
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
  const graph::NodeId sum = graph.add("sum", graph::Binary{}, {further, right});
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

/// A function and bounds behind it do not become one: the function was moved before the shuffle, and the bounds when
/// the graph was optimised again.
TEST(Regressions, TwoActivationsThatDoNotBecomeOneBehindAShuffle) {
  graph::Graph graph;
  graph.add("input", graph::Input{{1, 1, 4}});
  const graph::NodeId shuffle = graph.add("shuffle", graph::Shuffle{2}, {0});
  const graph::NodeId sigmoid = graph.add("sigmoid", graph::Activate{graph::Activation::sigmoid}, {shuffle});
  graph.outputs = {{graph.add("relu6", graph::Activate{graph::Activation::relu6}, {sigmoid})}};
  EXPECT_EQ(find_difference(graph, 0), std::nullopt);
}

/// Exported, its pooling of all rows is a reduction of an axis of one, which the importer took for nothing, at any
/// size.
TEST(Regressions, PoolingOfTheOneRowThatThereIs) {
  graph::Graph graph;
  graph.add("input", graph::Input{{1, 2, 5}});
  const graph::NodeId shuffled = graph.add("shuffle", graph::Shuffle{5}, {0});
  graph::Pool column{graph::PoolKind::max, {.kernel_h = 0}, false, {}};
  const graph::NodeId pooled = graph.add("pool", column, {shuffled});
  graph.outputs = {{graph.add("sum", graph::Binary{}, {pooled, shuffled})}};
  for (std::uint64_t seed = 0; seed < 8; ++seed) EXPECT_EQ(find_difference(graph, seed), std::nullopt);
}

/// A file has ReLU for all bounds that are equal to ReLU's, which gave 0 where it had been -0.
TEST(Regressions, BoundsFromMinusZero) {
  graph::Graph graph;
  graph.add("input", graph::Input{{4, 4, 3}});
  graph.outputs = {{graph.add("relu", graph::Activate{{{-0.0F, 6.0F}}}, {0})}};
  EXPECT_EQ(find_difference(graph, 0), std::nullopt);
}

/// An output without a name had that of the other one once both were made by one node, and the plan was refused.
TEST(Regressions, OneOfSeveralOutputsWithoutAName) {
  graph::Graph graph;
  graph.add("input", graph::Input{{1, 1, 1}});
  const graph::NodeId same = graph.add("", graph::Activate{graph::Activation::none}, {0});
  graph.outputs = {{0}, {same}};
  EXPECT_THROW((void)graph::infer_shapes(graph), Error);
  graph.outputs[1].name = "same";
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
