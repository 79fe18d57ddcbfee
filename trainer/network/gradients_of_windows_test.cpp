// What slides a window over an image: pooling, windows that are rules, images that go through in bands.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "kernels/testing.hpp"
#include "trainer/network/check_gradients.hpp"
#include "trainer/network/network.hpp"

namespace riffle::trainer::gradients {
namespace {

/// Where nothing costly is expected: an instruction set a test.
class PoolingGradientsOfAnIsa : public kernels::testing::EveryIsa {};

TEST(GradientsOfWindows, Pooling) {
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

/// A plane of ones makes all values equal; one of the pixels' numbers, whose weights are zero, tells by its weights'
/// gradient which of them got theirs.
TEST_P(PoolingGradientsOfAnIsa, OfEqualValuesTheFirstIsTheMaximum) {
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

/// Windows that are rules, whose numbers follow from the size, and a layer of the whole image.
TEST(GradientsOfWindows, OfRules) {
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
TEST(GradientsOfWindows, WindowsInBands) {
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

RIFFLE_EVERY_ISA(PoolingGradientsOfAnIsa);

}  // namespace
}  // namespace riffle::trainer::gradients
