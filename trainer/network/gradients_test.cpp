// Every operation's gradient against central differences of the loss in double (reference.hpp), for every instruction
// set, on one thread and two.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "kernels/testing.hpp"
#include "models/random.hpp"
#include "trainer/network/network.hpp"
#include "trainer/network/reference.hpp"

namespace riffle::trainer {
namespace {

using graph::Activation;
using graph::Graph;
using graph::NodeId;

std::vector<float> random(const std::string& name, std::size_t count, float centre = 0.0F, float reach = 1.0F) {
  return models::random_values(1, name, count, {.centre = centre, .reach = reach});
}

/// A graph under construction. Weights are functions of the nodes' names.
class Builder {
 public:
  Builder(std::int32_t h, std::int32_t w, std::int32_t c) {
    graph.name = "test";
    last = graph.add("input", graph::Input{{h, w, c}});
    channels = c;
  }

  NodeId convolution(const std::string& name, std::int32_t outputs, graph::Window window = {}, std::int32_t groups = 1,
                     bool bias = false, Activation activation = Activation::none) {
    graph::Convolution node;
    node.outputs = outputs;
    node.groups = groups;
    node.window = window;
    const std::int32_t fan = channels / groups * window.kernel_h * window.kernel_w;
    const auto reach = static_cast<float>(std::sqrt(3.0 / fan));
    node.weights = graph::Constant(random(name + ".w", static_cast<std::size_t>(outputs * fan), 0.0F, reach));
    if (bias) node.bias = graph::Constant(random(name + ".b", static_cast<std::size_t>(outputs)));
    node.activation = activation;
    channels = outputs;
    return last = graph.add(name, std::move(node), {last});
  }
  NodeId norm(const std::string& name, float scale = 1.0F, float reach = 0.5F) {
    graph::BatchNorm node;
    const auto count = static_cast<std::size_t>(channels);
    node.scale = graph::Constant(random(name + ".s", count, scale, reach));
    node.shift = graph::Constant(random(name + ".t", count, 0.0F, 0.5F));
    node.mean = graph::Constant(std::vector<float>(count, 0.0F));
    node.variance = graph::Constant(std::vector<float>(count, 1.0F));
    return last = graph.add(name, std::move(node), {last});
  }
  NodeId add(const std::string& name, graph::Operation operation, std::vector<NodeId> inputs = {}) {
    return last = graph.add(name, std::move(operation), inputs.empty() ? std::vector{last} : std::move(inputs));
  }
  Graph finish(std::int32_t classes = 5) {
    add("pooled", graph::GlobalAveragePool{});
    graph::FullyConnected dense;
    dense.outputs = classes;
    dense.weights = graph::Constant(random("classifier.w", static_cast<std::size_t>(classes * channels)));
    dense.bias = graph::Constant(random("classifier.b", static_cast<std::size_t>(classes)));
    graph.outputs = {{add("classifier", std::move(dense))}};
    return graph;
  }

  Graph graph;
  NodeId last = 0;
  std::int32_t channels = 0;
};

graph::Window window(std::int32_t kernel, std::int32_t stride = 1, std::int32_t dilation = 1) {
  const std::int32_t pad = dilation * (kernel / 2);
  return {kernel, kernel, stride, stride, pad, pad, pad, pad, dilation, dilation};
}

constexpr graph::Activate relu{Activation::relu};

/// What the reference says of a graph: its loss, and the gradients of those parameters that are asked for, which take
/// most of a test's time and are the same for every instruction set.
class Expected {
 public:
  Expected(const Graph& graph, std::int32_t batch, std::span<const float> images, std::span<const std::int32_t> labels,
           double smoothing)
      : graph_(graph), evaluation_(graph, batch), images_(images), labels_(labels), smoothing_(smoothing) {}

  double loss() { return evaluation_.loss(images_, labels_, smoothing_); }

  /// Some elements of a parameter's gradient, by their places.
  const std::map<std::size_t, double>& gradient(const std::string& parameter) {
    const auto [found, is_new] = gradients_.try_emplace(parameter);
    if (is_new) found->second = differences(values(parameter));
    return found->second;
  }

  /// The reference's values of a parameter.
  std::vector<double>& values(const std::string& parameter) {
    const std::size_t dot = parameter.rfind('.');
    const auto node = std::ranges::find(graph_.nodes, parameter.substr(0, dot), &graph::Node::name);
    return evaluation_.weights.at({static_cast<NodeId>(node - graph_.nodes.begin()), parameter.substr(dot + 1)});
  }

 private:
  std::map<std::size_t, double> differences(std::vector<double>& values) {
    std::map<std::size_t, double> result;
    const std::size_t step = std::max<std::size_t>(1, values.size() / 7);
    for (std::size_t i = 0; i < values.size(); i += step) {
      constexpr double distance = 1e-6;
      const double value = values[i];
      values[i] = value + distance;
      const double above = loss();
      values[i] = value - distance;
      const double below = loss();
      values[i] = value;
      result[i] = (above - below) / (2 * distance);
    }
    return result;
  }

  const Graph& graph_;
  reference::Evaluation evaluation_;
  std::span<const float> images_;
  std::span<const std::int32_t> labels_;
  double smoothing_;
  std::map<std::string, std::map<std::size_t, double>> gradients_;
};

/// Every instruction set of this CPU, on one thread and on two: some elements of every parameter that is not frozen.
void check(const Graph& graph, float smoothing = 0.0F, const std::string& freeze = "") {
  const std::int32_t batch = 3;
  const graph::Shape shape = graph.input_shape();
  const std::vector<float> images = random("images", static_cast<std::size_t>(batch * shape.size()));
  const std::vector<std::int32_t> labels = {4, 0, 2};
  Expected expected(graph, batch, images, labels, static_cast<double>(smoothing));
  const double expected_loss = expected.loss();
  for (const kernels::Kernels* const kernels : kernels::all_kernels()) {
    if (!kernels->supported()) continue;
    for (const int threads : {1, 2}) {
      SCOPED_TRACE(std::string(kernels->isa) + ", " + std::to_string(threads) + " threads");
      NetworkOptions options;
      options.batch = batch + 1;
      options.threads = threads;
      options.label_smoothing = smoothing;
      options.freeze = freeze;
      options.kernels = kernels;
      Network network(graph, options);
      for (int repeat = 0; repeat < 2; ++repeat) {  // nothing is left over from the first
        EXPECT_NEAR(network.forward(images, labels).loss, expected_loss, 1e-5 * std::abs(expected_loss));
        network.backward();
      }
      for (const Parameter& parameter : network.parameters()) {
        if (parameter.frozen) continue;
        const std::size_t size = expected.values(parameter.name).size();
        ASSERT_EQ(size, parameter.values.size());
        ASSERT_EQ(size, parameter.gradient.size());
        double largest =
            0;  // a sum is as exact as its terms are large; a bias before a batch norm has all of them cancel
        for (const float g : parameter.gradient) largest = std::max(largest, std::abs(static_cast<double>(g)));
        for (const auto& [i, derivative] : expected.gradient(parameter.name)) {
          EXPECT_NEAR(static_cast<double>(parameter.gradient[i]), derivative, 2e-5 * largest + 5e-6)
              << parameter.name << "[" << i << "]";
        }
      }
    }
  }
}

/// Where nothing costly is expected: an instruction set a test.
class GradientsOfAnIsa : public kernels::testing::EveryIsa {};

TEST(Gradients, Pointwise) {
  Builder b(5, 7, 3);
  b.convolution("a", 18);
  b.convolution("b", 37, {}, 1, true);
  check(b.finish());
}

TEST(Gradients, PointwiseInGroups) {
  for (const std::int32_t groups : {2, 3}) {
    Builder b(6, 5, 4);
    b.convolution("a", 18);
    b.convolution("b", 30, {}, groups, true);
    b.add("shuffled", graph::Shuffle{groups});
    b.convolution("c", 12, {}, groups);
    check(b.finish());
  }
}

// A few outputs more than whole vectors of them, on the way forward (b) and back (c): dot products.
TEST(Gradients, PointwiseOfAFewOutputsTooMany) {
  for (const std::int32_t rest : {1, 2, 3, 4}) {
    Builder b(3, 5, 4);
    b.convolution("a", 48, {}, 2);
    b.convolution("b", 2 * (16 + rest), {}, 2, true);
    b.norm("b.norm");
    b.convolution("c", 48, {}, 2);
    check(b.finish());
  }
}

TEST(Gradients, BatchNormAndRelu) {
  for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
    Builder b(6, 5, 3);
    b.convolution("a", 20, {}, 1, true);
    b.norm("a.norm");
    if (activation != Activation::none) b.add("a.act", graph::Activate{activation});
    b.convolution("b", 17);
    b.norm("b.norm");
    b.add("b.relu", relu);
    check(b.finish());
  }
}

TEST(Gradients, Depthwise) {
  for (const std::int32_t stride : {1, 2}) {
    for (const auto& [h, w] : {std::pair{8, 7}, {1, 9}, {2, 2}}) {
      Builder b(h, w, 3);
      b.convolution("a", 21);
      b.norm("a.norm");
      b.add("a.relu", relu);
      b.convolution("d", 21, window(3, stride), 21, stride == 2);
      b.norm("d.norm");
      b.convolution("c", 9);
      check(b.finish());
    }
  }
}

TEST(Gradients, DepthwiseWithAnyPaddingAndStride) {
  graph::Window lopsided = window(3, 2);
  lopsided.pad_top = 0;
  lopsided.pad_left = 2;
  graph::Window valid = window(3);
  valid.pad_top = valid.pad_left = valid.pad_bottom = valid.pad_right = 0;
  graph::Window flat = window(3);
  flat.stride_h = 3;
  for (const graph::Window& w : {lopsided, valid, flat, window(3, 3)}) {
    Builder b(9, 8, 2);
    b.convolution("a", 18);
    b.add("a.relu", relu);
    b.convolution("d", 18, w, 18, true);
    b.norm("d.norm");
    check(b.finish());
  }
}

TEST(Gradients, Convolution) {
  struct Case {
    graph::Window window;
    std::int32_t groups;
  };
  graph::Window lopsided = window(3);
  lopsided.pad_top = 2;
  lopsided.pad_right = 0;
  lopsided.stride_w = 2;
  for (const Case& c : {Case{window(3, 2), 1},
                        {window(5), 1},
                        {window(3, 1, 2), 2},
                        {window(5, 1, 2), 6},
                        {window(3, 1), 3},
                        {lopsided, 1},
                        {window(1, 2), 1}}) {
    Builder b(9, 8, 2);
    b.convolution("a", 6);
    b.add("a.relu", relu);
    b.convolution("b", 12, c.window, c.groups, true);
    b.norm("b.norm");
    b.add("b.relu", relu);
    check(b.finish());
  }
}

TEST(Gradients, Stem) {
  for (const std::int32_t channels : {1, 3}) {
    Builder b(13, 12, channels);
    b.convolution("stem", 24, window(3, 2), 1, true);
    b.norm("norm");
    b.add("relu", relu);
    b.add("pool", graph::Pool{graph::PoolKind::max, window(3, 2), false, Activation::none});
    check(b.finish());
  }
}

TEST(Gradients, StemWithAnyWindow) {
  graph::Window lopsided = window(3);
  lopsided.pad_top = 2;
  lopsided.pad_right = 0;
  lopsided.stride_w = 2;
  graph::Window valid = window(3, 3);
  valid.pad_top = valid.pad_left = valid.pad_bottom = valid.pad_right = 0;
  std::int32_t channels = 0;
  for (const graph::Window& w :
       {window(3), window(5, 2), window(7, 2), window(3, 1, 2), window(1, 2), lopsided, valid}) {
    for (const bool normed : {false, true}) {
      channels = channels % 4 + 1;
      Builder b(9, 8, channels);
      b.convolution("stem", normed ? 70 : 11, w, 1, !normed);  // more than a panel, and less than a vector
      if (normed) b.norm("norm");
      b.add("relu", relu);
      check(b.finish());
    }
  }
}

/// Max pooling is part of the first layer, whose channels may have scales of either sign.
TEST(Gradients, StemWithPooling) {
  graph::Window lopsided = window(3, 2);
  lopsided.pad_top = lopsided.pad_left = 0;
  lopsided.pad_bottom = 2;
  graph::Window apart = window(2, 3);  // between the windows are pixels that none reads
  apart.pad_bottom = apart.pad_right = 0;
  for (const graph::Window& w : {window(3, 2), window(3), window(5, 2), lopsided, apart}) {
    for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
      Builder b(11, 14, activation == Activation::none ? 3 : 1);
      b.convolution("stem", activation == Activation::none ? 21 : 5, window(3));
      b.norm("norm", 0.0F, 2.0F);
      if (activation != Activation::none) b.add("act", graph::Activate{activation});
      b.add("pool", graph::Pool{graph::PoolKind::max, w, false, Activation::none});
      b.convolution("a", 6);
      check(b.finish());
    }
  }
}

TEST(Gradients, StemWithPoolingInBands) {
  for (const graph::Window& w : {window(3, 2), window(5, 2)}) {
    Builder b(14, 130, 2);
    b.convolution("stem", 3, window(1));
    b.norm("norm", 0.0F, 2.0F);
    b.add("pool", graph::Pool{graph::PoolKind::max, w, false, Activation::none});
    b.convolution("a", 4, window(3, 2));
    check(b.finish());
  }
}

TEST(Gradients, StemWithPoolingAndMoreBehindIt) {
  for (const bool with_norm : {false, true}) {
    for (const Activation before : {Activation::none, Activation::relu}) {
      Builder b(9, 8, 1);
      b.convolution("stem", 12, window(3, 2), 1, true, with_norm ? Activation::none : before);
      if (with_norm) b.norm("norm", 0.0F, 2.0F);
      if (with_norm && before != Activation::none) b.add("act", graph::Activate{before});
      b.add("shuffled", graph::Shuffle{3});
      b.add("pool", graph::Pool{graph::PoolKind::max, window(3, 2), false, Activation::relu6});
      b.norm("pool.norm");
      b.convolution("a", 6);
      check(b.finish());
    }
  }
}

/// Then pooling is a layer of its own.
TEST(Gradients, StemOrInputThatPoolingDoesNotReadAlone) {
  const graph::Pool pool{graph::PoolKind::max, window(3), false, Activation::none};
  for (const bool stem : {true, false}) {
    Builder b(7, 8, 1);
    const NodeId a = b.convolution("stem", 5, window(3));
    const NodeId pooled = b.add("pool", pool);
    b.last = 0, b.channels = 1;
    const NodeId other = stem ? a : b.convolution("other", 5, window(3));
    b.add("both", graph::Concat{}, {pooled, other});
    b.channels = 10;
    b.norm("norm", 0.0F, 2.0F);
    b.convolution("b", 6);
    check(b.finish());
  }
}

TEST(Gradients, StemWithPoolingWhoseWeightsAreFrozen) {
  Builder b(9, 8, 1);
  b.convolution("stem", 12, window(3, 2));
  b.norm("norm", 0.0F, 2.0F);
  b.add("relu", relu);
  b.add("pool", graph::Pool{graph::PoolKind::max, window(3, 2), false, Activation::none});
  b.convolution("a", 6);
  check(b.finish(), 0.0F, "norm");
}

/// With weights, means and scales of the other sign a network computes the same.
TEST_P(GradientsOfAnIsa, StemWithPoolingIsTheSameUpsideDown) {
  Builder b(9, 8, 2);
  b.convolution("stem", 12, window(3, 2), 1, true);
  b.norm("norm", 0.0F, 2.0F);
  b.add("relu", relu);
  b.add("pool", graph::Pool{graph::PoolKind::max, window(3, 2), false, Activation::none});
  b.convolution("a", 6);
  const Graph graph = b.finish();
  for (const char* const freeze : {"", "a"}) {
    std::vector<std::vector<float>> results;
    for (const float sign : {1.0F, -1.0F}) {
      NetworkOptions options;
      options.batch = 2;
      options.freeze = freeze;
      options.kernels = &kernels();
      Network network(graph, options);
      const std::set<std::string> turned = {"stem.weight", "stem.bias", "norm.weight", "norm.running_mean"};
      const auto turn = [&](const std::string& name, std::span<float> values) {
        for (float& value : values) value *= turned.contains(name) ? sign : 1.0F;
      };
      for (const Parameter& parameter : network.parameters()) turn(parameter.name, parameter.values);
      for (const Statistic& statistic : network.statistics()) {
        const std::vector<float> values = random(statistic.name, statistic.values.size(), 1.0F, 0.5F);
        std::copy(values.begin(), values.end(), statistic.values.begin());
        turn(statistic.name, statistic.values);
      }
      network.forward(random("images", 2 * 9 * 8 * 2), std::vector<std::int32_t>{1, 3});
      network.backward();
      std::vector<float> result(network.logits().begin(), network.logits().end());
      const auto add = [&](const std::string& name, std::span<float> values) {
        turn(name, values);
        result.insert(result.end(), values.begin(), values.end());
      };
      for (const Parameter& parameter : network.parameters()) add(parameter.name, parameter.gradient);
      for (const Statistic& statistic : network.statistics()) add(statistic.name, statistic.values);
      results.push_back(std::move(result));
    }
    EXPECT_EQ(results[0], results[1]) << freeze;
  }
}

TEST(Gradients, InputThatSeveralRead) {
  for (const bool planes : {true, false}) {
    Builder b(6, 7, 2);
    const NodeId a = b.convolution("a", 5, window(3));
    b.last = 0, b.channels = 2;
    if (!planes) b.add("pool", graph::Pool{graph::PoolKind::max, window(3), false, Activation::none});
    const NodeId c = b.convolution("c", 6, window(3), 1, true);
    b.add("both", graph::Concat{}, {a, c});
    b.channels = 11;
    b.norm("norm");
    b.add("relu", relu);
    check(b.finish());
  }
}

/// Convolutions of the input that are not the stem's.
TEST(Gradients, InputOfManyChannelsOrInGroups) {
  for (const std::int32_t groups : {1, 2}) {
    Builder b(6, 7, groups == 1 ? 5 : 4);
    b.convolution("a", 12, window(3), groups, true);
    b.norm("norm");
    b.add("relu", relu);
    check(b.finish());
  }
}

TEST(Gradients, Pooling) {
  for (const graph::PoolKind kind : {graph::PoolKind::max, graph::PoolKind::average}) {
    for (const bool count : {false, true}) {
      for (const std::int32_t stride : {1, 2}) {
        Builder b(7, 8, 5);  // too many for a stem, whose part max pooling would be
        b.convolution("a", 19);
        b.add("pool", graph::Pool{kind, window(3, stride), count, Activation::relu});
        b.convolution("b", 8);
        check(b.finish());
      }
    }
  }
}

/// Windows that are rules, whose numbers follow from the size, and a layer of the whole image.
TEST(Gradients, OfRules) {
  const auto check_behind = [&](const auto& add) {
    Builder b(9, 8, 5);
    b.convolution("a", 6);
    b.add("a.relu", relu);
    add(b);
    b.norm("norm");
    check(b.finish());
  };
  for (const graph::AutoPad auto_pad : {graph::AutoPad::same_upper, graph::AutoPad::same_lower}) {
    graph::Window same = window(3, 2);
    same.pad_top = same.pad_left = same.pad_bottom = same.pad_right = 0;
    same.auto_pad = auto_pad;
    check_behind([&](Builder& b) { b.convolution("depthwise", 6, same, 6); });
    check_behind([&](Builder& b) { b.convolution("convolution", 4, same); });
    Builder stem(12, 13, 3);
    stem.convolution("stem", 8, same);
    stem.norm("norm");
    stem.add("relu", relu);
    stem.add("pool", graph::Pool{graph::PoolKind::max, same, false, Activation::none});
    check(stem.finish());
  }
  for (const graph::PoolKind kind : {graph::PoolKind::max, graph::PoolKind::average}) {
    for (const bool count : {false, true}) {
      graph::Window ceil = window(3, 2);
      ceil.pad_top = ceil.pad_left = 0;
      ceil.ceil_mode = true;
      check_behind([&](Builder& b) { b.add("pool", graph::Pool{kind, ceil, count, Activation::none}); });
    }
    const graph::Window rows{.kernel_h = 0, .kernel_w = 1};
    check_behind([&](Builder& b) { b.add("pool", graph::Pool{kind, rows, false, Activation::none}); });
  }
  Builder b(5, 4, 2);
  b.convolution("a", 6, window(3));
  b.norm("norm");
  b.add("relu", relu);
  graph::FullyConnected dense{5, graph::Constant(random("dense", 5 * 6 * 20)), graph::Constant(random("bias", 5))};
  dense.height = 5;
  dense.width = 4;
  b.graph.outputs = {{b.add("dense", dense)}};
  check(b.graph);
}

/// Rows so wide that an image goes through its window's rings in several bands.
TEST(Gradients, WindowsInBands) {
  const auto check_band = [&](const auto& add) {
    Builder b(14, 130, 5);
    b.convolution("a", 3);  // few values, of which no two are so close that a maximum moves by a difference
    add(b);
    b.norm("norm");  // without it all of an image's pixels have the same gradient
    check(b.finish());
  };
  graph::Window valid = window(3, 2);  // does not reach the last row
  valid.pad_top = valid.pad_left = valid.pad_bottom = valid.pad_right = 0;
  for (const std::int32_t stride : {1, 2}) {
    check_band([&](Builder& b) { b.convolution("d", 3, window(3, stride), 3); });
  }
  for (const graph::PoolKind kind : {graph::PoolKind::max, graph::PoolKind::average}) {
    for (const graph::Window& w : {window(3, 2), window(5, 2), valid}) {
      check_band([&](Builder& b) { b.add("pool", graph::Pool{kind, w, false, Activation::none}); });
    }
  }
}

/// A plane of ones makes all values equal; one of the pixels' numbers, whose weights are zero, tells by its weights'
/// gradient which of them got theirs.
TEST_P(GradientsOfAnIsa, OfEqualValuesTheFirstIsTheMaximum) {
  constexpr std::int32_t h = 8, w = 7;
  for (const auto& [stride, channels] : {std::pair{1, 2}, {2, 2}, {3, 2}, {1, 5}, {2, 5}, {3, 5}}) {
    Builder b(h, w, channels);  // 2: pooling is part of the convolution
    b.convolution("a", 19);
    b.add("pool", graph::Pool{graph::PoolKind::max, window(3, stride), false, Activation::none});
    NetworkOptions options;
    options.batch = 1;
    options.kernels = &kernels();
    Network network(b.finish(), options);
    std::vector<float> images(static_cast<std::size_t>(channels * h * w), 0.0F);
    std::fill_n(images.begin(), h * w, 1.0F);
    for (std::size_t p = 0; p < h * w; ++p) images[h * w + p] = static_cast<float>(p);
    const Parameter& weights = network.parameters()[0];
    const auto inputs = static_cast<std::size_t>(channels);
    for (std::size_t c = 0; c < 19; ++c) weights.values[inputs * c + 1] = 0.0F;
    network.forward(images, std::vector<std::int32_t>{1});
    network.backward();
    float sum = 0, windows = 0;
    for (std::int32_t top = -1; top + 2 <= h; top += stride) {
      for (std::int32_t left = -1; left + 2 <= w; left += stride, ++windows) {
        sum += static_cast<float>(std::max(top, 0) * w + std::max(left, 0));
      }
    }
    for (std::size_t c = 0; c < 19; ++c) {
      const float expected = weights.gradient[inputs * c] * sum / windows;
      EXPECT_NEAR(weights.gradient[inputs * c + 1], expected, 1e-4F * std::abs(expected))
          << c << ", stride " << stride << ", channels " << channels;
    }
  }
}

TEST(Gradients, SumSplitConcatShuffle) {
  Builder b(5, 4, 3);
  const NodeId a = b.convolution("a", 20);
  b.norm("a.norm");
  b.add("a.relu", relu);
  const NodeId joined = b.last;
  const NodeId left = b.add("left", graph::Slice{0, 10}, {joined});
  const NodeId right = b.add("right", graph::Slice{10, 10}, {joined});
  b.channels = 10;
  b.convolution("b", 10);
  b.norm("b.norm");
  const NodeId sum = b.add("sum", graph::Add{Activation::relu}, {b.last, right});
  b.add("concat", graph::Concat{}, {left, sum});
  b.add("shuffle", graph::Shuffle{2});
  b.channels = 20;
  b.convolution("c", 14);
  b.add("twice", graph::Add{Activation::none}, {b.last, b.last});
  static_cast<void>(a);
  check(b.finish());
}

TEST(Gradients, PartsThatDifferentLayersRead) {
  for (const bool with_norm : {true, false}) {
    Builder b(5, 4, 4);
    NodeId a = b.convolution("a", 60, {}, with_norm ? 1 : 2, true);
    if (with_norm) a = b.norm("a.norm");
    a = b.add("a.relu", relu);
    const auto slice = [&](const std::string& name, std::int32_t first, std::int32_t count) {
      b.channels = count;
      return b.add(name, graph::Slice{first, count}, {a});
    };
    const NodeId last = slice("last", 20, 19);  // from 39 to 43 nobody reads, then too few for a part of their own
    const NodeId few = slice("few", 43, 6);
    const NodeId last_too = slice("last too", 49, 11);
    slice("first", 0, 20);
    const NodeId first = b.convolution("b", 9, window(3));
    b.norm("b.norm");
    b.add("middle", graph::Concat{}, {first, few});
    b.channels = 15;
    const NodeId middle = b.convolution("c", 18);
    b.add("all", graph::Concat{}, {last, middle, last_too});
    b.channels = 48;
    b.convolution("d", 7);
    check(b.finish());
  }
}

TEST(Gradients, WhatIsReadBothWaysIsCopied) {
  Builder b(4, 4, 3);
  const NodeId a = b.convolution("a", 18);
  const NodeId normed = b.norm("a.norm");                 // reads a, which "sum" reads, too
  const NodeId activated = b.add("act", relu, {normed});  // likewise
  const NodeId sum = b.add("sum", graph::Add{Activation::none}, {a, activated});
  b.add("both", graph::Concat{}, {sum, normed});
  b.channels = 36;
  b.norm("concat.norm");  // over two results
  b.convolution("c", 9, {}, 1, true, Activation::relu);
  check(b.finish());
}

TEST(Gradients, FusedResidualAndChannelsThatNobodyReads) {
  Builder b(4, 5, 3);
  const NodeId a = b.convolution("a", 16, {}, 1, true, Activation::relu);
  graph::Convolution node;
  node.outputs = 16;
  node.weights = graph::Constant(random("r.w", 256, 0.0F, 0.4F));
  node.activation = Activation::relu;
  b.add("r", std::move(node), {a, a});
  b.norm("r.norm");
  b.add("some", graph::Gather{{3, 5, 4, 15, 0, 3}});
  b.channels = 6;
  check(b.finish());
}

TEST(Gradients, LabelSmoothing) {
  Builder b(3, 3, 2);
  b.convolution("a", 7);
  b.add("relu", relu);
  check(b.finish(), 0.1F);
}

RIFFLE_EVERY_ISA(GradientsOfAnIsa);

}  // namespace
}  // namespace riffle::trainer
