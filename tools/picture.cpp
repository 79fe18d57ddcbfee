#include "tools/picture.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

#include "engine/graph/graph.hpp"
#include "tools/files.hpp"
#include "tools/stb_image.hpp"

namespace riffle::tools {
namespace {

constexpr std::int64_t max_file_bytes = std::int64_t{1} << 28;
constexpr auto marker = std::byte{0xFF};
constexpr auto start_of_scan = std::byte{0xDA};
constexpr auto end_of_image = std::byte{0xD9};
/// A progressive JPEG has about ten; each costs a walk over the whole picture, however few bytes it takes.
constexpr int max_scans = 100;

bool is_jpeg(std::span<const std::byte> file) {
  return file.size() >= 3 && file[0] == marker && file[1] == std::byte{0xD8} && file[2] == marker;
}

bool is_png(std::span<const std::byte> file) {
  constexpr std::array<std::byte, 4> magic = {std::byte{0x89}, std::byte{'P'}, std::byte{'N'}, std::byte{'G'}};
  return file.size() >= magic.size() && std::equal(magic.begin(), magic.end(), file.begin());
}

/// The decoder takes a JPEG that stops in mid-scan for one whose rest is gray; here it is an error.
void check_jpeg(std::span<const std::byte> file, const std::string& name) {
  int scans = 0;
  bool ended = false;
  for (std::size_t i = 0; i + 1 < file.size(); ++i) {
    if (file[i] != marker) continue;
    if (file[i + 1] == start_of_scan) {
      ++scans;
      ended = false;
    }
    if (file[i + 1] == end_of_image) ended = true;
  }
  if (!ended) throw Error(name + ": the JPEG is truncated");
  if (scans > max_scans) throw Error(name + ": a JPEG of " + std::to_string(scans) + " scans");
}

void check_size(std::int64_t width, std::int64_t height, const std::string& name) {
  if (width < 1 || height < 1) throw Error(name + ": an empty picture");
  if (width > max_picture_pixels / height) {
    throw Error(name + ": a picture of " + std::to_string(width) + "x" + std::to_string(height) + " pixels; at most " +
                std::to_string(max_picture_pixels) + " are decoded");
  }
}

/// The decoder does not say that a PNG is too large, only that it is none.
void check_png(std::span<const std::byte> file, const std::string& name) {
  constexpr std::size_t width_at = 16, height_at = 20, header_end = 24;
  if (file.size() < header_end) throw Error(name + ": the PNG is truncated");
  const auto big_endian = [&](std::size_t at) {
    std::int64_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::int64_t>(file[at + i]);
    return value;
  };
  check_size(big_endian(width_at), big_endian(height_at), name);
}

}  // namespace

Picture decode_picture(std::span<const std::byte> file, std::int32_t channels, const std::string& name) {
  if (channels != 1 && channels != 3) {
    throw Error(name + ": a picture has 1 or 3 channels, not " + std::to_string(channels));
  }
  if (file.size() > INT_MAX || !(is_png(file) || is_jpeg(file))) throw Error(name + ": neither a PNG nor a JPEG");
  is_jpeg(file) ? check_jpeg(file, name) : check_png(file, name);

  const auto* bytes = reinterpret_cast<const stbi_uc*>(file.data());
  const auto length = static_cast<int>(file.size());
  // While the header is read, only the decoder's own state is allocated.
  set_picture_allocation_limit(std::size_t{1} << 20);
  int width = 0, height = 0, stored_channels = 0;
  if (stbi_info_from_memory(bytes, length, &width, &height, &stored_channels) == 0) {
    throw Error(name + ": cannot be decoded: " + stbi_failure_reason());
  }
  check_size(width, height, name);
  // 16-bit RGBA takes 8 bytes a pixel and a byte a row; buffers grow by doubling; JPEG rounds up to blocks of 32x32;
  // PNG gathers the compressed bytes in a buffer that doubles, too.
  const auto padded = (static_cast<std::size_t>(width) + 32) * (static_cast<std::size_t>(height) + 32);
  set_picture_allocation_limit((std::size_t{1} << 20) + 16 * padded + 2 * file.size());
  const std::unique_ptr<stbi_uc, void (*)(void*)> decoded(
      stbi_load_from_memory(bytes, length, &width, &height, &stored_channels, channels), stbi_image_free);
  if (!decoded) throw Error(name + ": cannot be decoded: " + stbi_failure_reason());
  const std::size_t size =
      static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * static_cast<std::size_t>(channels);
  return {width, height, channels, std::vector<std::uint8_t>(decoded.get(), decoded.get() + size)};
}

Picture read_picture(const std::string& path, std::int32_t channels) {
  return decode_picture(read_file(path, max_file_bytes), channels, path);
}

Picture with_channels(Picture picture, std::int32_t channels) {
  if (picture.channels == channels) return picture;
  if (picture.channels != 1 || channels != 3) {
    throw Error("a picture of " + std::to_string(picture.channels) + " channels does not become one of " +
                std::to_string(channels));
  }
  std::vector<std::uint8_t> pixels;
  pixels.reserve(picture.pixels.size() * 3);
  for (const std::uint8_t value : picture.pixels) pixels.insert(pixels.end(), 3, value);
  return {picture.width, picture.height, channels, std::move(pixels)};
}

}  // namespace riffle::tools
