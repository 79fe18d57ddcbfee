// PNG and JPEG pictures in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace riffle::tools {

/// 8-bit pixels, row after row, channels interleaved: 1 is gray, 3 is red, green, blue.
struct Picture {
  std::int32_t width = 0, height = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
};

/// Decodes a PNG or JPEG to 1 or 3 channels (transparency is dropped). Throws Error, with `name` in front, for anything
/// else, for a damaged file, and, before decoding, for one of more than max_picture_pixels.
Picture decode_picture(std::span<const std::byte> file, std::int32_t channels, const std::string& name);
Picture read_picture(const std::string& path, std::int32_t channels);

inline constexpr std::int64_t max_picture_pixels = std::int64_t{1} << 26;

}  // namespace riffle::tools
