// PNG and JPEG pictures in, PNG out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace riffle::io {

/// What makes a picture upright: it is rotated clockwise by 0, 90, 180 or 270 degrees, then, if it is mirrored, left
/// and right are exchanged.
struct Orientation {
  std::int32_t rotation = 0;
  bool mirrored = false;
  bool operator==(const Orientation&) const = default;
};

/// 8-bit pixels, row after row, channels interleaved: 1 is gray, 3 is red, green, blue. They stand as the file has
/// them: who resizes them turns them on the way.
struct Picture {
  std::int32_t width = 0, height = 0, channels = 0;  ///< as they stand
  std::vector<std::uint8_t> pixels;
  Orientation orientation = {};

  [[nodiscard]] bool on_its_side() const { return orientation.rotation == 90 || orientation.rotation == 270; }
  [[nodiscard]] std::int32_t upright_width() const { return on_its_side() ? height : width; }
  [[nodiscard]] std::int32_t upright_height() const { return on_its_side() ? width : height; }
};

/// Decodes a PNG or JPEG to 1 or 3 channels (transparency is dropped; gray is BT.601's luma, rounded) and reads its
/// EXIF orientation. A JPEG may lack its end, but none of its pixels. Throws Error, with `name` in front, for anything
/// else, for a damaged file, and, before decoding, for one of more than max_picture_pixels.
Picture decode_picture(std::span<const std::byte> file, std::int32_t channels, const std::string& name);
Picture read_picture(const std::string& path, std::int32_t channels);

/// A PNG of the pixels as they stand. Throws Error where there is no picture of as many pixels as it says.
std::vector<std::byte> encode_png(const Picture& picture);
/// By base/files: whole, or not at all.
void write_png(const std::string& path, const Picture& picture);

inline constexpr std::int64_t max_picture_pixels = std::int64_t{1} << 26;

}  // namespace riffle::io
