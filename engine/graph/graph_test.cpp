#include "engine/graph/graph.hpp"

#include <gtest/gtest.h>

#include "tests/expect_error.hpp"

namespace riffle {
namespace {

using graph::Constant;
using graph::Graph;

Constant zeros(std::size_t n) { return Constant(std::vector<float>(n, 0.0F)); }

/// An input of 8 channels and one convolution, valid until a test breaks it.
struct OneConvolution {
  Graph graph;
  graph::Convolution convolution;

  OneConvolution() {
    graph.add("input", graph::Input{{16, 16, 8}});
    convolution.outputs = 12;
    convolution.groups = 2;
    convolution.window = {3, 3, 2, 2, 1, 1, 1, 1, 1, 1};
    convolution.weights = zeros(12 * 4 * 9);
    convolution.bias = zeros(12);
  }
  Graph made() {
    Graph result = graph;
    result.outputs = {{result.add("conv", convolution, {0})}};
    return result;
  }
};

void expect_refused(const Graph& graph, const std::string& part) {
  const std::string message = tests::error_of([&] { (void)graph::infer_shapes(graph); });
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Shape, in_words) {
  EXPECT_EQ(graph::chw({28, 14, 58}), "58 x 28 x 14");
  EXPECT_EQ(graph::hw({28, 14, 58}), "28 x 14");
}

TEST(Graph, InfersTheShapeOfAConvolution) {
  const auto shapes = graph::infer_shapes(OneConvolution().made());
  EXPECT_EQ(shapes[1], (graph::Shape{8, 8, 12}));
}

TEST(Graph, ShapesFollowTheInputSize) {
  Graph graph = OneConvolution().made();
  graph.set_input_size(97, 131);
  EXPECT_EQ(graph::infer_shapes(graph)[1], (graph::Shape{49, 66, 12}));
}

TEST(Graph, CountsMultiplyAddsAndParameters) {
  const graph::Cost cost = graph::total_cost(OneConvolution().made());
  EXPECT_EQ(cost.macs, 8 * 8 * 12 * 4 * 9);
  EXPECT_EQ(cost.parameters, 12 * 4 * 9 + 12);
}

TEST(Graph, RefusesWhatDoesNotFitAndNamesTheNode) {
  OneConvolution c;
  c.convolution.groups = 3;
  expect_refused(c.made(), "'conv' (convolution): 8 input and 12 output channels do not divide by 3 groups");
  c = {};
  c.convolution.groups = 0;
  expect_refused(c.made(), "'conv' (convolution): groups is 0");
  c = {};
  c.convolution.weights = zeros(5);
  expect_refused(c.made(), "weights: 5 values where the shapes ask for 432");
  c = {};
  c.convolution.bias = zeros(5);
  expect_refused(c.made(), "bias: 5 values");
  c = {};
  c.convolution.window.kernel_h = 40;
  expect_refused(c.made(), "does not fit into 16");
  c = {};
  c.convolution.window.stride_w = 0;
  expect_refused(c.made(), "stride is 0");
  c = {};
  c.convolution.window.pad_left = -1;
  expect_refused(c.made(), "padding is -1");
  c = {};
  c.convolution.window.dilation_h = 1 << 30;
  expect_refused(c.made(), "dilation is");
}

TEST(Graph, ShapesOfTwoOperandsAreBroadcast) {
  const auto made = [](const graph::Shape& a, const graph::Shape& b) {
    Graph graph;
    graph.add("a", graph::Input{a});
    graph.add("b", graph::Input{b});
    graph.outputs = {{graph.add("node", graph::Binary{}, {0, 1})}};
    return graph;
  };
  const auto shape = [&](const graph::Shape& a, const graph::Shape& b) {
    return graph::infer_shapes(made(a, b)).back();
  };
  EXPECT_EQ(shape({4, 5, 6}, {4, 5, 6}), (graph::Shape{4, 5, 6}));
  EXPECT_EQ(shape({4, 5, 6}, {1, 1, 6}), (graph::Shape{4, 5, 6}));
  EXPECT_EQ(shape({1, 5, 1}, {4, 1, 6}), (graph::Shape{4, 5, 6}));
  expect_refused(made({4, 5, 6}, {4, 5, 3}), "'node' (add): the operands are 6x4x5 and 3x4x5");
  expect_refused(made({4, 5, 6}, {2, 1, 6}), "the operands are");
}

TEST(Graph, RefusesLiteralsAndReductionsThatAreNone) {
  const auto made = [](const graph::Operation& operation, std::vector<graph::NodeId> operands) {
    Graph graph;
    graph.add("input", graph::Input{{4, 5, 6}});
    graph.outputs = {{graph.add("node", operation, std::move(operands))}};
    return graph;
  };
  EXPECT_EQ(graph::infer_shapes(made(graph::Literal{{2, 3, 1}, zeros(6)}, {})).back(), (graph::Shape{2, 3, 1}));
  expect_refused(made(graph::Literal{{2, 3, 1}, zeros(5)}, {}), "values: 5 values where the shapes ask for 6");
  expect_refused(made(graph::Literal{{0, 3, 1}, zeros(5)}, {}), "height is 0");
  expect_refused(made(graph::Literal{{1 << 30, 1 << 30, 1 << 30}, zeros(5)}, {}), "height is");
  expect_refused(made(graph::Literal{{1, 1, 1}, zeros(1)}, {0}), "has 1 operands");
  EXPECT_EQ(graph::infer_shapes(made(graph::Reduce{graph::ReduceKind::l2, 3}, {0})).back(), (graph::Shape{4, 5, 3}));
  expect_refused(made(graph::Reduce{graph::ReduceKind::l2, 4}, {0}), "6 channels do not divide by 4 groups");
  expect_refused(made(graph::Reduce{graph::ReduceKind::l2, 0}, {0}), "groups is 0");
  expect_refused(made(graph::Softmax{5}, {0}), "6 channels do not divide by 5 groups");
}

/// A literal of one pixel counts for every pixel; another tensor of one does not.
TEST(Graph, JoinsALiteralOfOnePixel) {
  Graph graph;
  graph.add("input", graph::Input{{4, 5, 6}});
  const graph::NodeId zero = graph.add("zero", graph::Literal{{1, 1, 2}, zeros(2)}, {});
  graph.outputs = {{graph.add("joined", graph::Concat{}, {zero, 0})}};
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{4, 5, 8}));
  graph.nodes[zero] = {"mean", graph::GlobalAveragePool{}, {0}};
  expect_refused(graph, "the operands are");
}

TEST(Graph, RefusesOperandsThatDoNotComeBefore) {
  Graph graph = OneConvolution().made();
  graph.nodes[1].inputs = {1};  // a cycle of one
  expect_refused(graph, "operand 1 does not come before it");
  graph.nodes[1].inputs = {-5};
  expect_refused(graph, "operand -5 does not come before it");
  graph.nodes[1].inputs = {0, 0, 0};
  expect_refused(graph, "has 3 operands");
}

TEST(Graph, RefusesSizesBeyondItsLimits) {
  Graph graph;
  graph.outputs = {{graph.add("input", graph::Input{{100000, 100000, 3}})}};
  expect_refused(graph, "height is 100000");
  graph.nodes[0].operation = graph::Input{{32768, 32768, 3}};
  expect_refused(graph, "is too large");
  graph.nodes[0].operation = graph::Input{{0, 4, 3}};
  expect_refused(graph, "height is 0");
}

TEST(Graph, RefusesGraphsThatAreNone) {
  Graph graph;
  expect_refused(graph, "no nodes");
  graph.add("input", graph::Input{{4, 4, 4}});
  expect_refused(graph, "it has no output");
  graph.outputs = {{1}};
  expect_refused(graph, "an output is no node");
  graph.add("pool", graph::GlobalAveragePool{}, {0});
  graph.outputs = {{graph.add("second", graph::Input{{4, 4, 4}})}};
  expect_refused(graph, "nothing else, are the first nodes");
}

TEST(Graph, RefusesChannelsOutOfRange) {
  Graph graph;
  graph.add("input", graph::Input{{4, 4, 6}});
  graph.outputs = {{graph.add("slice", graph::Slice{4, 3}, {0})}};
  expect_refused(graph, "'slice' (slice): channels is 3");
  graph.nodes[1].operation = graph::Shuffle{4};
  expect_refused(graph, "6 channels do not divide by 4 groups");
  graph.nodes[1].operation = graph::Gather{{0, 6}};
  expect_refused(graph, "channel is 6");
  graph.nodes[1].operation = graph::FullyConnected{3, zeros(18), {}, graph::Activation::none};
  expect_refused(graph, "the operand is 6x4x4, and the weights are for 6x1x1 (channels x height x width)");
}

TEST(Graph, RefusesASizeThatItIsNotFor) {
  Graph graph = OneConvolution().made();
  std::get<graph::Input>(graph.nodes[0].operation).only_size = "rows are squeezed";
  graph.set_input_size(16, 16);
  const std::string message = tests::error_of([&] { graph.set_input_size(16, 32); });
  EXPECT_NE(message.find("16 x 16 (height x width) alone, not of 16 x 32: rows are squeezed"), std::string::npos)
      << message;
  EXPECT_EQ(graph.input_shape(), (graph::Shape{16, 16, 8}));
}

TEST(Graph, RefusesAPoolingWindowInThePadding) {
  Graph graph;
  graph.add("input", graph::Input{{4, 4, 6}});
  graph::Pool pool;
  pool.window = {2, 2, 2, 2, 2, 2, 2, 2, 1, 1};
  graph.outputs = {{graph.add("pool", pool, {0})}};
  expect_refused(graph, "wholly in the padding");
}

TEST(Graph, RefusesArrangementsThatDoNotFit) {
  const auto rearranged = [](const char* text) {
    Graph graph;
    graph.add("input", graph::Input{{2, 3, 4}});
    graph.outputs = {{graph.add("moved", graph::Rearrange{graph::arranged(text)}, {0})}};
    return graph;
  };
  EXPECT_EQ(graph::infer_shapes(rearranged("(h w c0:2) 1 c1:2")).back(), (graph::Shape{12, 1, 2}));
  EXPECT_EQ(graph::infer_shapes(rearranged("1 1 (c h w)")).back(), (graph::Shape{1, 1, 24}));
  expect_refused(rearranged("h w"), "node 1 'moved' (rearrange): 'h w' is not rows, columns, channels");
  expect_refused(rearranged("(n h) w c"), "is not rows, columns, channels");
  expect_refused(rearranged("h w c:5"), "node 1 'moved' (rearrange): its arrangement 'h w c:5' is not for 4 channels");
  expect_refused(rearranged("h 1 c"), "is not for 3 columns");

  Graph graph;
  graph.add("input", graph::Input{{2, 3, 4}});
  graph.outputs = {{0, "answer", Type::f32, {}, graph::arranged("c")}};
  expect_refused(graph, "output 'answer': its arrangement 'c' is not for 2 rows");
  graph.outputs = {{0}};
  std::get<graph::Input>(graph.nodes[0].operation).arrangement = graph::arranged("h0:4 h1 w c");
  expect_refused(graph, "node 0 'input' (input): its arrangement");
}

TEST(Graph, RefusesToJoinWhatDiffers) {
  const auto joined = [](graph::Direction along, graph::Shape other) {
    Graph graph;
    graph.add("input", graph::Input{{2, 3, 4}});
    graph.add("other", graph::Input{other});
    graph.outputs = {{graph.add("both", graph::Join{along}, {0, 1})}};
    return graph;
  };
  using graph::Direction;
  EXPECT_EQ(graph::infer_shapes(joined(Direction::rows, {5, 3, 4})).back(), (graph::Shape{7, 3, 4}));
  EXPECT_EQ(graph::infer_shapes(joined(Direction::columns, {2, 1, 4})).back(), (graph::Shape{2, 4, 4}));
  expect_refused(joined(Direction::rows, {2, 5, 4}), "node 2 'both' (join): the operands are 4x2x3 and 4x2x5");
  expect_refused(joined(Direction::columns, {3, 3, 4}), "the operands are");
  expect_refused(joined(Direction::columns, {2, 3, 5}), "the operands are");
  expect_refused(joined(Direction{7}, {2, 3, 4}), "no such direction");
  expect_refused(joined(Direction::rows, {graph::max_extent, 3, 4}), "height is 32770");
}

}  // namespace
}  // namespace riffle
