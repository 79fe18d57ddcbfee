// What NEON's layers of bytes have in common, whatever they multiply by: four integers a vector, from bytes and to
// them.
#pragma once

#include <arm_neon.h>

#include "kernels/simd/bytes.hpp"

namespace riffle::simd {

struct NeonIntegers {
  using Byte = std::int8_t;
  using Sums = int32x4_t;
  using Integers = int32x4_t;
  using Reals = float32x4_t;
  static constexpr Type byte_type = Type::i8;
  static constexpr int lanes = 4;

  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) { return vld1q_s32(from); }
  static RIFFLE_INLINE Sums zero() { return vdupq_n_s32(0); }
  static RIFFLE_INLINE std::int32_t sum(Sums sums) {
#ifdef __aarch64__
    return vaddvq_s32(sums);
#else
    const int32x2_t two = vadd_s32(vget_low_s32(sums), vget_high_s32(sums));
    return vget_lane_s32(vpadd_s32(two, two), 0);
#endif
  }

  static RIFFLE_INLINE Integers broadcast(std::int32_t x) { return vdupq_n_s32(x); }
  static RIFFLE_INLINE Reals broadcast(float x) { return vdupq_n_f32(x); }
  static RIFFLE_INLINE Integers load(const Byte* from, int count) {
    Byte lane[8] = {};
    for (int i = 0; i < count; ++i) lane[i] = from[i];
    return vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(lane))));
  }
  static RIFFLE_INLINE void store(Byte* to, Integers v, int count) {
    const int16x4_t words = vqmovn_s32(v);
    const int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
    if (count == lanes) {
      const std::int32_t four = vget_lane_s32(vreinterpret_s32_s8(bytes), 0);
      __builtin_memcpy(to, &four, sizeof four);
      return;
    }
    Byte lane[8];
    vst1_s8(lane, bytes);
    for (int i = 0; i < count; ++i) to[i] = lane[i];
  }
#ifdef __aarch64__
  /// Of 256 bytes, in sixteen registers; beyond a part of 64, its places give 0, or leave what is there.
  struct Table {
    static constexpr int bytes = 16;
    uint8x16x4_t part[4];

    explicit RIFFLE_INLINE Table(const std::uint8_t* table) {
      unroll<4>([&](auto i) __attribute__((always_inline)) { part[i] = vld1q_u8_x4(table + 64 * i); });
    }
    RIFFLE_INLINE void look_up(Byte* values) const {
      const uint8x16_t x = vreinterpretq_u8_s8(vld1q_s8(values));
      uint8x16_t result = vqtbl4q_u8(part[0], x);
      unroll<3>([&](auto i) __attribute__((always_inline)) {
        result = vqtbx4q_u8(result, part[i + 1], vsubq_u8(x, vdupq_n_u8(64 * (i + 1))));
      });
      vst1q_s8(values, vreinterpretq_s8_u8(result));
    }
  };
#endif

  static RIFFLE_INLINE Integers add(Integers a, Integers b) { return vaddq_s32(a, b); }
  static RIFFLE_INLINE Integers clamp(Integers x, Integers lower, Integers upper) {
    return vminq_s32(upper, vmaxq_s32(lower, x));
  }
  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) {
    return vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(factors));
  }
  static RIFFLE_INLINE Integers rounded(Reals x, Reals lower, Reals upper) {
    const Reals inside = vminq_f32(upper, vmaxq_f32(lower, x));
#ifdef __aarch64__
    return vcvtnq_s32_f32(inside);
#else
    // ARMv7 converts towards zero alone: the sum with 1.5 * 2^23 has the integer in its lower bits, rounded as every
    // sum is.
    const float32x4_t magic = vdupq_n_f32(0x1.8p23F);
    return vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(inside, magic)), vreinterpretq_s32_f32(magic));
#endif
  }

  /// To the nearest integers, as far as 16 bits hold them.
  static RIFFLE_INLINE int16x8_t words(Reals low, Reals high) {
#ifdef __aarch64__
    return vqmovn_high_s32(vqmovn_s32(vcvtnq_s32_f32(low)), vcvtnq_s32_f32(high));
#else
    const Reals least = vdupq_n_f32(-32768.0F), most = vdupq_n_f32(32767.0F);
    return vcombine_s16(vmovn_s32(rounded(low, least, most)), vmovn_s32(rounded(high, least, most)));
#endif
  }
  static RIFFLE_INLINE int8x16_t bytes(int16x8_t low, int16x8_t high) {
#ifdef __aarch64__
    return vqmovn_high_s16(vqmovn_s16(low), high);
#else
    return vcombine_s8(vqmovn_s16(low), vqmovn_s16(high));
#endif
  }
  /// The first eight of both, in turn.
  static RIFFLE_INLINE int8x16_t interleaved(int8x16_t a, int8x16_t b) {
#ifdef __aarch64__
    return vzip1q_s8(a, b);
#else
    const int8x8x2_t both = vzip_s8(vget_low_s8(a), vget_low_s8(b));
    return vcombine_s8(both.val[0], both.val[1]);
#endif
  }
};

}  // namespace riffle::simd
