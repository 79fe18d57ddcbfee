#include "io/exif.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace riffle::io {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t orientation_tag = 0x0112, type_short = 3;
constexpr std::uint64_t entry_bytes = 12;  ///< of a directory: tag, type, count, value

/// By the tag's value, which says where the first row and the first column of what is stored belong.
constexpr std::array<Orientation, 9> orientations = {
    {{}, {0, false}, {0, true}, {180, false}, {180, true}, {90, true}, {90, false}, {270, true}, {270, false}}};

bool begins_with(std::span<const std::byte> bytes, std::string_view beginning) {
  return bytes.size() >= beginning.size() && std::memcmp(bytes.data(), beginning.data(), beginning.size()) == 0;
}

}  // namespace

Orientation read_orientation(std::span<const std::byte> exif) {
  if (begins_with(exif, "Exif\0\0"sv)) exif = exif.subspan(6);
  const bool little_endian = begins_with(exif, "II*\0"sv);
  if (!little_endian && !begins_with(exif, "MM\0*"sv)) return {};

  // 64 bits: a sum of offsets does not wrap around. What is not in the block is 0, which no directory and no tag has.
  const auto number = [&](std::uint64_t at, std::uint64_t size) {
    std::uint64_t value = 0;
    if (at + size > exif.size()) return value;
    for (std::uint64_t i = 0; i < size; ++i) {
      const std::uint64_t place = at + (little_endian ? size - 1 - i : i);
      value = value << 8 | std::to_integer<std::uint64_t>(exif[static_cast<std::size_t>(place)]);
    }
    return value;
  };
  const std::uint64_t directory = number(4, 4), count = number(directory, 2);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t entry = directory + 2 + i * entry_bytes;
    if (number(entry, 2) != orientation_tag) continue;
    const std::uint64_t value = number(entry + 8, 2);
    const bool known = number(entry + 2, 2) == type_short && number(entry + 4, 4) == 1 && value < orientations.size();
    return known ? orientations[static_cast<std::size_t>(value)] : Orientation{};
  }
  return {};
}

}  // namespace riffle::io
