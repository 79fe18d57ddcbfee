// A checksum of many things, one behind the other.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace riffle::trainer {

/// CRC-32.
class Checksum {
 public:
  void add(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;  // to zlib, no address is a new beginning
    value_ = crc32_z(value_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  }
  /// Also where it ends.
  void add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    add(std::as_bytes(std::span(text)));
  }
  void add(std::int64_t number) { add(std::as_bytes(std::span(&number, 1))); }

  [[nodiscard]] std::uint32_t value() const { return static_cast<std::uint32_t>(value_); }

 private:
  uLong value_ = crc32_z(0, nullptr, 0);
};

}  // namespace riffle::trainer
