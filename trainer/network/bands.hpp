// An image under windows, a few rows of outputs at a time, so that what one pass leaves is near for the next.
//
//   rows of x      0 1 2 3 4 5 6 7 ...      3x3, stride 1, bands of 4 outputs
//   first band     i i i i i                in: what its outputs read and no band before
//                  d d d                    done: what no later output reads
//   second band              i i i i
//                        d d d d
#pragma once

#include <algorithm>

#include "trainer/kernels/windows.hpp"

namespace riffle::trainer {

struct Band {
  Rows out;   ///< of the outputs
  Rows in;    ///< of the operand: to be read ahead of the outputs
  Rows done;  ///< of the operand: whose gradient is complete behind them
};

/// Calls f(band) for all of an image. A row of the operand has `row_floats` floats.
template <class F>
void for_bands(const Extent& extent, const Window& window, std::int64_t row_floats, F&& f) {
  constexpr std::int64_t near_floats = 12 * 1024;  // of the operand, in a second-level cache that holds several such
  const auto rows = static_cast<std::int32_t>(
      std::clamp<std::int64_t>(near_floats / (row_floats * window.stride_h), 1, extent.out_h));
  const std::int32_t reach = (window.kernel_h - 1) * window.dilation_h + 1;
  Band band;
  while (band.out.end < extent.out_h) {
    band.out = {band.out.end, std::min(band.out.end + rows, extent.out_h)};
    const bool last = band.out.end == extent.out_h;
    const std::int32_t read = (band.out.end - 1) * window.stride_h - window.pad_top + reach;
    const std::int32_t next = band.out.end * window.stride_h - window.pad_top;
    band.in = {band.in.end, last ? extent.in_h : std::clamp(read, band.in.end, extent.in_h)};
    band.done = {band.done.end, last ? extent.in_h : std::clamp(next, band.done.end, band.in.end)};
    f(band);
  }
}

}  // namespace riffle::trainer
