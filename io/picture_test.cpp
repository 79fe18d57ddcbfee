#include "io/picture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

using io::decode_picture;
using io::Orientation;
using io::Picture;

Bytes lines(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

Bytes gray_3x2() { return png({.width = 3, .height = 2, .lines = lines({0, 10, 20, 30, 0, 40, 50, 60})}); }
Bytes red_green() { return png({.width = 2, .height = 1, .color = 2, .lines = lines({0, 255, 0, 0, 0, 255, 0})}); }

std::string refusal_of_picture(const Bytes& file, std::int32_t channels = 1) {
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
  using Pixels = std::vector<std::uint8_t>;
  EXPECT_EQ(decode_picture(png({.lines = lines({0, 77})}), 3, "x.png").pixels, (Pixels{77, 77, 77}));
  // Luma, as Pillow rounds it: 0.299 * 255 is 76.245, 0.587 * 255 is 149.685.
  EXPECT_EQ(decode_picture(red_green(), 1, "x.png").pixels, (Pixels{76, 150}));
}

TEST(Picture, reads_every_kind_of_png) {
  using Pixels = std::vector<std::uint8_t>;
  const auto pixels = [](const Png& kind, std::int32_t channels) {
    return decode_picture(png(kind), channels, "x.png").pixels;
  };
  // Transparency is dropped.
  EXPECT_EQ(pixels({.color = 6, .lines = lines({0, 1, 2, 3, 0})}, 3), (Pixels{1, 2, 3}));
  EXPECT_EQ(pixels({.color = 4, .lines = lines({0, 9, 128})}, 1), Pixels{9});
  EXPECT_EQ(pixels({.color = 4, .lines = lines({0, 9, 128})}, 3), (Pixels{9, 9, 9}));
  // 16 bits become 8, and so does one.
  EXPECT_EQ(pixels({.bit_depth = 16, .lines = lines({0, 0x12, 0x34})}, 1), Pixels{0x12});
  EXPECT_EQ(pixels({.bit_depth = 16, .color = 2, .lines = lines({0, 1, 9, 2, 9, 3, 9})}, 3), (Pixels{1, 2, 3}));
  EXPECT_EQ(pixels({.width = 3, .bit_depth = 1, .lines = lines({0, 0b10100000})}, 1), (Pixels{255, 0, 255}));
  // Four pixels of a palette of three; of the passes, the first, the sixth and the last have a line.
  const std::vector<std::pair<std::string_view, Bytes>> palette = {{"PLTE", lines({1, 2, 3, 4, 4, 4, 7, 8, 9})},
                                                                   {"tRNS", lines({0})}};
  const Png in_order = {.width = 2, .height = 2, .color = 3, .chunks = palette, .lines = lines({0, 0, 1, 0, 2, 1})};
  const Png in_passes = {
      .width = 2, .height = 2, .color = 3, .interlaced = 1, .chunks = palette, .lines = lines({0, 0, 0, 1, 0, 2, 1})};
  for (const Png& kind : {in_order, in_passes}) {
    EXPECT_EQ(pixels(kind, 3), (Pixels{1, 2, 3, 4, 4, 4, 7, 8, 9, 4, 4, 4}));
    EXPECT_EQ(pixels(kind, 1), (Pixels{2, 4, 8, 4}));
  }
}

TEST(Picture, gamma_does_not_change_pixels) {
  Png with_gamma = {.width = 2, .color = 2, .lines = lines({0, 255, 0, 0, 0, 255, 0})};
  with_gamma.chunks = {{"gAMA", lines({0, 0, 0xB1, 0x8F})}};  // 1 / 2.2
  for (const std::int32_t channels : {1, 3}) {
    EXPECT_EQ(decode_picture(png(with_gamma), channels, "x.png").pixels,
              decode_picture(red_green(), channels, "x.png").pixels);
  }
}

void expect_color(const Jpeg& jpeg_file, const std::vector<int>& color) {
  const Picture picture = decode_picture(jpeg(jpeg_file), static_cast<std::int32_t>(color.size()), "x.jpg");
  EXPECT_EQ(picture.width, static_cast<std::int32_t>(jpeg_file.width));
  EXPECT_EQ(picture.height, static_cast<std::int32_t>(jpeg_file.height));
  ASSERT_EQ(picture.pixels.size(), jpeg_file.width * jpeg_file.height * color.size());
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
    ASSERT_LE(std::abs(picture.pixels[i] - color[i % color.size()]), 3) << "at " << i;
  }
}

TEST(Picture, reads_jpeg) {
  for (const Scans scans : {Scans::one, Scans::progressive}) {
    expect_color({.width = 17, .height = 9, .color = {200, 100, 50}, .scans = scans}, {200, 100, 50});
    expect_color({.width = 17, .height = 9, .color = {200, 100, 50}, .scans = scans}, {124});
    expect_color({.width = 17, .height = 9, .color = {90}, .scans = scans}, {90});
    expect_color({.width = 17, .height = 9, .color = {90}, .scans = scans}, {90, 90, 90});
  }
}

TEST(Picture, reads_jpeg_of_inverted_inks) {
  expect_color({.color = {200, 100, 50, 255}}, {200, 100, 50});
  expect_color({.color = {200, 100, 50, 128}}, {100, 50, 25});
  expect_color({.color = {200, 100, 50, 128}}, {62});
}

Bytes first_of(const Bytes& file, std::size_t size) {
  return {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(Picture, truncated_files) {
  const Bytes whole = gray_3x2();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(refusal_of_picture(first_of(whole, size)).empty()) << size;
  }
  Bytes file = jpeg({.width = 64, .height = 64, .color = {200, 100, 50}});
  file.erase(file.end() - 40, file.end() - 2);
  EXPECT_TRUE(contains(refusal_of_picture(file), "cannot be decoded: Corrupt JPEG data"));
}

constexpr Scans all_scans[] = {Scans::one, Scans::one_a_channel, Scans::progressive};
constexpr std::size_t end_marker = 2;  ///< the bytes of a JPEG behind its pixels

TEST(Picture, a_jpeg_without_its_end_is_whole_if_its_pixels_are) {
  for (const Scans scans : all_scans) {
    const Bytes whole = jpeg({.width = 17, .height = 9, .color = {200, 100, 50}, .scans = scans});
    const std::size_t pixels_end = whole.size() - end_marker;
    const Picture picture = decode_picture(whole, 3, "x.jpg");
    for (std::size_t size = pixels_end; size < whole.size(); ++size) {
      EXPECT_EQ(decode_picture(first_of(whole, size), 3, "x.jpg").pixels, picture.pixels);
    }
    // Rubbish in the end's place, which may look like a marker that makes no sense there.
    for (const Bytes& rubbish : {lines({0, 0}), lines({0xFF, 0xFF, 0x00}), lines({7, 0xFF, 0xD8, 0xFF}), Bytes(999)}) {
      if (scans != Scans::one && rubbish.size() == 4) continue;  // where more scans may come, nothing is rubbish
      Bytes file = first_of(whole, pixels_end);
      file.insert(file.end(), rubbish.begin(), rubbish.end());
      EXPECT_EQ(decode_picture(file, 3, "x.jpg").pixels, picture.pixels);
    }
    for (std::size_t size = 0; size < pixels_end; ++size) {
      for (const std::int32_t channels : {1, 3}) {
        EXPECT_FALSE(refusal_of_picture(first_of(whole, size), channels).empty()) << size << " of " << whole.size();
      }
    }
  }
}

TEST(Picture, a_jpeg_that_is_cut_says_so) {
  const auto refusal_at = [](Scans scans, std::size_t part, std::size_t of) {
    const Bytes whole = jpeg({.width = 64, .height = 64, .color = {200, 100, 50}, .scans = scans});
    return refusal_of_picture(first_of(whole, whole.size() * part / of), 3);
  };
  EXPECT_TRUE(contains(refusal_at(Scans::one, 9, 10), "premature end of data segment"));
  EXPECT_TRUE(contains(refusal_at(Scans::one, 1, 10), "Premature end of JPEG file"));
  // Between two scans.
  for (const Scans scans : {Scans::one_a_channel, Scans::progressive}) {
    const Bytes whole = jpeg({.color = {200, 100, 50}, .scans = scans});
    const Bytes start_of_scan = lines({0xFF, 0xDA});
    const auto last = std::find_end(whole.begin(), whole.end(), start_of_scan.begin(), start_of_scan.end());
    Bytes file(whole.begin(), last);
    EXPECT_TRUE(contains(refusal_of_picture(file, 3), "x.png: cannot be decoded: the file ends before its last scan"));
    if (scans == Scans::progressive) continue;  // with an end it is one of less precision
    file.insert(file.end(), {std::byte{0xFF}, std::byte{0xD9}});
    EXPECT_TRUE(contains(refusal_of_picture(file, 3), "the file ends before its last scan"));
  }
}

TEST(Picture, bytes_too_many_in_a_jpeg_do_no_harm) {
  Bytes file = jpeg({.color = {90}});
  file.insert(file.end() - end_marker, 20, std::byte{0});
  EXPECT_EQ(decode_picture(file, 1, "x.jpg").pixels, std::vector<std::uint8_t>(64, 90));
}

/// Of a JPEG with this EXIF block, and of PNGs that have it before and behind the pixels.
void expect_orientation(const Bytes& block, const Orientation& expected) {
  Bytes segment(6);
  std::copy_n(bytes_of("Exif").begin(), 4, segment.begin());
  segment.insert(segment.end(), block.begin(), block.end());
  EXPECT_EQ(decode_picture(jpeg({.color = {90}, .app1 = {bytes_of("http://ns.adobe.com/xap/1.0/"), segment}}), 1, "")
                .orientation,
            expected);
  Png kind = {.chunks = {{"tEXt", bytes_of("a\0b")}, {"eXIf", block}}, .lines = lines({0, 77})};
  EXPECT_EQ(decode_picture(png(kind), 1, "").orientation, expected);
  std::swap(kind.chunks, kind.chunks_behind);
  EXPECT_EQ(decode_picture(png(kind), 1, "").orientation, expected);
}

TEST(Picture, exif_orientation) {
  const Orientation all[] = {{0, false}, {0, true},   {180, false}, {180, true},
                             {90, true}, {90, false}, {270, true},  {270, false}};
  for (std::uint16_t value = 1; value <= 8; ++value) {
    expect_orientation(exif(value), all[value - 1]);
    expect_orientation(exif(value, false), all[value - 1]);
  }
  for (const int value : {0, 9, 0x600, 0xFFFF}) expect_orientation(exif(static_cast<std::uint16_t>(value)), {});
  EXPECT_EQ(decode_picture(gray_3x2(), 1, "").orientation, Orientation{});
}

TEST(Picture, damaged_exif_is_none) {
  const Bytes whole = exif(6);
  for (std::size_t size = 0; size < whole.size() - 6; ++size) expect_orientation(first_of(whole, size), {});
  const auto with = [&](std::size_t at, std::initializer_list<int> values) {
    Bytes block = whole;
    std::ranges::copy(lines(values), block.begin() + static_cast<std::ptrdiff_t>(at));
    return block;
  };
  constexpr std::size_t directory = 4, count = 8, entry = 22;
  expect_orientation(with(0, {'X', 'X'}), {});
  for (const int high : {0x00, 0x7F, 0xFF}) {
    expect_orientation(with(directory, {0xFF, 0xFF, 0xFF, high}), {});
    expect_orientation(with(directory, {0xFE, 0xFF, 0xFF, high}), {});
  }
  expect_orientation(with(count, {1, 0}), {});  // the second entry is none
  expect_orientation(with(count, {0xFF, 0xFF}), {90, false});
  expect_orientation(with(entry + 2, {4, 0}), {});  // of another type
  expect_orientation(with(entry + 4, {2, 0, 0, 0}), {});
}

TEST(Picture, damaged_png) {
  Bytes file = gray_3x2();
  file[file.size() - 20] ^= std::byte{1};  // in the checksum of the pixels
  EXPECT_TRUE(contains(refusal_of_picture(file), "cannot be decoded"));
}

TEST(Picture, huge_pictures_are_refused_by_their_header) {
  EXPECT_TRUE(contains(refusal_of_picture(png({.width = 100'000, .height = 100'000, .lines = lines({0})})),
                       "x.png: a picture of 100000x100000 pixels"));
  EXPECT_FALSE(refusal_of_picture(png({.width = 0xFFFFFFFF, .height = 0xFFFFFFFF, .lines = lines({0})})).empty());
  EXPECT_FALSE(refusal_of_picture(png({.width = 0, .height = 5, .lines = lines({0})})).empty());
  Bytes file = jpeg({.color = {90}});
  const Bytes frame = lines({0xFF, 0xC0, 0, 11, 8});  // then height and width
  const auto size = std::search(file.begin(), file.end(), frame.begin(), frame.end()) + 5;
  ASSERT_LT(size, file.end());
  std::fill(size, size + 4, std::byte{0xF0});
  EXPECT_TRUE(contains(refusal_of_picture(file), "x.png: a picture of 61680x61680 pixels"));
}

TEST(Picture, more_data_than_pixels_does_not_grow_without_bound) {
  // 64 MiB of scan lines for one pixel: the decoder stops at its limit.
  EXPECT_TRUE(
      contains(refusal_of_picture(png({.lines = Bytes(std::size_t{1} << 26, std::byte{0})})), "cannot be decoded"));
}

TEST(Picture, less_data_than_pixels) {
  EXPECT_TRUE(
      contains(refusal_of_picture(png({.width = 100, .height = 100, .lines = lines({0, 1, 2})})), "cannot be decoded"));
}

TEST(Picture, jpegs_that_cost_more_than_they_should) {
  EXPECT_TRUE(contains(refusal_of_picture(jpeg({.color = {90}, .scans = Scans::one_a_bit})), "too many scans"));
  EXPECT_TRUE(contains(refusal_of_picture(jpeg({.color = {90}, .arithmetic = true})), "arithmetic"));
}

TEST(Picture, other_files) {
  EXPECT_TRUE(contains(refusal_of_picture(bytes_of("GIF89a")), "x.png: neither a PNG nor a JPEG"));
  EXPECT_TRUE(contains(refusal_of_picture({}), "neither a PNG nor a JPEG"));
  EXPECT_TRUE(contains(refusal_of_picture(gray_3x2(), 2), "1 or 3 channels"));
}

TEST(Picture, writes_png) {
  for (const std::int32_t channels : {1, 3}) {
    Picture picture = {5, 3, channels, {}};
    for (std::int32_t i = 0; i < 5 * 3 * channels; ++i) picture.pixels.push_back(static_cast<std::uint8_t>(37 * i));
    EXPECT_EQ(decode_picture(io::encode_png(picture), channels, "x.png").pixels, picture.pixels);
    const Folder folder;
    io::write_png(folder.path("x.png"), picture);
    EXPECT_EQ(io::read_picture(folder.path("x.png"), channels).pixels, picture.pixels);
    EXPECT_EQ(folder.names(), std::vector<std::string>{"x.png"});
    picture.pixels.pop_back();
    EXPECT_TRUE(contains(error_of([&] { io::encode_png(picture); }), "are no picture of 5x3 pixels"));
  }
  EXPECT_TRUE(contains(error_of([] { io::encode_png({}); }), "an empty picture"));
}

}  // namespace
}  // namespace riffle::tests
