// AArch64's NEON with ARMv8.6's products of matrices of bytes (smmla): two pixels times two outputs, eight channels.
#pragma once

#include "kernels/simd/neon64dot.hpp"

namespace riffle::simd {

extern "C" {
// strip_neon64i8mm.S
RIFFLE_STRIPS_OF_4(riffle::simd::ByteStrip, neon64i8mm, 1)
RIFFLE_STRIPS_OF_4(riffle::simd::ByteStrip, neon64i8mm, 2)
#define RIFFLE_GATHER(pairs)                                                                              \
  void riffle_gather_##pairs##_neon64i8mm(const std::int8_t*, std::ptrdiff_t, std::int64_t, std::int8_t*, \
                                          std::ptrdiff_t, std::int64_t);
RIFFLE_GATHER(1)
RIFFLE_GATHER(2)
RIFFLE_GATHER(3)
RIFFLE_GATHER(4)
}

struct Neon64i8mm : Neon64dot {
  static constexpr const char* name = "neon64i8mm";
  static constexpr int max_vectors = 2;
  static constexpr kernels::QuadForm form = kernels::QuadForm::eights;
  static constexpr int tile_rows(int) { return 8; }

  static RIFFLE_INLINE ByteStripFunction strip(int pairs, int vectors) {
    static constexpr ByteStripFunction strips[][4] = {{riffle_strip_1x1_neon64i8mm, riffle_strip_2x1_neon64i8mm,
                                                       riffle_strip_3x1_neon64i8mm, riffle_strip_4x1_neon64i8mm},
                                                      {riffle_strip_1x2_neon64i8mm, riffle_strip_2x2_neon64i8mm,
                                                       riffle_strip_3x2_neon64i8mm, riffle_strip_4x2_neon64i8mm}};
    return strips[vectors - 1][pairs - 1];
  }

  static RIFFLE_INLINE GatherFunction gather(int pairs) {
    static constexpr GatherFunction functions[] = {riffle_gather_1_neon64i8mm, riffle_gather_2_neon64i8mm,
                                                   riffle_gather_3_neon64i8mm, riffle_gather_4_neon64i8mm};
    return functions[pairs - 1];
  }
};

}  // namespace riffle::simd
