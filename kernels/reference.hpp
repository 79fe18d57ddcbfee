// What the reference kernels share. They are written to be obviously right: double precision, one element at a time.
#pragma once

#include <cstddef>

#include "kernels/byte_panels.hpp"
#include "kernels/types.hpp"

namespace riffle::kernels {

inline double clamped(double x, const Clamp& clamp) {
  const double lower = static_cast<double>(clamp.lower), upper = static_cast<double>(clamp.upper);
  return x < lower ? lower : x > upper ? upper : x;
}

inline double clamped(double x, const LeakyClamp& clamp) {
  return clamped(x < 0 ? x * static_cast<double>(clamp.slope) : x, static_cast<const Clamp&>(clamp));
}

/// The number of a type (f32, f16, bf16, i8, u8) that stands so many elements behind a place.
inline double number(const Numbers& numbers, std::int64_t at, const Addresses& memory) {
  switch (numbers.type) {
    case Type::f16:
      return static_cast<double>(from_f16(memory.read<std::uint16_t>(numbers.first)[at]));
    case Type::bf16:
      return static_cast<double>(from_bf16(memory.read<std::uint16_t>(numbers.first)[at]));
    case Type::i8:
      return memory.read<std::int8_t>(numbers.first)[at];
    case Type::u8:
      return memory.read<std::uint8_t>(numbers.first)[at];
    default:
      return static_cast<double>(memory.read(numbers.first)[at]);
  }
}
inline void set_number(const Numbers& numbers, std::int64_t at, const Addresses& memory, double value) {
  switch (numbers.type) {
    case Type::f16:
      memory.write<std::uint16_t>(numbers.first)[at] = to_f16(static_cast<float>(value));
      break;
    case Type::bf16:
      memory.write<std::uint16_t>(numbers.first)[at] = to_bf16(static_cast<float>(value));
      break;
    case Type::i8:
      memory.write<std::int8_t>(numbers.first)[at] = static_cast<std::int8_t>(value);
      break;
    case Type::u8:
      memory.write<std::uint8_t>(numbers.first)[at] = static_cast<std::uint8_t>(value);
      break;
    default:
      memory.write(numbers.first)[at] = static_cast<float>(value);
      break;
  }
}

/// Channel `channel` of pixel `pixel` of a run.
inline double element(const ChannelRun& run, std::int64_t pixel, std::int32_t channel, const Addresses& memory) {
  const std::ptrdiff_t at = slot(static_cast<std::int32_t>(pixel), run.ring);
  return number({run.first, run.type}, at * run.pixel_stride + channel, memory);
}

/// The same of a block, written.
inline void set_element(const Block& block, std::int64_t pixel, std::int32_t channel, const Addresses& memory,
                        double value) {
  const std::ptrdiff_t at = slot(static_cast<std::int32_t>(pixel), block.ring);
  set_number({block.first, block.type}, at * block.pixel_stride + channel, memory, value);
}

/// What a layer of bytes makes of a sum: a byte, or a number where its results are such.
inline double layer_reference(Type made, std::int64_t sum, float factor, const Clamp& clamp, std::int32_t output_zero,
                              const std::int32_t* residual = nullptr) {
  if (made == Type::f32) return clamped(static_cast<double>(static_cast<float>(sum) * factor), clamp);
  return requantised_reference(sum, factor, clamp, output_zero, residual);
}

/// Calls f(tap, pixel) for the taps of output (y, x) that lie inside the image; tap counts row-major.
template <class F>
void for_taps_inside(const Extent& extent, const Window& window, std::int32_t y, std::int32_t x, F&& f) {
  for (std::int32_t i = 0; i < window.kernel_h; ++i) {
    const std::int32_t iy = y * window.stride_h - window.pad_top + i * window.dilation_h;
    if (iy < 0 || iy >= extent.in_h) continue;
    for (std::int32_t j = 0; j < window.kernel_w; ++j) {
      const std::int32_t ix = x * window.stride_w - window.pad_left + j * window.dilation_w;
      if (ix < 0 || ix >= extent.in_w) continue;
      f(i * window.kernel_w + j, static_cast<std::int64_t>(iy) * extent.in_w + ix);
    }
  }
}

}  // namespace riffle::kernels
