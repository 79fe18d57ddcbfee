#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/tools/encode.hpp"
#include "tests/tools/expect_error.hpp"
#include "tools/picture.hpp"

namespace riffle::tests {
namespace {

using tools::decode_picture;
using tools::Picture;

Bytes lines(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

Bytes gray_3x2() { return png({.width = 3, .height = 2, .lines = lines({0, 10, 20, 30, 0, 40, 50, 60})}); }
Bytes red_green() { return png({.width = 2, .height = 1, .color = 2, .lines = lines({0, 255, 0, 0, 0, 255, 0})}); }

std::string message(const Bytes& file, std::int32_t channels = 1) {
  return error_of([&] { decode_picture(file, channels, "x.png"); });
}

TEST(Picture, reads_png) {
  const Picture gray = decode_picture(gray_3x2(), 1, "x.png");
  EXPECT_EQ(gray.width, 3);
  EXPECT_EQ(gray.height, 2);
  EXPECT_EQ(gray.pixels, (std::vector<std::uint8_t>{10, 20, 30, 40, 50, 60}));
  const Picture color = decode_picture(red_green(), 3, "x.png");
  EXPECT_EQ(color.channels, 3);
  EXPECT_EQ(color.pixels, (std::vector<std::uint8_t>{255, 0, 0, 0, 255, 0}));
}

TEST(Picture, converts_to_the_channels_asked_for) {
  EXPECT_EQ(decode_picture(png({.lines = lines({0, 77})}), 3, "x.png").pixels, (std::vector<std::uint8_t>{77, 77, 77}));
  // Luma: red counts less than green.
  const Picture gray = decode_picture(red_green(), 1, "x.png");
  EXPECT_LT(gray.pixels[0], gray.pixels[1]);
  // Transparency is dropped, 16 bits become 8.
  EXPECT_EQ(decode_picture(png({.color = 6, .lines = lines({0, 1, 2, 3, 0})}), 3, "x.png").pixels,
            (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(decode_picture(png({.bit_depth = 16, .lines = lines({0, 0x12, 0x34})}), 1, "x.png").pixels,
            std::vector<std::uint8_t>{0x12});
}

TEST(Picture, gray_becomes_color) {
  const Picture color = tools::with_channels({2, 1, 1, {7, 9}}, 3);
  EXPECT_EQ(color.channels, 3);
  EXPECT_EQ(color.pixels, (std::vector<std::uint8_t>{7, 7, 7, 9, 9, 9}));
  EXPECT_TRUE(contains(error_of([&] { tools::with_channels(color, 1); }), "3 channels"));
}

TEST(Picture, reads_jpeg) {
  std::vector<std::uint8_t> rgb;
  for (int i = 0; i < 16 * 16; ++i) rgb.insert(rgb.end(), {200, 100, 50});
  const Picture picture = decode_picture(jpeg(16, 16, rgb), 3, "x.jpg");
  EXPECT_EQ(picture.width, 16);
  ASSERT_EQ(picture.pixels.size(), rgb.size());
  for (std::size_t i = 0; i < rgb.size(); ++i) EXPECT_LE(std::abs(picture.pixels[i] - rgb[i]), 3);
}

TEST(Picture, truncated_files) {
  const Bytes whole_png = gray_3x2();
  // Without its last chunk, which is empty, the picture is complete.
  for (std::size_t size = 0; size < whole_png.size() - 12; ++size) {
    EXPECT_FALSE(message(Bytes(whole_png.begin(), whole_png.begin() + static_cast<std::ptrdiff_t>(size))).empty());
  }
  const Bytes whole_jpeg = jpeg(8, 8, std::vector<std::uint8_t>(8 * 8 * 3, 90));
  for (std::size_t size = 0; size < whole_jpeg.size(); ++size) {
    EXPECT_FALSE(message(Bytes(whole_jpeg.begin(), whole_jpeg.begin() + static_cast<std::ptrdiff_t>(size))).empty());
  }
}

TEST(Picture, huge_pictures_are_refused_by_their_header) {
  EXPECT_TRUE(contains(message(png({.width = 100'000, .height = 100'000, .lines = lines({0})})),
                       "x.png: a picture of 100000x100000 pixels"));
  EXPECT_FALSE(message(png({.width = 0xFFFFFFFF, .height = 0xFFFFFFFF, .lines = lines({0})})).empty());
  EXPECT_FALSE(message(png({.width = 0, .height = 5, .lines = lines({0})})).empty());
}

TEST(Picture, more_data_than_pixels_does_not_grow_without_bound) {
  // 64 MiB of scan lines for one pixel: the decoder stops at its limit.
  EXPECT_TRUE(contains(message(png({.lines = Bytes(std::size_t{1} << 26, std::byte{0})})), "cannot be decoded"));
}

TEST(Picture, less_data_than_pixels) {
  EXPECT_TRUE(contains(message(png({.width = 100, .height = 100, .lines = lines({0, 1, 2})})), "cannot be decoded"));
}

TEST(Picture, a_jpeg_of_very_many_scans) {
  Bytes file = jpeg(8, 8, std::vector<std::uint8_t>(8 * 8 * 3, 90));
  for (int i = 0; i < 200; ++i) file.insert(file.end() - 2, {std::byte{0xFF}, std::byte{0xDA}});
  EXPECT_TRUE(contains(message(file), "scans"));
}

TEST(Picture, other_files) {
  EXPECT_TRUE(contains(message(bytes_of("GIF89a")), "x.png: neither a PNG nor a JPEG"));
  EXPECT_TRUE(contains(message({}), "neither a PNG nor a JPEG"));
  EXPECT_TRUE(contains(message(gray_3x2(), 2), "1 or 3 channels"));
}

}  // namespace
}  // namespace riffle::tests
