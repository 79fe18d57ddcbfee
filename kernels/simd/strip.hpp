// A strip: register tiles (tile.hpp) of one height and one panel, one after the other, in a single call.
//
// An instruction set whose tiles are written in assembly has
//
//   static constexpr int strip_rows(int vectors);           the highest
//   static constexpr std::int32_t strip_least;              what its runs' channels are counted from
//   static StripFunction strip(int rows, int vectors);
//
// It computes what Tile computes, to the same bits whatever the height.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/types.hpp"

namespace riffle::simd {

/// A channel run at the strip's pixel 0.
struct StripRun {
  const void* first;
  std::ptrdiff_t stride;  ///< bytes to the next pixel
  std::int64_t rest;      ///< channels - strip_least
};

/// Sums start from the bias, from what is in memory, or from both. Offsets in this struct are known to the assembly.
struct Strip {
  /// Bits 0 and 1: clamp below, and also above; from bit 2: columns of the last vector, 0 if it is whole.
  static RIFFLE_INLINE std::int32_t form_of(float lower, float upper, std::int32_t last_columns) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    return (upper < infinity ? 3 : lower > -infinity ? 1 : 0) + 4 * last_columns;
  }

  float lower, upper;
  const void* bias;      ///< may be null where there is a `start`
  const void* weights;   ///< K rows; up to 128 bytes behind them are read
  std::int64_t pixel;    ///< the first tile's first
  const StripRun* runs;
  std::int64_t run_count;
  void* out;  ///< the pixel `pixel`
  std::int64_t tiles;
  std::ptrdiff_t out_stride;    ///< bytes
  std::int32_t form;            ///< form_of
  const void* start;            ///< null, or pixel 0's sums or residual; whole vectors
  std::ptrdiff_t start_stride;  ///< bytes
};
static_assert(sizeof(void*) < 8 ||
              (offsetof(Strip, bias) == 8 && offsetof(Strip, pixel) == 24 && offsetof(Strip, runs) == 32 &&
               offsetof(Strip, out) == 48 && offsetof(Strip, out_stride) == 64 && offsetof(Strip, start) == 80));

using StripFunction = void (*)(const Strip&);

}  // namespace riffle::simd
