// AArch64's NEON with ARMv8.6's products of matrices of bytes (smmla): two pixels times two outputs, eight channels.
#pragma once

#include "kernels/simd/neon64dot.hpp"

namespace riffle::simd {

extern "C" {
// strip_neon64i8mm.S
RIFFLE_STRIPS_OF_4(riffle::simd::ByteStrip, neon64i8mm, 1)
RIFFLE_STRIPS_OF_4(riffle::simd::ByteStrip, neon64i8mm, 2)
}

struct Neon64i8mm : Neon64dot {
  static constexpr const char* name = "neon64i8mm";
  static constexpr int max_vectors = 2;
  static constexpr bool by_pairs = true;
  static constexpr int tile_rows(int) { return 8; }

  static constexpr int strip_pairs = 4;
  static RIFFLE_INLINE ByteStripFunction strip(int pairs, int vectors) {
    static constexpr ByteStripFunction strips[][4] = {
        {riffle_strip_1x1_neon64i8mm, riffle_strip_2x1_neon64i8mm, riffle_strip_3x1_neon64i8mm,
         riffle_strip_4x1_neon64i8mm},
        {riffle_strip_1x2_neon64i8mm, riffle_strip_2x2_neon64i8mm, riffle_strip_3x2_neon64i8mm,
         riffle_strip_4x2_neon64i8mm}};
    return strips[vectors - 1][pairs - 1];
  }

  /// Of `eights` times eight channels of 2 Pairs pixels, `stride` apart, the eights one after the other. Reads up to 7
  /// bytes behind a pixel's last channel. Returns where the next go.
  template <int Pairs>
  static RIFFLE_INLINE Byte* gather(const Byte* from, std::ptrdiff_t stride, std::int32_t eights, Byte* to) {
    const Byte* at[2 * Pairs];
    unroll<2 * Pairs>([&](auto p) __attribute__((always_inline)) { at[p] = from + p * stride; });
    for (std::int32_t e = 0; e < eights; ++e, to += Pairs * 16) {
      unroll<Pairs>([&](auto p) __attribute__((always_inline)) {
        vst1q_s8(to + p * 16, vcombine_s8(vld1_s8(at[2 * p]), vld1_s8(at[2 * p + 1])));
        at[2 * p] += 8;
        at[2 * p + 1] += 8;
      });
    }
    return to;
  }
};

}  // namespace riffle::simd
