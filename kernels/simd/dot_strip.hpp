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
  std::int32_t form;                ///< dot_form
  const kernels::Bfloat* residual;  ///< null, or the first pixel's: whole vectors
  std::ptrdiff_t residual_stride;   ///< bytes
  float* waiting;                   ///< of one tile
};
static_assert(sizeof(void*) < 8 || (offsetof(DotStrip, bias) == 8 && offsetof(DotStrip, inputs) == 24 &&
                                    offsetof(DotStrip, out) == 40 && offsetof(DotStrip, out_stride) == 56 &&
                                    offsetof(DotStrip, residual) == 72 && offsetof(DotStrip, waiting) == 88));

/// How a tile begins and ends, as the assembly is told: form_of, but no bounds where they are a ReLU's alone, which is
/// 256; 64 if the sums go on from `waiting`, 128 if they wait there at the end; 512 if there is more between sums and
/// results than rounding and a ReLU.
RIFFLE_INLINE std::int32_t dot_form(const kernels::Clamp& clamp, std::int64_t last_bytes, bool goes_on, bool waits,
                                    bool has_residual) {
  const bool is_relu = clamp.lower == 0.0F && clamp.upper == std::numeric_limits<float>::infinity();
  const std::int32_t form = is_relu ? form_of(kernels::Clamp{}, last_bytes) + 256 : form_of(clamp, last_bytes);
  return form + (goes_on ? 64 : 0) + (waits ? 128 : 0) + (waits || has_residual || form % 4 != 0 ? 512 : 0);
}

using DotStripFunction = void (*)(const DotStrip&);

}  // namespace riffle::simd
