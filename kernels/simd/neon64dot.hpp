// AArch64's NEON with ARMv8.2's dot product of bytes: four products of i8 a lane.
#pragma once

#include <arm_neon.h>

#include "kernels/simd/byte_strip.hpp"
#include "kernels/simd/gather.hpp"
#include "kernels/simd/neon64_asm.hpp"
#include "kernels/simd/neon64_taps.hpp"
#include "kernels/simd/neon_channels.hpp"

namespace riffle::simd {

extern "C" {
// strip_neon64dot.S
RIFFLE_STRIPS(riffle::simd::ByteStrip, neon64dot)
// kernels/depthwise/rows_neon64dot.S: rows x stride, and whether results are exact
#define RIFFLE_DEPTHWISE_BYTES(rows, stride)                                                              \
  void riffle_depthwise_bytes_##rows##x##stride##_0_neon64dot(const riffle::kernels::DepthwiseByteRows&); \
  void riffle_depthwise_bytes_##rows##x##stride##_1_neon64dot(const riffle::kernels::DepthwiseByteRows&);
RIFFLE_DEPTHWISE_BYTES(1, 1)
RIFFLE_DEPTHWISE_BYTES(2, 1)
RIFFLE_DEPTHWISE_BYTES(1, 2)
}

struct Neon64dot;

/// Eight channels, as depthwise convolution takes them.
struct Neon64dotChannels : NeonChannels<Neon64dot> {
  static constexpr int most_rows(int stride) { return stride == 1 ? 2 : 1; }
  static RIFFLE_INLINE kernels::DepthwiseByteRowsFunction depthwise_rows(int rows, int stride, bool are_exact) {
    static constexpr kernels::DepthwiseByteRowsFunction functions[][2] = {
        {riffle_depthwise_bytes_1x1_0_neon64dot, riffle_depthwise_bytes_1x1_1_neon64dot},
        {riffle_depthwise_bytes_2x1_0_neon64dot, riffle_depthwise_bytes_2x1_1_neon64dot},
        {riffle_depthwise_bytes_1x2_0_neon64dot, riffle_depthwise_bytes_1x2_1_neon64dot}};
    return functions[stride == 2 ? 2 : rows - 1][are_exact ? 1 : 0];
  }
};

struct Neon64dot : NeonIntegers, Neon64Taps, Neon64Gather {
  static constexpr const char* name = "neon64dot";
  using Channels = Neon64dotChannels;
  static constexpr int max_vectors = 4, factor_bytes = 16;
  static constexpr bool by_lane = true;
  static constexpr kernels::QuadForm form = kernels::QuadForm::bytes;
  static constexpr int tile_rows(int vectors) { return strip_rows(vectors); }

  using Quads = int8x16_t;
  using Factors = int8x16_t;

  static RIFFLE_INLINE Factors load_factors(const std::byte* from) {
    return vld1q_s8(reinterpret_cast<const std::int8_t*>(from));
  }
  /// Four quads.
  static RIFFLE_INLINE Quads load_quads(const Byte* from) { return vld1q_s8(from); }
  template <int Lane>
  static RIFFLE_INLINE Sums multiply_lane(Sums sums, Quads x, Factors w) {
    return vdotq_laneq_s32(sums, w, x, Lane);
  }

  static constexpr int dot_bytes = 16;
  static RIFFLE_INLINE Sums dot(Sums sums, const Byte* x, const std::int8_t* w) {
    return vdotq_s32(sums, vld1q_s8(x), vld1q_s8(w));
  }

  static RIFFLE_INLINE Sums add_quads(Sums sums, int8x16_t x, int8x16_t w) { return vdotq_s32(sums, x, w); }

  RIFFLE_NEON64_STRIPS(riffle::simd::ByteStripFunction, neon64dot)
};

}  // namespace riffle::simd
