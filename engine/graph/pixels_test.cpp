#include "engine/graph/pixels.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace riffle::graph {
namespace {

using Rows = std::vector<std::int32_t>;

Shape rows(std::int32_t h) { return {h, 1, 1}; }

/// The operand's rows that a resize to the nearest takes.
Rows nearest(const Resize& resize, std::int32_t in) {
  return selected_pixels(resize, rows(in), result_shape(resize, rows(in), nullptr)).rows;
}

/// Where on the operand's rows those of a linear resize lie.
std::vector<float> places(Coordinates coordinates, std::int32_t in, float scale, std::int32_t out = 0) {
  const Resize resize{
      .mode = ResizeMode::linear, .coordinates = coordinates, .scale_h = scale, .height = out, .width = 1};
  std::vector<float> result;
  for (const kernels::Between& one : mixed_pixels(resize, rows(in), result_shape(resize, rows(in), nullptr)).rows) {
    result.push_back(static_cast<float>(one.first) + one.weight);
  }
  return result;
}

Resize scaled(Coordinates coordinates, Rounding rounding, float scale) {
  return {.coordinates = coordinates, .rounding = rounding, .scale_h = scale, .scale_w = 1.0F};
}

TEST(ResizedPixels, have_the_size_of_the_second_operand_or_that_in_numbers_or_the_scale_times_as_much) {
  const Shape like{5, 6, 7};
  Resize resize{.scale_h = 2.5F, .scale_w = 0.5F};
  EXPECT_EQ(result_shape(resize, {3, 5, 4}, nullptr), (Shape{7, 2, 4}));
  resize.width = 9;
  EXPECT_EQ(result_shape(resize, {3, 5, 4}, nullptr), (Shape{7, 9, 4}));
  EXPECT_EQ(result_shape(resize, {3, 5, 4}, &like), (Shape{5, 6, 4}));
}

TEST(ResizedPixels, size_is_the_product_in_single_precision) {
  // 0.7 as a float is a little less, and the product rounds up to 7.
  EXPECT_EQ(result_shape(scaled(Coordinates::half_pixel, Rounding::floor, 0.7F), rows(10), nullptr).h, 7);
}

TEST(ResizedPixels, refuse_scales_and_sizes_that_are_none) {
  const auto refused = [](const Resize& resize) { EXPECT_THROW(result_shape(resize, rows(3), nullptr), Error); };
  refused({.scale_h = 1.0F});
  refused({.scale_h = -1.0F, .scale_w = 1.0F});
  refused({.scale_h = std::numeric_limits<float>::quiet_NaN(), .height = 1, .width = 1});
  refused({.scale_h = std::numeric_limits<float>::infinity(), .scale_w = 1.0F});
  refused({.height = -1, .width = 1});
  refused({.height = 1 << 20, .width = 1});
}

TEST(ResizedPixels, twice_as_many_by_the_nearest_are_each_twice) {
  for (const Coordinates coordinates : {Coordinates::half_pixel, Coordinates::pytorch_half_pixel}) {
    EXPECT_EQ(nearest(scaled(coordinates, Rounding::prefer_floor, 2.0F), 3), (Rows{0, 0, 1, 1, 2, 2}));
  }
  EXPECT_EQ(nearest(scaled(Coordinates::asymmetric, Rounding::floor, 2.0F), 3), (Rows{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(nearest(scaled(Coordinates::asymmetric, Rounding::ceil, 2.0F), 3), (Rows{0, 1, 1, 2, 2, 2}));
}

TEST(ResizedPixels, in_the_middle_between_two_go_where_the_rounding_says) {
  // Places 0, 0.5, 1, 1.5 ...
  EXPECT_EQ(nearest(scaled(Coordinates::asymmetric, Rounding::prefer_floor, 2.0F), 2), (Rows{0, 0, 1, 1}));
  EXPECT_EQ(nearest(scaled(Coordinates::asymmetric, Rounding::prefer_ceil, 2.0F), 2), (Rows{0, 1, 1, 1}));
}

TEST(ResizedPixels, lie_where_the_coordinates_say) {
  using Places = std::vector<float>;
  EXPECT_EQ(places(Coordinates::half_pixel, 2, 2.0F), (Places{0.0F, 0.25F, 0.75F, 1.0F}));
  EXPECT_EQ(places(Coordinates::asymmetric, 2, 2.0F), (Places{0.0F, 0.5F, 1.0F, 1.0F}));
  EXPECT_EQ(places(Coordinates::align_corners, 3, 0.0F, 5), (Places{0.0F, 0.5F, 1.0F, 1.5F, 2.0F}));
  // To one row: the middle, or for PyTorch and aligned corners the first.
  EXPECT_EQ(places(Coordinates::half_pixel, 5, 0.0F, 1), (Places{2.0F}));
  EXPECT_EQ(places(Coordinates::pytorch_half_pixel, 5, 0.0F, 1), (Places{0.0F}));
  EXPECT_EQ(places(Coordinates::align_corners, 5, 0.0F, 1), (Places{0.0F}));
  // From one row.
  EXPECT_EQ(places(Coordinates::align_corners, 1, 0.0F, 3), (Places{0.0F, 0.0F, 0.0F}));
}

TEST(ResizedPixels, lie_where_the_scale_says_that_was_given_not_that_of_the_sizes) {
  // 2.6 * 3 rows are 7: a scale of 7 / 3 would put the last one elsewhere.
  EXPECT_FLOAT_EQ(places(Coordinates::asymmetric, 3, 2.6F)[5], 5.0F / 2.6F);
  EXPECT_FLOAT_EQ(places(Coordinates::asymmetric, 3, 0.0F, 7)[4], 4.0F / (7.0F / 3.0F));
}

TEST(CroppedPixels, are_those_between_the_edges_in_steps) {
  const Crop crop{.top = 1, .left = 0, .bottom = 1, .right = 0, .step_h = 2};
  const Shape out = result_shape(crop, {8, 1, 3});
  EXPECT_EQ(out, (Shape{3, 1, 3}));
  EXPECT_EQ(selected_pixels(crop, {8, 1, 3}, out).rows, (Rows{1, 3, 5}));
}

TEST(CroppedPixels, are_at_least_one) {
  EXPECT_THROW(result_shape(Crop{.top = 2, .bottom = 1}, rows(3)), Error);
  EXPECT_THROW(result_shape(Crop{.top = -1}, rows(3)), Error);
  EXPECT_THROW(result_shape(Crop{.step_h = 0}, rows(3)), Error);
}

TEST(PaddedPixels, are_none_or_the_nearest_or_mirrored) {
  const auto padded = [](PadMode mode) {
    const Pad pad{.top = 2, .bottom = 1, .mode = mode};
    return selected_pixels(pad, rows(3), result_shape(pad, rows(3))).rows;
  };
  EXPECT_EQ(padded(PadMode::constant), (Rows{-1, -1, 0, 1, 2, -1}));
  EXPECT_EQ(padded(PadMode::edge), (Rows{0, 0, 0, 1, 2, 2}));
  EXPECT_EQ(padded(PadMode::reflect), (Rows{2, 1, 0, 1, 2, 1}));
}

TEST(PaddedPixels, mirror_no_more_than_there_is) {
  EXPECT_THROW(result_shape(Pad{.top = 3, .mode = PadMode::reflect}, rows(3)), Error);
  EXPECT_THROW(result_shape(Pad{.bottom = 3, .mode = PadMode::reflect}, rows(3)), Error);
  EXPECT_THROW(result_shape(Pad{.top = -1}, rows(3)), Error);
}

TEST(TransposedPixels, are_as_many_as_the_windows_reach) {
  TransposedConvolution o;
  o.outputs = 2;
  o.window = {.kernel_h = 3,
              .kernel_w = 4,
              .stride_h = 2,
              .stride_w = 2,
              .pad_top = 1,
              .pad_left = 1,
              .pad_bottom = 1,
              .pad_right = 1};
  o.more_bottom = 1;
  EXPECT_EQ(result_shape(o, {5, 6, 3}), (Shape{10, 12, 2}));
  o.window.stride_h = 1 << 15;
  EXPECT_THROW(result_shape(o, {1, 1, 3}), Error);
}

}  // namespace
}  // namespace riffle::graph
