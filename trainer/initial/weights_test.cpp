#include "trainer/initial/weights.hpp"

#include <gtest/gtest.h>

#include "engine/passes/passes.hpp"
#include "tests/expect_error.hpp"
#include "trainer/initial/initialise.hpp"

namespace riffle::trainer {
namespace {

using tests::contains;
using tests::error_of;

graph::Graph network(std::uint64_t seed, std::int32_t classes = 10, double width = 0.5) {
  return models::shufflenet_v2({.width_multiplier = width, .classes = classes, .height = 32, .width = 32},
                               models::random_weights(seed));
}

const graph::Node& node(const graph::Graph& graph, const std::string& name) {
  for (const graph::Node& one : graph.nodes) {
    if (one.name == name) return one;
  }
  throw Error("no node " + name);
}

std::vector<float> values(const graph::Constant& constant) {
  return {constant.values().begin(), constant.values().end()};
}

TEST(Weights, classes_are_replaced_and_nothing_else) {
  graph::Graph before = network(1);
  before.labels.assign(10, "thing");
  graph::Graph probabilities = before;
  probabilities.outputs = {{probabilities.add("softmax", graph::Softmax{}, {before.outputs[0].node})}};
  for (const graph::Graph& graph : {before, probabilities}) {
    const graph::Graph after = with_classes(graph, 7, xavier_uniform(3));
    EXPECT_EQ(graph::infer_shapes(after).back(), (graph::Shape{1, 1, 7}));
    EXPECT_TRUE(after.labels.empty());
    const auto& layer = std::get<graph::FullyConnected>(node(after, "classifier").operation);
    const auto fresh = xavier_uniform(3);
    EXPECT_EQ(values(layer.weights), values(fresh("classifier.weight", std::vector<std::int64_t>{7, 1024})));
    EXPECT_EQ(values(layer.bias), values(fresh("classifier.bias", std::vector<std::int64_t>{7})));
    EXPECT_EQ(graph::to_text(before).substr(0, 2000), graph::to_text(after).substr(0, 2000));
  }
  EXPECT_EQ(std::get<graph::FullyConnected>(node(before, "classifier").operation).outputs, 10);
}

TEST(Weights, classes_of_what_is_no_classifier_are_refused) {
  graph::Graph graph = network(1);
  EXPECT_TRUE(contains(error_of([&] { with_classes(graph, 0, xavier_uniform(0)); }), "0 classes"));
  EXPECT_TRUE(contains(error_of([&] { with_classes(graph, 1 << 20, xavier_uniform(0)); }), "1048576 classes"));
  graph.outputs[0].node -= 1;
  const std::string error = error_of([&] { with_classes(graph, 3, xavier_uniform(0)); });
  EXPECT_TRUE(contains(error, "'mean' (global average pooling)"));
}

TEST(Weights, come_by_name) {
  const graph::Graph from = network(2), filled = with_weights(network(1), from);
  for (const char* name : {"stem.0.0", "units.7.right.1.0"}) {
    EXPECT_EQ(values(std::get<graph::Convolution>(node(filled, name).operation).weights),
              values(std::get<graph::Convolution>(node(from, name).operation).weights));
  }
  const auto& norm = std::get<graph::BatchNorm>(node(filled, "tail.1").operation);
  const auto& expected = std::get<graph::BatchNorm>(node(from, "tail.1").operation);
  EXPECT_EQ(values(norm.scale), values(expected.scale));
  EXPECT_EQ(values(norm.shift), values(expected.shift));
  EXPECT_EQ(values(norm.mean), values(expected.mean));
  EXPECT_EQ(values(norm.variance), values(expected.variance));
}

TEST(Weights, that_do_not_match_are_named) {
  const std::string classes = error_of([] { with_weights(network(1), network(2, 7)); });
  EXPECT_TRUE(contains(classes, "classifier.weight (7x1024 there, 10x1024 here), classifier.bias (7 there, 10 here)"));
  EXPECT_FALSE(contains(classes, "folded"));

  const std::string width = error_of([] { with_weights(network(1), network(2, 10, 1.0)); });
  EXPECT_TRUE(contains(width, "units.0.left.1.0.weight (58x24x1x1 there, 24x24x1x1 here)"));
  EXPECT_TRUE(contains(width, " more"));

  graph::Graph integers;
  integers.add("input", graph::Input{{4, 4, 3}});
  integers.nodes[0].quantization = Quantization{};
  integers.outputs = {{0}};
  EXPECT_TRUE(contains(error_of([&] { with_weights(network(1), integers); }), "is quantised"));

  graph::Graph more = network(2);
  graph::FullyConnected layer;
  layer.outputs = 1;
  layer.weights = graph::Constant(std::vector<float>(10));
  more.outputs = {{more.add("classifier.2", layer, {more.outputs[0].node})}};
  EXPECT_TRUE(
      contains(error_of([&] { with_weights(network(1), more); }), "classifier.2.weight (it has no place here)"));

  graph::Graph twice = network(2);
  twice.nodes.push_back(node(twice, "classifier"));
  EXPECT_TRUE(contains(error_of([&] { with_weights(network(1), twice); }), "two parameters named classifier.weight"));
}

TEST(Weights, that_are_folded_are_recognised) {
  graph::Graph folded = network(2);
  passes::optimise(folded);
  const std::string error = error_of([&] { with_weights(network(1), folded); });
  EXPECT_TRUE(contains(error, "stem.0.1.weight (it has none)"));
  EXPECT_TRUE(contains(error, "batch norm is folded"));

  graph::Graph same = network(1);
  passes::optimise(same);
  EXPECT_NO_THROW(with_weights(same, folded));
}

}  // namespace
}  // namespace riffle::trainer
