// NEON without a dot product of bytes: products of 16 bits, which are added up by pairs into sums of 32.
#pragma once

#include "kernels/simd/neon_integers.hpp"

namespace riffle::simd {

struct NeonBytes : NeonIntegers {
  using Channels = NeonBytes;
  static constexpr int max_vectors = 2, factor_bytes = 16;
  static constexpr bool by_lane = false, by_pairs = false;
  /// Two registers a sum: 16 of AArch64's 32, 8 of ARMv7's 16.
  static constexpr int registers = sizeof(void*) == 8 ? 16 : 8;
  static constexpr int tile_rows(int vectors) { return registers / (2 * vectors); }

  /// Of each lane two parts, which are added at the end.
  struct Sums {
    int32x4_t low, high;
  };
  using Quads = int8x16_t;
  using Factors = int8x16_t;

  static RIFFLE_INLINE int32x4_t whole(Sums sums) {
    return vcombine_s32(vpadd_s32(vget_low_s32(sums.low), vget_high_s32(sums.low)),
                        vpadd_s32(vget_low_s32(sums.high), vget_high_s32(sums.high)));
  }
  /// A lane's number is its first part.
  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) {
    const int32x4x2_t both = vzipq_s32(vld1q_s32(from), vdupq_n_s32(0));
    return {both.val[0], both.val[1]};
  }
  static RIFFLE_INLINE Sums zero() { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  static RIFFLE_INLINE Factors load_factors(const std::byte* from) {
    return vld1q_s8(reinterpret_cast<const std::int8_t*>(from));
  }
  static RIFFLE_INLINE Quads spread(const Byte* from) {
    std::int32_t four;
    __builtin_memcpy(&four, from, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
  }
  static RIFFLE_INLINE Quads widened(const Byte* from) {
    std::uint32_t four;
    __builtin_memcpy(&four, from, sizeof four);
    const uint16x8_t words = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)));
    return vreinterpretq_s8_u32(vmovl_u16(vget_low_u16(words)));
  }
  static RIFFLE_INLINE Quads append(Quads q, Quads next) {
    const uint32x4_t down = vshrq_n_u32(vreinterpretq_u32_s8(q), 8);
    return vreinterpretq_s8_u32(vsliq_n_u32(down, vreinterpretq_u32_s8(next), 24));
  }
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    return {vpadalq_s16(sums.low, vmull_s8(vget_low_s8(x), vget_low_s8(w))),
            vpadalq_s16(sums.high, products_of_upper(x, w))};
  }
  static RIFFLE_INLINE int16x8_t products_of_upper(Quads x, Factors w) {
#ifdef __aarch64__
    return vmull_high_s8(x, w);
#else
    return vmull_s8(vget_high_s8(x), vget_high_s8(w));
#endif
  }

  static constexpr int dot_bytes = 16;
  static RIFFLE_INLINE Sums dot(Sums sums, const Byte* x, const std::int8_t* w) {
    return multiply(sums, vld1q_s8(x), vld1q_s8(w));
  }
  static RIFFLE_INLINE std::int32_t sum(Sums sums) {
    const int32x4_t four = vaddq_s32(sums.low, sums.high);
    const int32x2_t two = vadd_s32(vget_low_s32(four), vget_high_s32(four));
    return vget_lane_s32(vpadd_s32(two, two), 0);
  }

  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) {
    return vmulq_f32(vcvtq_f32_s32(whole(sums)), vld1q_f32(factors));
  }
  /// ARMv7 converts towards zero alone: the sum with 1.5 * 2^23 has the integer in its lower bits, rounded as every sum
  /// is.
  static RIFFLE_INLINE Integers rounded(Reals x, Reals lower, Reals upper) {
    const float32x4_t magic = vdupq_n_f32(0x1.8p23F);
    const float32x4_t sum = vaddq_f32(vminq_f32(upper, vmaxq_f32(lower, x)), magic);
    return vsubq_s32(vreinterpretq_s32_f32(sum), vreinterpretq_s32_f32(magic));
  }
};

}  // namespace riffle::simd
