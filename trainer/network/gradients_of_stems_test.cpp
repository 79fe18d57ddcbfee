// The first convolution, which reads planes, and max pooling that is part of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "kernels/testing.hpp"
#include "trainer/network/check_gradients.hpp"
#include "trainer/network/network.hpp"

namespace riffle::trainer::gradients {
namespace {

/// Where nothing costly is expected: an instruction set a test.
class StemGradientsOfAnIsa : public kernels::testing::EveryIsa {};

TEST(GradientsOfStems, OfOneAndOfThreePlanes) {
  for (const std::int32_t channels : {1, 3}) {
    Builder b(13, 12, channels);
    b.convolution("stem", 24, window(3, 2), 1, true);
    b.norm("norm");
    b.add("relu", relu);
    b.add("pool", graph::Pool{graph::PoolKind::max, window(3, 2), false, Activation::none});
    check(b.finish());
  }
}

TEST(GradientsOfStems, WithAnyWindow) {
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
TEST(GradientsOfStems, WithPooling) {
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

TEST(GradientsOfStems, WithPoolingInBands) {
  for (const graph::Window& w : {window(3, 2), window(5, 2)}) {
    Builder b(14, 130, 2);
    b.convolution("stem", 3, window(1));
    b.norm("norm", 0.0F, 2.0F);
    b.add("pool", graph::Pool{graph::PoolKind::max, w, false, Activation::none});
    b.convolution("a", 4, window(3, 2));
    check(b.finish());
  }
}

TEST(GradientsOfStems, WithPoolingAndMoreBehindIt) {
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
TEST(GradientsOfStems, StemOrInputThatPoolingDoesNotReadAlone) {
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

/// One filter of one plane is depthwise, too.
TEST(GradientsOfStems, OfOneFilterWithPooling) {
  Builder b(9, 8, 1);
  b.convolution("stem", 1, window(3));
  b.add("pool", graph::Pool{graph::PoolKind::max, window(3, 2), false, Activation::none});
  b.convolution("a", 6);
  check(b.finish());
}

TEST(GradientsOfStems, WithPoolingWhoseWeightsAreFrozen) {
  Builder b(9, 8, 1);
  b.convolution("stem", 12, window(3, 2));
  b.norm("norm", 0.0F, 2.0F);
  b.add("relu", relu);
  b.add("pool", graph::Pool{graph::PoolKind::max, window(3, 2), false, Activation::none});
  b.convolution("a", 6);
  check(b.finish(), 0.0F, "norm");
}

/// With weights, means and scales of the other sign a network computes the same.
TEST_P(StemGradientsOfAnIsa, WithPoolingIsTheSameUpsideDown) {
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

TEST(GradientsOfStems, InputThatSeveralRead) {
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

RIFFLE_EVERY_ISA(StemGradientsOfAnIsa);

}  // namespace
}  // namespace riffle::trainer::gradients
