// A strip: register tiles (tile.hpp) of one height and one panel, one after the other, in a single call.
//
// An instruction set whose tiles are written in assembly has
//
//   static constexpr int strip_rows(int vectors);           the highest
//   static StripFunction<Value> strip(int rows, int vectors);
//
// It computes what Tile computes, to the same bits whatever the height.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/types.hpp"

namespace riffle::simd {

/// A channel run at the strip's pixel 0.
template <class Value>
struct StripRun {
  const Value* first;
  std::ptrdiff_t stride;  ///< bytes to the next pixel
  std::int64_t rest;      ///< channels, less 16
};

/// How a tile ends, as the assembly is told. Bits 0 and 1: 1 clamp below, 3 also above, 2 a slope in place of the lower
/// bound; from bit 2 on: bytes of the last vector, 0 if it is whole.
RIFFLE_INLINE std::int32_t form_of(const kernels::Clamp& clamp, std::int64_t last_bytes) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::int32_t bounds = clamp.upper < infinity ? 3 : clamp.lower > -infinity ? 1 : 0;
  return bounds + 4 * static_cast<std::int32_t>(last_bytes);
}
RIFFLE_INLINE std::int32_t form_of(const kernels::LeakyClamp& clamp, std::int64_t last_bytes) {
  return (clamp.leaks() ? 2 : 0) + form_of(static_cast<const kernels::Clamp&>(clamp), last_bytes);
}
RIFFLE_INLINE float first_bound(const kernels::LeakyClamp& clamp) { return clamp.leaks() ? clamp.slope : clamp.lower; }

/// Sums start from the bias, from what is in memory, or from both. Offsets in this struct are known to the assembly.
template <class Value>
struct Strip {
  Value lower, upper;    ///< first_bound, and the other
  const Value* bias;     ///< may be null where there is a `start`
  const Value* weights;  ///< K rows; up to 64 bytes behind them are read
  std::int64_t pixel;    ///< the first tile's first
  const StripRun<Value>* runs;
  std::int64_t run_count;
  Value* out;  ///< the pixel `pixel`
  std::int64_t tiles;
  std::ptrdiff_t out_stride;    ///< bytes
  std::int32_t form;            ///< form_of
  const Value* start;           ///< null, or pixel 0's sums or residual; whole vectors
  std::ptrdiff_t start_stride;  ///< bytes
};
template <class Value>
constexpr bool has_known_offsets = offsetof(Strip<Value>, bias) == 8 && offsetof(Strip<Value>, pixel) == 24 &&
                                   offsetof(Strip<Value>, runs) == 32 && offsetof(Strip<Value>, out) == 48 &&
                                   offsetof(Strip<Value>, out_stride) == 64 && offsetof(Strip<Value>, start) == 80;
static_assert(sizeof(void*) < 8 || (has_known_offsets<float> && has_known_offsets<kernels::Half>));

template <class Value>
using StripFunction = void (*)(const Strip<Value>&);

}  // namespace riffle::simd
