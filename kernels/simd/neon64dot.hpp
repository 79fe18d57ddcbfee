// AArch64's NEON with ARMv8.2's dot product of bytes: four products of i8 a lane.
#pragma once

#include <arm_neon.h>

#include "kernels/simd/byte_strip.hpp"
#include "kernels/simd/neon64_asm.hpp"
#include "kernels/simd/neon64_taps.hpp"
#include "kernels/simd/neon_channels.hpp"

namespace riffle::simd {

extern "C" {
// strip_neon64dot.S
RIFFLE_STRIPS(riffle::simd::ByteStrip, neon64dot)
// kernels/depthwise/rows_neon64dot.S: rows x stride
void riffle_depthwise_bytes_1x1_neon64dot(const riffle::kernels::DepthwiseByteRows&);
void riffle_depthwise_bytes_2x1_neon64dot(const riffle::kernels::DepthwiseByteRows&);
void riffle_depthwise_bytes_1x2_neon64dot(const riffle::kernels::DepthwiseByteRows&);
}

struct Neon64dot;

/// Eight channels, as depthwise convolution takes them.
struct Neon64dotChannels : NeonChannels<Neon64dot> {
  static constexpr int most_rows(int stride) { return stride == 1 ? 2 : 1; }
  static RIFFLE_INLINE kernels::DepthwiseByteRowsFunction depthwise_rows(int rows, int stride) {
    return stride == 2 ? riffle_depthwise_bytes_1x2_neon64dot
           : rows == 1 ? riffle_depthwise_bytes_1x1_neon64dot
                       : riffle_depthwise_bytes_2x1_neon64dot;
  }
  /// A quad is a column of the window from its top, its last byte 0; and then all of them once more, one byte down.
  /// Then the biases twice, the factors, and the zero point in 16 bits.
  static constexpr int row_weight_bytes = (2 * 3 * 2 + 4 + 2 + 1) * 16;
  static RIFFLE_INLINE const std::byte* row_weights(const std::byte* vector, std::int16_t zero, std::byte* columns) {
    const std::byte* const packed = vector + lanes * 8;
    auto* const to = reinterpret_cast<std::uint32_t*>(columns);
    const uint32x4x4_t header = vld1q_u32_x4(reinterpret_cast<const std::uint32_t*>(vector));
    vst1q_u32_x4(to + 12 * 4, {{header.val[0], header.val[1], header.val[0], header.val[1]}});
    vst1q_u32_x2(to + 16 * 4, {{header.val[2], header.val[3]}});
    vst1q_s16(reinterpret_cast<std::int16_t*>(to + 18 * 4), vdupq_n_s16(zero));
    unroll<2>([&](auto half) __attribute__((always_inline)) {
      uint32x4_t row[3];  // 0, and the three taps of a row
      unroll<3>([&](auto i) __attribute__((always_inline)) {
        row[i] = vld1q_u32(reinterpret_cast<const std::uint32_t*>(packed) + (2 * i + half) * 4);
      });
      unroll<3>([&](auto j) __attribute__((always_inline)) {
        constexpr int shift = 8 * (j + 1);
        uint32x4_t column = vshrq_n_u32(row[0], shift);
        column = vsliq_n_u32(column, vshrq_n_u32(row[1], shift), 8);
        column = vsliq_n_u32(column, vshrq_n_u32(row[2], shift), 16);
        column = vandq_u32(column, vdupq_n_u32(0xffffffU));
        vst1q_u32(to + (2 * j + half) * 4, column);
        vst1q_u32(to + (6 + 2 * j + half) * 4, vshlq_n_u32(column, 8));
      });
    });
    return columns;
  }
};

struct Neon64dot : NeonIntegers, Neon64Taps {
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
