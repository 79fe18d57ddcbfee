// libFuzzer: any bytes are a picture or an Error; a small picture can be turned and resized.
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "io/picture.hpp"
#include "io/resample.hpp"

namespace {

/// Reads every pixel, whatever the orientation.
void resize(const riffle::io::Picture& picture) {
  constexpr std::int64_t max_pixels = 1 << 16;  // larger ones find nothing new
  if (std::int64_t{picture.width} * picture.height > max_pixels) return;
  const std::int32_t height = picture.upright_height(), width = picture.upright_width();
  riffle::io::Resampler resample;
  resample(picture, riffle::io::stretched(3, 5), true);
  resample(picture, riffle::io::cropped(height, width, 6, 3, 5), true);
  resample(picture, riffle::io::cropped(height, width, 6, 3, 5), false);
}

/// Gives every chunk of what may be a PNG its checksum: a wrong one would end the decoding before it began.
void repair_checksums(std::span<std::uint8_t> file) {
  constexpr std::size_t signature = 8, length = 4, type = 4, checksum = 4;
  const auto big_endian = [&](std::size_t at) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | file[at + i];
    return value;
  };
  std::size_t at = signature;
  while (at + length + type + checksum <= file.size()) {
    const std::size_t size = big_endian(at);
    if (size > file.size() - at - length - type - checksum) return;
    const auto value = crc32(0, file.data() + at + length, static_cast<uInt>(type + size));
    at += length + type + size;
    for (int shift = 24; shift >= 0; shift -= 8) file[at++] = static_cast<std::uint8_t>(value >> shift);
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int /*seed*/) {
  size = LLVMFuzzerMutate(data, size, max_size);
  constexpr std::uint8_t png = 0x89;
  if (size > 0 && data[0] == png) repair_checksums(std::span(data, size));
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::int32_t channels : {1, 3}) {
    try {
      resize(riffle::io::decode_picture(std::as_bytes(std::span(data, size)), channels, "fuzz.png"));
    } catch (const riffle::Error&) {
    }
  }
  return 0;
}
