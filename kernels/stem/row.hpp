// Tiles of an output row of the stem, 3x3 with stride 2, as an instruction set may have them in assembly:
//
//   static constexpr int stem_pixels(int vectors);   a tile's; 0 of panels that it has no tiles for
//   template <class In> static StemRowFunction<In, Value, Weight> stem_row(int vectors);
//
// All tap rows are inside the image. It computes what the generic body computes, to the same bits, but for the first
// column's left taps, which it multiplies by zero.
#pragma once

#include <cstddef>
#include <cstdint>

namespace riffle::kernels {

/// Offsets in this struct are known to the assembly.
template <class In, class Value, class Weight = Value>
struct StemRow {
  Weight lower, upper;              ///< as Strip's
  const Weight* panel;              ///< bias, then K rows; up to 64 bytes behind them are read
  const In* in;                     ///< the first plane's first tap row, at the first pixel's left tap
  std::ptrdiff_t in_row, in_plane;  ///< bytes
  Value* out;
  std::int64_t tiles;
  std::ptrdiff_t out_stride;  ///< bytes to the next pixel
  std::int32_t form;          ///< as Strip's, and 64 if the first pixel's left taps are outside the image
  std::int32_t channels;
};
using FloatStemRow = StemRow<float, float>;
static_assert(sizeof(void*) < 8 ||
              (offsetof(FloatStemRow, in) == 16 && offsetof(FloatStemRow, out) == 40 &&
               offsetof(FloatStemRow, out_stride) == 56 && offsetof(FloatStemRow, channels) == 68));

template <class In, class Value, class Weight = Value>
using StemRowFunction = void (*)(const StemRow<In, Value, Weight>&);

}  // namespace riffle::kernels
