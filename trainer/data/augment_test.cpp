#include "trainer/data/augment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "tests/expect_error.hpp"

namespace riffle::trainer {
namespace {

using tests::contains;
using tests::error_of;

constexpr graph::Shape shape = {5, 7, 2};

/// 1, 2, 3 ...: no two values are the same, and none is zero.
std::vector<float> numbered(const graph::Shape& of) {
  std::vector<float> planes(static_cast<std::size_t>(of.size()));
  std::iota(planes.begin(), planes.end(), 1.0F);
  return planes;
}

/// Pixel (y, x) of plane c, zero outside.
float pixel(const std::vector<float>& planes, std::int32_t c, std::int32_t y, std::int32_t x) {
  if (y < 0 || y >= shape.h || x < 0 || x >= shape.w) return 0.0F;
  return planes[static_cast<std::size_t>((c * shape.h + y) * shape.w + x)];
}

std::vector<Change> draw(const Augmentation& augmentation, std::int32_t size, std::int64_t count) {
  std::vector<Change> changes;
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(7, Purpose::augmentation, 0, i);
    changes.push_back(draw_change(augmentation, size, size, random));
  }
  return changes;
}

/// Is a share of `count` draws what a probability promises, to five standard deviations?
::testing::AssertionResult is_share(std::int64_t seen, std::int64_t count, double probability) {
  const double expected = probability * static_cast<double>(count);
  const double reach = 5 * std::sqrt(expected * (1 - probability));
  if (std::abs(static_cast<double>(seen) - expected) <= reach) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << seen << " of " << count << ", not " << expected << " +- " << reach;
}

TEST(Random, depends_on_what_it_is_for) {
  Random first(1, Purpose::augmentation, 2, 3), again(1, Purpose::augmentation, 2, 3);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(first.bits(), again.bits());
  const std::uint64_t bits = Random(1, Purpose::augmentation, 2, 3).bits();
  EXPECT_NE(Random(2, Purpose::augmentation, 2, 3).bits(), bits);
  EXPECT_NE(Random(1, Purpose::order, 2, 3).bits(), bits);
  EXPECT_NE(Random(1, Purpose::augmentation, 3, 3).bits(), bits);
  EXPECT_NE(Random(1, Purpose::augmentation, 2, 4).bits(), bits);
  EXPECT_NE(Random(1, Purpose::augmentation, 3, 2).bits(), bits);
}

TEST(Random, is_even) {
  constexpr int count = 100000;
  std::map<std::int64_t, std::int64_t> seen;
  double sum = 0;
  Random random(0, Purpose::order, 0);
  for (int i = 0; i < count; ++i) {
    ++seen[random.below(6)];
    const double value = random.uniform();
    ASSERT_TRUE(value >= 0 && value < 1);
    sum += value;
  }
  ASSERT_EQ(seen.size(), 6U);
  for (const auto& [value, times] : seen) EXPECT_TRUE(is_share(times, count, 1.0 / 6)) << value;
  EXPECT_NEAR(sum / count, 0.5, 5 / std::sqrt(12.0 * count));
}

TEST(Random, shuffles_to_every_order) {
  constexpr int count = 24000;
  std::map<std::vector<int>, std::int64_t> seen;
  for (int i = 0; i < count; ++i) {
    std::vector<int> cards = {0, 1, 2, 3};
    Random random(0, Purpose::order, i);
    shuffle(cards, random);
    ++seen[cards];
  }
  ASSERT_EQ(seen.size(), 24U);
  for (const auto& [order, times] : seen) EXPECT_TRUE(is_share(times, count, 1.0 / 24));
}

TEST(Augmentation, by_default_changes_nothing) {
  std::vector<float> planes = numbered(shape);
  Random random(1, Purpose::augmentation, 0);
  apply(draw_change({}, shape.h, shape.w, random), shape, planes);
  EXPECT_EQ(planes, numbered(shape));
}

TEST(Augmentation, crops_a_window_of_the_padded_picture) {
  const std::vector<float> before = numbered(shape);
  for (std::int32_t down = -9; down <= 9; ++down) {
    for (std::int32_t right = -9; right <= 9; ++right) {
      std::vector<float> after = before;
      apply({.down = down, .right = right}, shape, after);
      for (std::int32_t c = 0; c < shape.c; ++c) {
        for (std::int32_t y = 0; y < shape.h; ++y) {
          for (std::int32_t x = 0; x < shape.w; ++x) {
            ASSERT_EQ(pixel(after, c, y, x), pixel(before, c, y + down, x + right)) << down << ", " << right;
          }
        }
      }
    }
  }
}

TEST(Augmentation, crops_anywhere) {
  constexpr int count = 50000;
  std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> seen;
  for (const Change& change : draw({.crop_padding = 2}, 28, count)) ++seen[{change.down, change.right}];
  ASSERT_EQ(seen.size(), 25U);
  EXPECT_EQ(seen.begin()->first, std::pair(-2, -2));
  EXPECT_EQ(seen.rbegin()->first, std::pair(2, 2));
  for (const auto& [place, times] : seen) EXPECT_TRUE(is_share(times, count, 1.0 / 25));
}

TEST(Augmentation, flips_left_and_right) {
  std::vector<float> planes = numbered(shape);
  apply({.flip = true}, shape, planes);
  for (std::int32_t c = 0; c < shape.c; ++c) {
    for (std::int32_t y = 0; y < shape.h; ++y) {
      for (std::int32_t x = 0; x < shape.w; ++x) {
        EXPECT_EQ(pixel(planes, c, y, x), pixel(numbered(shape), c, y, shape.w - 1 - x));
      }
    }
  }
  apply({.flip = true}, shape, planes);
  EXPECT_EQ(planes, numbered(shape));
}

TEST(Augmentation, flips_as_often_as_asked) {
  constexpr int count = 20000;
  for (const float probability : {0.0F, 0.25F, 0.5F, 1.0F}) {
    const std::vector<Change> changes = draw({.flip = probability}, 28, count);
    const auto flipped = std::count_if(changes.begin(), changes.end(), [](const Change& c) { return c.flip; });
    EXPECT_TRUE(is_share(flipped, count, static_cast<double>(probability))) << probability;
  }
}

TEST(Augmentation, erases_a_rectangle_and_nothing_else) {
  std::vector<float> planes = numbered(shape);
  apply({.erased = {.top = 1, .left = 2, .height = 3, .width = 4}}, shape, planes);
  for (std::int32_t c = 0; c < shape.c; ++c) {
    for (std::int32_t y = 0; y < shape.h; ++y) {
      for (std::int32_t x = 0; x < shape.w; ++x) {
        const bool erased = y >= 1 && y < 4 && x >= 2 && x < 6;
        EXPECT_EQ(pixel(planes, c, y, x), erased ? 0.0F : pixel(numbered(shape), c, y, x)) << y << ", " << x;
      }
    }
  }
}

TEST(Augmentation, erases_rectangles_of_the_paper) {
  constexpr int count = 20000;
  constexpr std::int32_t size = 1000;  // large, so that rounding to pixels does not matter
  std::int64_t erased = 0, tall = 0;
  double share = 0;
  for (const Change& change : draw({.erase = 0.5F}, size, count)) {
    const Rectangle& r = change.erased;
    if (r.height == 0) continue;
    ++erased;
    ASSERT_TRUE(r.top >= 0 && r.left >= 0 && r.top + r.height <= size && r.left + r.width <= size);
    const double area = static_cast<double>(r.height) * r.width / (size * size);
    const double aspect = static_cast<double>(r.height) / r.width;
    ASSERT_TRUE(area > 0.0195 && area < 0.3305) << area;
    ASSERT_TRUE(aspect > 0.295 && aspect < 3.35) << aspect;
    share += area;
    if (r.height > r.width) ++tall;
  }
  EXPECT_TRUE(is_share(erased, count, 0.5));
  // An area of more than 1 / 3.3 does not fit at the longest aspects, so that the mean is a little below the middle.
  EXPECT_NEAR(share / static_cast<double>(erased), 0.175, 0.005);
  EXPECT_NEAR(static_cast<double>(tall) / static_cast<double>(erased), 0.5, 0.03);
}

TEST(Augmentation, erases_what_fits_into_a_narrow_picture) {
  for (std::int64_t i = 0; i < 1000; ++i) {
    Random random(3, Purpose::augmentation, 0, i);
    const Rectangle r = draw_change({.erase = 1}, 1, 9, random).erased;
    ASSERT_TRUE(r.height <= 1 && r.left + r.width <= 9 && r.top == 0);
  }
}

TEST(Augmentation, crops_then_flips_then_erases) {
  const Change change = {
      .down = 1, .right = -2, .flip = true, .erased = {.top = 0, .left = 0, .height = 1, .width = 3}};
  std::vector<float> together = numbered(shape), apart = numbered(shape);
  apply(change, shape, together);
  apply({.down = 1, .right = -2}, shape, apart);
  apply({.flip = true}, shape, apart);
  apply({.erased = change.erased}, shape, apart);
  EXPECT_EQ(together, apart);
}

TEST(Augmentation, what_is_out_of_range_is_named) {
  EXPECT_TRUE(contains(error_of([] { check({.crop_padding = -1}); }), "crop: a padding of -1"));
  EXPECT_TRUE(contains(error_of([] { check({.crop_padding = 1 << 30}); }), "crop"));
  EXPECT_TRUE(contains(error_of([] { check({.flip = 1.5F}); }), "flip"));
  EXPECT_TRUE(contains(error_of([] { check({.erase = std::nanf("")}); }), "erase"));
  check({.crop_padding = 4, .flip = 1, .erase = 0});
}

}  // namespace
}  // namespace riffle::trainer
