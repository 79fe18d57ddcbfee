// Convolutions of a layer's result, and those of the input that are not the stem's.
#include <gtest/gtest.h>

#include "trainer/network/check_gradients.hpp"

namespace riffle::trainer::gradients {
namespace {

TEST(GradientsOfConvolutions, Pointwise) {
  Builder b(5, 7, 3);
  b.convolution("a", 18);
  b.convolution("b", 37, {}, 1, true);
  check(b.finish());
}

TEST(GradientsOfConvolutions, PointwiseInGroups) {
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
TEST(GradientsOfConvolutions, PointwiseOfAFewOutputsTooMany) {
  for (const std::int32_t rest : {1, 2, 3, 4}) {
    Builder b(3, 5, 4);
    b.convolution("a", 48, {}, 2);
    b.convolution("b", 2 * (16 + rest), {}, 2, true);
    b.norm("b.norm");
    b.convolution("c", 48, {}, 2);
    check(b.finish());
  }
}

TEST(GradientsOfConvolutions, Depthwise) {
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

TEST(GradientsOfConvolutions, DepthwiseWithAnyPaddingAndStride) {
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

TEST(GradientsOfConvolutions, Convolution) {
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

/// Convolutions of the input that are not the stem's.
TEST(GradientsOfConvolutions, InputOfManyChannelsOrInGroups) {
  for (const std::int32_t groups : {1, 2}) {
    Builder b(6, 7, groups == 1 ? 5 : 4);
    b.convolution("a", 12, window(3), groups, true);
    b.norm("norm");
    b.add("relu", relu);
    check(b.finish());
  }
}

TEST(GradientsOfConvolutions, FullyConnectedOfThePicture) {
  for (const std::int32_t channels : {2, 5}) {  // 2: a stem
    Builder b(5, 4, channels);
    graph::FullyConnected dense{5, graph::Constant(random("dense", static_cast<std::size_t>(5 * 20 * channels))),
                                graph::Constant(random("bias", 5))};
    dense.height = 5;
    dense.width = 4;
    b.graph.outputs = {{b.add("dense", dense)}};
    check(b.graph);
  }
}

}  // namespace
}  // namespace riffle::trainer::gradients
