// Tiles of 7 pixels x 3 vectors of an output row of the stem, 3x3 with stride 2, as an instruction set may have them in
// assembly:
//
//   static StemRowFunction stem_row();
//
// All tap rows are inside the image. It computes what the generic body computes, to the same bits, but for the first
// column's left taps, which it multiplies by zero.
#pragma once

#include <cstddef>
#include <cstdint>

namespace riffle::kernels {

/// Offsets in this struct are known to the assembly.
struct StemRow {
  static constexpr std::int32_t pixels = 7, vectors = 3;

  float lower, upper;
  const void* panel;                ///< bias, then K rows; up to 64 bytes behind them are read
  const void* in;                   ///< the first plane's first tap row, at the first pixel's left tap
  std::ptrdiff_t in_row, in_plane;  ///< bytes
  void* out;
  std::int64_t tiles;
  std::ptrdiff_t out_stride;  ///< bytes to the next pixel
  std::int32_t form;          ///< as Strip's, and 16 if the first pixel's left taps are outside the image
  std::int32_t channels;
};
static_assert(sizeof(void*) < 8 || (offsetof(StemRow, in) == 16 && offsetof(StemRow, out) == 40 &&
                                    offsetof(StemRow, out_stride) == 56 && offsetof(StemRow, channels) == 68));

using StemRowFunction = void (*)(const StemRow&);

}  // namespace riffle::kernels
