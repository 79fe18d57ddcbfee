// Strips (strip.hpp) of bytes. An instruction set whose tiles are written in assembly has
//
//   static constexpr int strip_rows(int vectors);
//   static ByteStripFunction strip(int rows, int vectors);
//   static GatherFunction gather(int pairs);                 by eights
//
// By eights, strip() counts pairs of pixels, and a strip may have several panels. What a tile reads stands in the order
// of its use, for all tiles: eight channels of every pixel, pixel after pixel, then the next eight, `count` eights in
// all.
#pragma once

#include "kernels/simd/strip.hpp"

namespace riffle::simd {

/// Offsets in this struct are known to the assembly, and most of them are Strip's.
struct ByteStrip {
  std::int16_t zero;         ///< the result's zero point, less the residual's
  std::int8_t lower, upper;  ///< bounds of the bytes that are stored
  float rounding;            ///< 1.5 * 2^23 + zero: a sum with it has the rounded number in its lower 16 bits
  const std::int32_t* bias;
  const std::byte* weights;  ///< up to 64 bytes behind them are read
  std::int64_t pixel;        ///< the first tile's first
  const void* activations;   ///< runs, StripRun<std::int8_t> with `rest` in quads, less 16; or see below
  std::int64_t count;        ///< of runs
  std::int8_t* out;          ///< the pixel `pixel`
  std::int64_t tiles;
  std::ptrdiff_t out_stride;
  /// 1: there are bounds; from bit 2 on: columns, 0 if the last vector is whole; 64: results are small; 128: and exact
  std::int32_t form;
  const std::int8_t* residual;  ///< null, or pixel 0's (by eights: `pixel`'s): whole vectors
  std::ptrdiff_t residual_stride;
  const float* factors;
  std::int64_t panels, panel_bytes;  ///< by eights: without a residual, so many panels of the same form, side by side
  const std::uint8_t* fits;          ///< by pairs: QuadFacts
};
static_assert(sizeof(void*) < 8 || (offsetof(ByteStrip, rounding) == 4 && offsetof(ByteStrip, bias) == 8 &&
                                    offsetof(ByteStrip, pixel) == 24 && offsetof(ByteStrip, activations) == 32 &&
                                    offsetof(ByteStrip, out) == 48 && offsetof(ByteStrip, out_stride) == 64 &&
                                    offsetof(ByteStrip, residual) == 80 && offsetof(ByteStrip, factors) == 96 &&
                                    offsetof(ByteStrip, panels) == 104 && offsetof(ByteStrip, fits) == 120));

using ByteStripFunction = void (*)(const ByteStrip&);

/// By eights: of tiles of so many pixels' channels of a run, (pixel 0, bytes to the next, eights, where they go, bytes
/// from a tile to the next, tiles). Reads up to 7 bytes behind a run's last channel.
using GatherFunction = void (*)(const std::int8_t*, std::ptrdiff_t, std::int64_t, std::int8_t*, std::ptrdiff_t,
                                std::int64_t);

}  // namespace riffle::simd
