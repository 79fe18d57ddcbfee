// AArch64's NEON with ARMv8.2's dot product of bytes: four products of i8 a lane.
#pragma once

#include <arm_neon.h>

#include "kernels/depthwise/byte_rows.hpp"
#include "kernels/simd/byte_strip.hpp"
#include "kernels/simd/bytes.hpp"
#include "kernels/simd/neon64_asm.hpp"
#include "kernels/simd/neon_integers.hpp"

namespace riffle::simd {

extern "C" {
// strip_neon64dot.S
RIFFLE_STRIPS(riffle::simd::ByteStrip, neon64dot)
// kernels/depthwise/rows_neon64dot.S: rows x stride
void riffle_depthwise_bytes_1x1_neon64dot(const riffle::kernels::DepthwiseByteRows&);
void riffle_depthwise_bytes_2x1_neon64dot(const riffle::kernels::DepthwiseByteRows&);
void riffle_depthwise_bytes_1x2_neon64dot(const riffle::kernels::DepthwiseByteRows&);
}

/// Eight channels, as depthwise convolution takes them.
struct Neon64dotChannels {
  using Byte = std::int8_t;
  static constexpr Type byte_type = Type::i8;
  static constexpr int lanes = 8, factor_bytes = 32;
  struct Sums {
    int32x4_t low, high;
  };
  using Integers = Sums;
  struct Reals {
    float32x4_t low, high;
  };
  struct Quads {
    int8x16_t low, high;
  };
  using Factors = Quads;

  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) { return {vld1q_s32(from), vld1q_s32(from + 4)}; }
  static RIFFLE_INLINE Sums broadcast(std::int32_t x) { return {vdupq_n_s32(x), vdupq_n_s32(x)}; }
  static RIFFLE_INLINE Reals broadcast(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
  static RIFFLE_INLINE Factors load_factors(const std::byte* from) {
    const auto* const bytes = reinterpret_cast<const std::int8_t*>(from);
    return {vld1q_s8(bytes), vld1q_s8(bytes + 16)};
  }
  static RIFFLE_INLINE Quads widened(const Byte* from) {
    const uint16x8_t words = vmovl_u8(vreinterpret_u8_s8(vld1_s8(from)));
    return {vreinterpretq_s8_u32(vmovl_u16(vget_low_u16(words))), vreinterpretq_s8_u32(vmovl_high_u16(words))};
  }
  static RIFFLE_INLINE int8x16_t append(int8x16_t q, int8x16_t next) {
    const uint32x4_t down = vshrq_n_u32(vreinterpretq_u32_s8(q), 8);
    return vreinterpretq_s8_u32(vsliq_n_u32(down, vreinterpretq_u32_s8(next), 24));
  }
  static RIFFLE_INLINE Quads append(Quads q, Quads next) {
    return {append(q.low, next.low), append(q.high, next.high)};
  }
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    return {vdotq_s32(sums.low, x.low, w.low), vdotq_s32(sums.high, x.high, w.high)};
  }
  static RIFFLE_INLINE void store(Byte* to, Sums v, int count) {
    const int8x8_t bytes = vqmovn_s16(vcombine_s16(vqmovn_s32(v.low), vqmovn_s32(v.high)));
    if (count == lanes) return vst1_s8(to, bytes);
    Byte lane[lanes];
    vst1_s8(lane, bytes);
    for (int i = 0; i < count; ++i) to[i] = lane[i];
  }
  static RIFFLE_INLINE Sums add(Sums a, Sums b) { return {vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high)}; }
  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) {
    return {vmulq_f32(vcvtq_f32_s32(sums.low), vld1q_f32(factors)),
            vmulq_f32(vcvtq_f32_s32(sums.high), vld1q_f32(factors + 4))};
  }
  static RIFFLE_INLINE Sums rounded(Reals x, Reals lower, Reals upper) {
    return {vcvtnq_s32_f32(vminq_f32(upper.low, vmaxq_f32(lower.low, x.low))),
            vcvtnq_s32_f32(vminq_f32(upper.high, vmaxq_f32(lower.high, x.high)))};
  }
  static RIFFLE_INLINE Sums clamp(Sums x, Sums lower, Sums upper) {
    return {vminq_s32(upper.low, vmaxq_s32(lower.low, x.low)), vminq_s32(upper.high, vmaxq_s32(lower.high, x.high))};
  }

  static constexpr int most_rows(int stride) { return stride == 1 ? 2 : 1; }
  static RIFFLE_INLINE kernels::DepthwiseByteRowsFunction depthwise_rows(int rows, int stride) {
    return stride == 2 ? riffle_depthwise_bytes_1x2_neon64dot
           : rows == 1 ? riffle_depthwise_bytes_1x1_neon64dot
                       : riffle_depthwise_bytes_2x1_neon64dot;
  }
  /// A quad is a column of the window from its top, its last byte 0; and then all of them once more, one byte down.
  static constexpr int column_bytes = 2 * 3 * 2 * 16;
  static RIFFLE_INLINE void weights_by_columns(const std::byte* packed, std::byte* columns) {
    auto* const to = reinterpret_cast<std::uint32_t*>(columns);
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
  }
};

struct Neon64dot : NeonIntegers {
  static constexpr const char* name = "neon64dot";
  using Channels = Neon64dotChannels;
  static constexpr int max_vectors = 4, factor_bytes = 16;
  static constexpr bool by_lane = true, by_pairs = false;
  static constexpr int tile_rows(int vectors) { return strip_rows(vectors); }

  using Sums = int32x4_t;
  using Quads = int8x16_t;
  using Factors = int8x16_t;

  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) { return vld1q_s32(from); }
  static RIFFLE_INLINE Sums zero() { return vdupq_n_s32(0); }
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
  static RIFFLE_INLINE std::int32_t sum(Sums sums) { return vaddvq_s32(sums); }

  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) {
    return vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(factors));
  }
  static RIFFLE_INLINE Sums rounded(Reals x, Reals lower, Reals upper) {
    return vcvtnq_s32_f32(vminq_f32(upper, vmaxq_f32(lower, x)));
  }

  RIFFLE_NEON64_STRIPS(riffle::simd::ByteStripFunction, neon64dot)
};

}  // namespace riffle::simd
