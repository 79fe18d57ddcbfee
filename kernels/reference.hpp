// What the reference kernels share. They are written to be obviously right: double precision, one element at a time.
#pragma once

#include <cstddef>

#include "kernels/types.hpp"

namespace riffle::kernels {

inline double clamped(double x, const Clamp& clamp) {
  const double lower = static_cast<double>(clamp.lower), upper = static_cast<double>(clamp.upper);
  return x < lower ? lower : x > upper ? upper : x;
}

/// Channel `channel` of pixel `pixel` of a run.
inline double element(const ChannelRun& run, std::int64_t pixel, std::int32_t channel, const Addresses& memory) {
  const std::ptrdiff_t at = slot(static_cast<std::int32_t>(pixel), run.ring);
  return static_cast<double>(memory.read(run.first)[at * run.pixel_stride + channel]);
}

/// The same of a block, to write.
inline float& element(const Block& block, std::int64_t pixel, std::int32_t channel, const Addresses& memory) {
  const std::ptrdiff_t at = slot(static_cast<std::int32_t>(pixel), block.ring);
  return memory.write(block.first)[at * block.pixel_stride + channel];
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
