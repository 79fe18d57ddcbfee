// What the decoders of PNG and JPEG share; only picture*.cpp includes it.
#pragma once

#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>

#include "base/error.hpp"
#include "io/picture.hpp"

namespace riffle::io {

/// Called on the header's sizes, before anything of that size is allocated.
void check_size(std::int64_t width, std::int64_t height, const std::string& name);

/// 0.299 R + 0.587 G + 0.114 B, rounded: what libjpeg and Pillow compute, in 1/65536.
constexpr std::uint8_t luma(int red, int green, int blue) {
  return static_cast<std::uint8_t>((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16);
}

Picture decode_png(std::span<const std::byte> file, std::int32_t channels, const std::string& name);
Picture decode_jpeg(std::span<const std::byte> file, std::int32_t channels, const std::string& name);

/// The way out of a C library whose error handler must not return. The jump runs no destructor, so that `run` is given
/// calls of C functions that own nothing; what they need is allocated between two runs.
class Escape {
 public:
  explicit Escape(const std::string& name) : name_(name) {}
  Escape(const Escape&) = delete;
  Escape& operator=(const Escape&) = delete;

  /// Throws Error if `calls` ended in leave().
  template <class Calls>
  void run(const Calls& calls) {
    if (setjmp(place_) != 0) throw Error(name_ + ": cannot be decoded: " + message_.data());
    calls();
  }

  /// For the library's error handler, inside of run().
  [[noreturn]] void leave(const char* message) {
    std::snprintf(message_.data(), message_.size(), "%s", message);
    std::longjmp(place_, 1);
  }

 private:
  const std::string& name_;
  std::array<char, 256> message_ = {};
  std::jmp_buf place_ = {};
};

}  // namespace riffle::io
