// Pictures as Pillow, and torchvision with it, resizes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "io/exif.hpp"
#include "io/preprocess.hpp"
#include "kernels/kernels.hpp"
#include "tests/encode.hpp"
#include "tests/golden/golden.hpp"

namespace riffle::golden {
namespace {

using io::Picture;

/// As make_resize_goldens.py makes it.
Picture picture_of(const Golden& golden) {
  Picture picture = {golden.integer("in_w"), golden.integer("in_h"), golden.integer("channels"), {}};
  const auto count = static_cast<std::uint32_t>(picture.width * picture.height * picture.channels);
  for (std::uint32_t i = 0; i < count; ++i) {
    picture.pixels.push_back(static_cast<std::uint8_t>((i + 1) * 2654435761U >> 24));
  }
  if (golden.kind == "exif") {
    picture.orientation = io::read_orientation(tests::exif(static_cast<std::uint16_t>(golden.integer("orientation"))));
  }
  return picture;
}

std::vector<Golden> goldens(const std::vector<std::string>& kinds) {
  std::vector<Golden> found;
  for (Golden& golden : read_goldens("resize.txt")) {
    if (std::ranges::find(kinds, golden.kind) != kinds.end()) found.push_back(std::move(golden));
  }
  return found;
}

TEST(Resize, is_pillows_to_the_bit) {
  int count = 0;
  for (const Golden& golden : goldens({"stretch", "crop", "exif"})) {
    SCOPED_TRACE(golden.name());
    const Picture picture = picture_of(golden);
    const std::int32_t height = golden.integer("out_h"), width = golden.integer("out_w");
    const io::ResizeTarget target =
        golden.kind == "crop" ? io::cropped(picture.height, picture.width, golden.integer("size"), height, width)
                              : io::stretched(height, width);
    io::Resampler resample;
    const Picture& resized = resample(picture, target, true);
    EXPECT_EQ(resized.width, width);
    EXPECT_EQ(resized.height, height);
    EXPECT_EQ(std::vector<float>(resized.pixels.begin(), resized.pixels.end()), golden.output);
    ++count;
  }
  EXPECT_EQ(count, 23);
}

TEST(Resize, of_a_networks_input_is_pillows_up_to_rounding) {
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (!kernels->supported()) continue;
    for (const Golden& golden : goldens({"stretch", "crop", "exif"})) {
      SCOPED_TRACE(std::string(kernels->isa) + " " + golden.name());
      const Picture picture = picture_of(golden);
      const graph::Shape input = {golden.integer("out_h"), golden.integer("out_w"), golden.integer("channels")};
      graph::Preprocessing preprocessing;
      if (golden.kind == "crop") preprocessing = {.resize = graph::Fit::crop, .resize_size = golden.integer("size")};
      std::vector<float> planes(static_cast<std::size_t>(input.size()));
      io::Preprocess(input, preprocessing, *kernels)(picture, planes);
      const auto channels = static_cast<std::size_t>(input.c);
      float sum = 0;
      for (std::size_t i = 0; i < planes.size(); ++i) {
        const std::size_t plane = i % channels * static_cast<std::size_t>(input.pixels());
        const float difference = std::abs(255 * planes[plane + i / channels] - golden.output[i]);
        EXPECT_LE(difference, 1.01) << i;
        sum += difference;
      }
      EXPECT_LT(sum / static_cast<float>(planes.size()), 0.5);
    }
  }
}

TEST(Resize, colours_turn_grey_as_pillows) {
  const std::vector<Golden> found = goldens({"grey"});
  ASSERT_EQ(found.size(), 1U);
  const Picture picture = picture_of(found.front());
  tests::Bytes lines = {std::byte{0}};
  for (const std::uint8_t value : picture.pixels) lines.push_back(std::byte{value});
  const tests::Bytes file =
      tests::png({.width = static_cast<std::uint32_t>(picture.width), .color = 2, .lines = lines});
  const Picture grey = io::decode_picture(file, 1, "grey.png");
  EXPECT_EQ(std::vector<float>(grey.pixels.begin(), grey.pixels.end()), found.front().output);
}

}  // namespace
}  // namespace riffle::golden
