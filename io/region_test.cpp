#include "io/region.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "io/resample.hpp"
#include "kernels/kernels.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

using io::Picture;
using io::Preprocess;

Picture waves(std::int32_t width, std::int32_t height) {
  Picture picture = {width, height, 3, {}};
  for (std::int32_t i = 0; i < width * height * 3; ++i) {
    picture.pixels.push_back(static_cast<std::uint8_t>(127.5 + 120 * std::sin(0.37 * i) * std::cos(0.011 * i)));
  }
  return picture;
}

constexpr graph::Shape input_shape = {10, 16, 3};

/// The numbers of an input, and where it lies.
struct Read {
  std::vector<float> input = std::vector<float>(static_cast<std::size_t>(input_shape.size()));
  std::optional<decode::Placement> placement;
};

Preprocess preprocess_of(const graph::Preprocessing& preprocessing) {
  return {input_shape, preprocessing, *kernels::find_kernels("scalar")};
}

Read whole(const Picture& picture, const graph::Preprocessing& preprocessing) {
  Read read;
  Preprocess preprocess = preprocess_of(preprocessing);
  preprocess(picture, std::as_writable_bytes(std::span(read.input)));
  read.placement = preprocess.placement(picture);
  return read;
}

Read region(const Picture& picture, const graph::Preprocessing& preprocessing, const graph::Region& region,
            const decode::Detection& box, std::span<const float> points = {}) {
  Read read;
  Preprocess preprocess = preprocess_of(preprocessing);
  read.placement = io::read_region(picture, region, box, points, input_shape, preprocess,
                                   std::as_writable_bytes(std::span(read.input)));
  return read;
}

void expect_near(const Read& a, const Read& b, float tolerance) {
  for (std::size_t i = 0; i < a.input.size(); ++i) ASSERT_NEAR(a.input[i], b.input[i], tolerance) << i;
}

const graph::Preprocessing plain = {.antialias = false, .mean = {0.5F, 0.4F, 0.3F}, .deviation = {0.25F, 0.5F, 1}};

TEST(Region, of_all_of_a_picture_is_the_stretched_picture) {
  const Picture picture = waves(38, 24);
  for (const bool bgr : {false, true}) {
    graph::Preprocessing preprocessing = plain;
    preprocessing.bgr = bgr;
    const Read expected = whole(picture, preprocessing);
    expect_near(region(picture, preprocessing, {}, {0, 0, 38, 24}), expected, 1e-4F);
    expect_near(region(picture, preprocessing, {.cut = true}, {0, 0, 38, 24}), expected, 0);
    // Twice as large as a box in the middle.
    const Read read = region(picture, preprocessing, {.scale = 2}, {9.5F, 6, 28.5F, 18});
    expect_near(read, expected, 1e-4F);
    EXPECT_NEAR(read.placement->x(16, 0), 38, 1e-6);
    EXPECT_NEAR(read.placement->y(0, 10), 24, 1e-6);
  }
}

TEST(Region, ends_at_the_pictures_edges_or_goes_on) {
  const Picture picture = waves(40, 30);
  const Read cut = region(picture, plain, {.cut = true}, {-7.5F, 4, 20.9F, 16});
  expect_near(cut, whole(io::cut_out(picture, 0, 4, 19, 16), plain), 0);  // (-7 + 20) / 2 is 6, and 13 to each side
  EXPECT_NEAR(cut.placement->x(16, 0), 19, 1e-9);
  EXPECT_NEAR(cut.placement->y(0, 0), 4, 1e-9);
  // Beyond the right edge each row is its last pixel.
  const Read beyond = region(picture, plain, {}, {100, 0, 116, 10});
  for (std::int32_t y = 0; y < 10; ++y) {
    const auto pixel = static_cast<float>(picture.pixels[static_cast<std::size_t>(3 * (40 * y + 39))]);
    EXPECT_NEAR(beyond.input[static_cast<std::size_t>(16 * y)], (pixel / 255 - 0.5F) / 0.25F, 1e-5F);
  }
}

TEST(Region, turns) {
  const Picture picture = waves(40, 30);
  // From the second point down to the first: what is below is on the right. 10 x 16 pixels become 16 x 10.
  const std::vector<float> points = {20, 20, 20, 5};
  const Read read = region(picture, plain, {.turn_from = 1, .turn_to = 0}, {12, 10, 28, 20}, points);
  ASSERT_TRUE(read.placement);
  EXPECT_NEAR(read.placement->x(0, 0), 25, 1e-9);
  EXPECT_NEAR(read.placement->y(0, 0), 7, 1e-9);
  for (std::int32_t y = 0; y < 10; ++y) {
    for (std::int32_t x = 0; x < 16; ++x) {
      const auto pixel = static_cast<float>(picture.pixels[static_cast<std::size_t>(3 * (40 * (7 + x) + 24 - y))]);
      ASSERT_NEAR(read.input[static_cast<std::size_t>(16 * y + x)], (pixel / 255 - 0.5F) / 0.25F, 1e-4F);
    }
  }
  EXPECT_TRUE(contains(error_of([&] {
                         region(picture, plain, {.turn_from = 0, .turn_to = 2}, {12, 10, 28, 20}, points);
                       }),
                       "turned by point 2"));
}

TEST(Region, is_antialiased_where_the_network_wants_it) {
  // Stripes of one pixel are grey in the mean.
  Picture stripes = {320, 200, 3, {}};
  for (std::int32_t i = 0; i < 320 * 200; ++i) {
    stripes.pixels.insert(stripes.pixels.end(), 3, static_cast<std::uint8_t>(i % 2 == 0 ? 0 : 200));
  }
  for (const float number : region(stripes, {}, {}, {40, 20, 240, 145}).input) EXPECT_NEAR(number, 100.0F / 255, 0.02F);
}

TEST(Region, of_boxes_that_are_none_is_none) {
  const Picture picture = waves(40, 30);
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  for (const bool cut : {false, true}) {
    for (const decode::Detection& box : {decode::Detection{nan, 0, 10, 10},
                                         {0, 0, infinite, 10},
                                         {-1e30F, 0, 1e30F, 9},
                                         {10, 0, 10, 10},
                                         {10, 0, 5, 9}}) {
      EXPECT_FALSE(region(picture, plain, {.cut = cut}, box).placement);
    }
  }
  EXPECT_FALSE(region(picture, plain, {.cut = true}, {50, 5, 60, 9}).placement);
  EXPECT_FALSE(
      region(picture, plain, {.turn_from = 0, .turn_to = 1}, {5, 5, 9, 9}, std::vector<float>{1, 1, nan, 2}).placement);
}

}  // namespace
}  // namespace riffle::tests
