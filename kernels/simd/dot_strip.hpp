// Strips (strip.hpp) of tiles that are multiplied by dot products, of pixels by pairs. An instruction set whose tiles
// are written in assembly has
//
//   static constexpr int strip_pairs;                       the highest
//   static DotStripFunction dot_strip(int pairs, int vectors);
#pragma once

#include "kernels/simd/strip.hpp"

namespace riffle::simd {

/// Offsets in this struct are known to the assembly.
struct DotStrip {
  float lower, upper;
  const float* bias;               ///< each pair of outputs twice
  const kernels::Bfloat* weights;  ///< of every dot, the outputs pair by pair
  const kernels::Bfloat* inputs;   ///< tile by tile, of every dot, the pixels pair by pair
  std::int64_t dots;
  kernels::Bfloat* out;
  std::int64_t tiles;
  std::ptrdiff_t out_stride;        ///< bytes to the next pixel; 0: the pixels of a pair are the same
  std::int32_t form;                ///< form_of, 64 if the sums go on from `waiting`, 128 if they wait there at the end
  const kernels::Bfloat* residual;  ///< null, or the first pixel's: whole vectors
  std::ptrdiff_t residual_stride;   ///< bytes
  float* waiting;                   ///< of one tile
};
static_assert(sizeof(void*) < 8 || (offsetof(DotStrip, bias) == 8 && offsetof(DotStrip, inputs) == 24 &&
                                    offsetof(DotStrip, out) == 40 && offsetof(DotStrip, out_stride) == 56 &&
                                    offsetof(DotStrip, residual) == 72 && offsetof(DotStrip, waiting) == 88));

using DotStripFunction = void (*)(const DotStrip&);

}  // namespace riffle::simd
