#include "io/preprocess.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "kernels/kernels.hpp"
#include "models/random.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

using graph::Fit;
using graph::Preprocessing;
using io::Picture;
using io::Preprocess;

Preprocess made(const graph::Shape& input, const Preprocessing& preprocessing) {
  return Preprocess(input, preprocessing, *kernels::find_kernels("scalar"));
}

/// In 0 to 255, H x W x C.
std::vector<float> in_bytes(const Picture& picture, const graph::Shape& input, const Preprocessing& preprocessing) {
  std::vector<float> planes(static_cast<std::size_t>(input.size())), pixels(planes.size());
  made(input, preprocessing)(picture, planes);
  const auto area = static_cast<std::size_t>(input.pixels()), channels = static_cast<std::size_t>(input.c);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = 255 * planes[i % channels * area + i / channels];
  return pixels;
}

Picture noise(std::int32_t width, std::int32_t height, std::int32_t channels) {
  Picture picture = {width, height, channels, {}};
  const auto count = static_cast<std::size_t>(width * height * channels);
  for (const float value : models::random_values(1, "noise", count, {.centre = 128, .reach = 127})) {
    picture.pixels.push_back(static_cast<std::uint8_t>(value));
  }
  return picture;
}

TEST(Preprocess, pictures_are_normalised) {
  Preprocess preprocess = made({1, 2, 3}, {.mean = {0.5F, 0.25F, 0.0F}, .deviation = {0.5F, 0.25F, 1.0F}});
  std::vector<float> input(6);
  preprocess({2, 1, 3, {255, 0, 51, 0, 255, 102}}, input);
  const std::vector<float> expected = {1, -1, -1, 3, 0.2F, 0.4F};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(input[i], expected[i], 1e-6) << i;
  // A gray picture is one with three equal channels.
  preprocess({2, 1, 1, {255, 0}}, input);
  const std::vector<float> gray = {1, -1, 3, -1, 1, 0};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(input[i], gray[i], 1e-6) << i;
}

TEST(Preprocess, pictures_are_resized) {
  std::vector<float> input(4);
  made({1, 4, 1}, {})({2, 1, 1, {0, 255}}, input);
  // Half-pixel centres: 0.5 * (d + 0.5) - 0.5, clamped to the border.
  const std::vector<float> expected = {0, 0.25F, 0.75F, 1};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(input[i], expected[i], 1e-6) << i;
}

TEST(Preprocess, antialiasing_is_the_mean_of_what_a_pixel_stands_for) {
  // 64 columns, every eighth bright: a pixel is an eighth as bright, but at the border, or else as bright or not at
  // all.
  Picture stripes = {64, 1, 1, std::vector<std::uint8_t>(64)};
  for (std::size_t x = 0; x < 64; x += 8) stripes.pixels[x] = 240;
  const graph::Shape input = {1, 8, 1};
  for (const float value : in_bytes(stripes, input, {.antialias = false})) EXPECT_NEAR(value, 0, 1e-3);
  const std::vector<float> smooth = in_bytes(stripes, input, {});
  for (std::size_t x = 1; x < 7; ++x) EXPECT_NEAR(smooth[x], 30, 1e-3);
}

TEST(Preprocess, enlarged_antialiasing_changes_nothing) {
  const Picture picture = noise(9, 7, 3);
  for (const graph::Shape& input : {graph::Shape{7, 9, 3}, {20, 31, 3}, {64, 9, 3}}) {
    EXPECT_EQ(in_bytes(picture, input, {}), in_bytes(picture, input, {.antialias = false}));
  }
}

TEST(Preprocess, without_antialiasing_crops_are_windows_of_what_is_interpolated) {
  const Picture picture = noise(40, 30, 3);
  // 40 x 30 becomes 16 x 12; its middle begins at (1, 2).
  const std::vector<float> whole = in_bytes(picture, {12, 16, 3}, {.antialias = false});
  const std::vector<float> middle =
      in_bytes(picture, {10, 12, 3}, {.resize = Fit::crop, .antialias = false, .resize_size = 12});
  for (std::size_t y = 0; y < 10; ++y) {
    for (std::size_t i = 0; i < 36; ++i) {
      EXPECT_NEAR(middle[y * 36 + i], whole[(y + 1) * 48 + 6 + i], 1.01) << y << " " << i;
    }
  }
}

TEST(Preprocess, pictures_are_turned_upright) {
  // Its corners, clockwise: 10, 20, 40, 30.
  Picture picture = {2, 2, 1, {10, 20, 30, 40}};
  const struct {
    io::Orientation orientation;
    std::vector<float> upright;
  } cases[] = {{{0, false}, {10, 20, 30, 40}},  {{0, true}, {20, 10, 40, 30}},   {{180, false}, {40, 30, 20, 10}},
               {{180, true}, {30, 40, 10, 20}}, {{90, true}, {10, 30, 20, 40}},  {{90, false}, {30, 10, 40, 20}},
               {{270, true}, {40, 20, 30, 10}}, {{270, false}, {20, 40, 10, 30}}};
  for (const auto& [orientation, upright] : cases) {
    picture.orientation = orientation;
    for (const Fit resize : {Fit::stretch, Fit::crop}) {  // by the frame kernel and by the resampler
      const std::vector<float> pixels = in_bytes(picture, {2, 2, 1}, {.resize = resize});
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(pixels[i], upright[i], 1e-3) << orientation.rotation << orientation.mirrored << " " << i;
      }
    }
  }
}

TEST(Preprocess, of_an_input_of_bytes_pixels_are_rounded) {
  const Picture picture = noise(9, 7, 3);
  const kernels::Kernels& scalar = *kernels::find_kernels("scalar");
  const Preprocessing as_they_are = {.mean = {0.0F}, .deviation = {Preprocessing::of_pixels}};
  for (const graph::Shape& input : {graph::Shape{7, 9, 3}, graph::Shape{10, 6, 3}}) {
    const std::vector<float> floats = in_bytes(picture, input, {});
    std::vector<std::byte> planes(static_cast<std::size_t>(input.size()));
    Preprocess(input, as_they_are, scalar, Type::u8)(picture, planes);
    const auto area = static_cast<std::size_t>(input.pixels());
    for (std::size_t i = 0; i < floats.size(); ++i) {
      EXPECT_NEAR(static_cast<float>(std::to_integer<int>(planes[i % 3 * area + i / 3])), floats[i],
                  input.h == 7 ? 1e-4 : 0.5001)
          << i;
    }
  }
}

TEST(Preprocess, one_serves_pictures_of_all_sizes) {
  Preprocess preprocess = made({6, 5, 3}, {.resize = Fit::crop});
  for (const auto& [width, height] : {std::pair{40, 30}, {3, 90}, {100, 7}, {5, 6}, {1, 1}}) {
    const Picture picture = noise(width, height, 3);
    std::vector<float> input(90), alone(90);
    preprocess(picture, input);
    made({6, 5, 3}, {.resize = Fit::crop})(picture, alone);
    EXPECT_EQ(input, alone);
  }
}

TEST(Preprocess, what_does_not_fit_is_named) {
  const graph::Shape color = {8, 8, 3};
  const auto refusal = [](const graph::Shape& input, const Preprocessing& preprocessing) {
    return error_of([&] { made(input, preprocessing); });
  };
  EXPECT_TRUE(contains(refusal(color, {.mean = {0, 0}}), "mean: 2 values for 3 channels"));
  EXPECT_TRUE(contains(refusal(color, {.deviation = {1, 0, 1}}), "std"));
  EXPECT_TRUE(contains(refusal(color, {.mean = {NAN}}), "mean: a value is not finite"));
  EXPECT_TRUE(contains(refusal(color, {.deviation = {1e-42F}}), "std: a value is too small"));
  EXPECT_TRUE(contains(refusal({8, 8, 2}, {}), "takes 2 channels"));
  EXPECT_TRUE(contains(refusal({8, 9, 3}, {.resize = Fit::crop, .resize_size = 8}), "resize size: 8 is not in 9"));
  EXPECT_TRUE(contains(refusal(color, {.resize = Fit::crop, .resize_size = 40000}), "resize size: 40000"));
  EXPECT_TRUE(contains(refusal(color, {.resize_size = 8}), "resize size: 8 for pictures that are stretched"));
  std::vector<float> gray(1);
  EXPECT_TRUE(contains(error_of([&] {
                         made({1, 1, 1}, {})({1, 1, 3, {1, 2, 3}}, gray);
                       }),
                       "a picture of 3 channels does not become one of 1"));
}

TEST(Preprocess, in_words) {
  EXPECT_EQ(io::preprocessing_text({.mean = {0.0F}, .deviation = {Preprocessing::of_pixels}}, {64, 48, 1}),
            "stretched to 64 x 48, antialiased; pixels as they are");
  EXPECT_EQ(io::preprocessing_text({}, {64, 48, 1}), "stretched to 64 x 48, antialiased; mean 0; std 1");
  EXPECT_EQ(
      io::preprocessing_text({.resize = Fit::crop,
                              .antialias = false,
                              .resize_size = 256,
                              .mean = {0.485F, 0.456F, 0.406F},
                              .deviation = {0.229F, 0.224F, 0.225F}},
                             {224, 224, 3}),
      "shorter edge to 256, middle 224 x 224, not antialiased; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225");
}

}  // namespace
}  // namespace riffle::tests
