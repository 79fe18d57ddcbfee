// What stands between layers: batch norm, activations, sums, channels that are moved; and the loss behind them.
#include <gtest/gtest.h>

#include "trainer/network/check_gradients.hpp"

namespace riffle::trainer::gradients {
namespace {

TEST(GradientsBetweenLayers, BatchNormAndRelu) {
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

TEST(GradientsBetweenLayers, SumSplitConcatShuffle) {
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
  const NodeId sum = b.add("sum", graph::Binary{.activation = Activation::relu}, {b.last, right});
  b.add("concat", graph::Concat{}, {left, sum});
  b.add("shuffle", graph::Shuffle{2});
  b.channels = 20;
  b.convolution("c", 14);
  b.add("twice", graph::Binary{.activation = Activation::none}, {b.last, b.last});
  static_cast<void>(a);
  check(b.finish());
}

TEST(GradientsBetweenLayers, PartsThatDifferentLayersRead) {
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

TEST(GradientsBetweenLayers, WhatIsReadBothWaysIsCopied) {
  Builder b(4, 4, 3);
  const NodeId a = b.convolution("a", 18);
  const NodeId normed = b.norm("a.norm");                 // reads a, which "sum" reads, too
  const NodeId activated = b.add("act", relu, {normed});  // likewise
  const NodeId sum = b.add("sum", graph::Binary{.activation = Activation::none}, {a, activated});
  b.add("both", graph::Concat{}, {sum, normed});
  b.channels = 36;
  b.norm("concat.norm");  // over two results
  b.convolution("c", 9, {}, 1, true, Activation::relu);
  check(b.finish());
}

TEST(GradientsBetweenLayers, FusedResidualAndChannelsThatNobodyReads) {
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

TEST(GradientsBetweenLayers, LabelSmoothing) {
  Builder b(3, 3, 2);
  b.convolution("a", 7);
  b.add("relu", relu);
  check(b.finish(), 0.1F);
}

}  // namespace
}  // namespace riffle::trainer::gradients
