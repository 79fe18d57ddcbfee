// What NEON's layers of bytes have in common, whatever they multiply by: four integers a vector, from bytes and to
// them.
#pragma once

#include <arm_neon.h>

#include "kernels/simd/bytes.hpp"

namespace riffle::simd {

struct NeonIntegers {
  using Byte = std::int8_t;
  using Integers = int32x4_t;
  using Reals = float32x4_t;
  static constexpr Type byte_type = Type::i8;
  static constexpr int lanes = 4;

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
  static RIFFLE_INLINE Integers add(Integers a, Integers b) { return vaddq_s32(a, b); }
  static RIFFLE_INLINE Integers clamp(Integers x, Integers lower, Integers upper) {
    return vminq_s32(upper, vmaxq_s32(lower, x));
  }
};

}  // namespace riffle::simd
