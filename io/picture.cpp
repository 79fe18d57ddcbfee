#include "io/picture.hpp"

#include <array>
#include <cstring>

#include "base/files.hpp"
#include "io/picture_codec.hpp"

namespace riffle::io {
namespace {

constexpr std::int64_t max_picture_bytes = std::int64_t{1} << 28;

template <std::size_t Size>
bool starts_with(std::span<const std::byte> file, const std::array<std::uint8_t, Size>& magic) {
  return file.size() >= Size && std::memcmp(file.data(), magic.data(), Size) == 0;
}

}  // namespace

void check_size(std::int64_t width, std::int64_t height, const std::string& name) {
  if (width < 1 || height < 1) throw Error(name + ": an empty picture");
  if (width > max_picture_pixels / height) {
    throw Error(name + ": a picture of " + std::to_string(width) + "x" + std::to_string(height) + " pixels; at most " +
                std::to_string(max_picture_pixels) + " are decoded");
  }
}

Picture decode_picture(std::span<const std::byte> file, std::int32_t channels, const std::string& name) {
  if (channels != 1 && channels != 3) {
    throw Error(name + ": a picture has 1 or 3 channels, not " + std::to_string(channels));
  }
  if (starts_with<4>(file, {0x89, 'P', 'N', 'G'})) return decode_png(file, channels, name);
  if (starts_with<3>(file, {0xFF, 0xD8, 0xFF})) return decode_jpeg(file, channels, name);
  throw Error(name + ": neither a PNG nor a JPEG");
}

Picture read_picture(const std::string& path, std::int32_t channels) {
  return decode_picture(read_file(path, max_picture_bytes), channels, path);
}

void write_png(const std::string& path, const Picture& picture) { write_file(path, {encode_png(picture)}); }

}  // namespace riffle::io
