// AArch64's NEON with ARMv8.2's arithmetic of half precision: 32 registers of 8 halves and a fused multiply-add by
// lane.
#pragma once

#include <arm_neon.h>

#include "kernels/simd/neon64.hpp"

namespace riffle::simd {

extern "C" {
RIFFLE_STRIPS(riffle::simd::Strip<kernels::Half>, neon64fp16)
RIFFLE_DEPTHWISE_ROWS(kernels::Half, kernels::Half, neon64fp16)
RIFFLE_POOL_ROWS(kernels::Half, neon64fp16)
RIFFLE_MULTIPLY_ROWS(kernels::Half, neon64fp16)
void riffle_stem_row_7x3_neon64fp16(const kernels::StemRow<float, kernels::Half>&);
}

/// Eight halves as two vectors of floats, for sums of many.
struct Neon64fp16Sums {
  using Value = kernels::Half;
  struct Vec {
    float32x4_t low, high;
  };
  static constexpr int lanes = 8;

  static RIFFLE_INLINE Vec load(const Value* from) {
    const float16x8_t v = vreinterpretq_f16_u16(vld1q_u16(&from->bits));
    return {vcvt_f32_f16(vget_low_f16(v)), vcvt_high_f32_f16(v)};
  }
  static RIFFLE_INLINE void store(Value* to, Vec v) {
    vst1q_u16(&to->bits, vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(v.low), v.high)));
  }
  static RIFFLE_INLINE Vec broadcast(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
  static RIFFLE_INLINE Vec add(Vec a, Vec b) { return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)}; }
  static RIFFLE_INLINE Vec mul(Vec a, Vec b) { return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)}; }
  static RIFFLE_INLINE Vec clamp(Vec x, Vec lower, Vec upper) {
    return {vminq_f32(upper.low, vmaxq_f32(lower.low, x.low)), vminq_f32(upper.high, vmaxq_f32(lower.high, x.high))};
  }
  static RIFFLE_INLINE Vec load_partial(const Value* from, int count) { return load_part<Neon64fp16Sums>(from, count); }
  static RIFFLE_INLINE void store_partial(Value* to, Vec v, int count) { store_part<Neon64fp16Sums>(to, v, count); }
};

struct Neon64fp16 : Neon64Gather {
  using Sums = Neon64fp16Sums;
  static constexpr const char* name = "neon64fp16";
  using Value = kernels::Half;
  using Weight = kernels::Half;
  static constexpr Type type = Type::f16;
  using Vec = float16x8_t;
  static constexpr int lanes = 8;
  static constexpr bool by_lane = true;
  static constexpr bool pairs_halves = false;
  static constexpr int max_vectors = 4;
  /// tile_rows * vectors accumulators, tile_rows registers of activations (eight channels each, which have to be among
  /// the first 16 registers), and the weights.
  static constexpr int tile_rows(int vectors) { return vectors <= 2 ? 8 : vectors == 3 ? 6 : 5; }

  static RIFFLE_INLINE Vec load(const Value* from) { return vreinterpretq_f16_u16(vld1q_u16(&from->bits)); }
  static RIFFLE_INLINE void store(Value* to, Vec v) { vst1q_u16(&to->bits, vreinterpretq_u16_f16(v)); }
  /// Eight floats, rounded.
  static RIFFLE_INLINE Vec load(const float* from) {
    return vcvt_high_f16_f32(vcvt_f16_f32(vld1q_f32(from)), vld1q_f32(from + 4));
  }
  static RIFFLE_INLINE Vec broadcast(float x) { return vdupq_n_f16(static_cast<__fp16>(x)); }
  static RIFFLE_INLINE Vec broadcast(Value x) { return vreinterpretq_f16_u16(vdupq_n_u16(x.bits)); }
  static RIFFLE_INLINE Vec add(Vec a, Vec b) { return vaddq_f16(a, b); }
  static RIFFLE_INLINE Vec sub(Vec a, Vec b) { return vsubq_f16(a, b); }
  static RIFFLE_INLINE Vec mul(Vec a, Vec b) { return vmulq_f16(a, b); }
  static RIFFLE_INLINE Vec div(Vec a, Vec b) { return vdivq_f16(a, b); }
  static RIFFLE_INLINE Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f16(c, a, b); }
  template <int Lane>
  static RIFFLE_INLINE Vec fma_lane(Vec w, Vec x, Vec acc) {
    return vfmaq_laneq_f16(acc, w, x, Lane);
  }
  static RIFFLE_INLINE Vec max(Vec a, Vec b) { return vmaxq_f16(a, b); }
  static RIFFLE_INLINE Vec clamp(Vec x, Vec lower, Vec upper) { return vminq_f16(upper, vmaxq_f16(lower, x)); }

  /// Of all lanes, as floats.
  static RIFFLE_INLINE float sum(Vec v) {
    return vaddvq_f32(vaddq_f32(vcvt_f32_f16(vget_low_f16(v)), vcvt_high_f32_f16(v)));
  }

  RIFFLE_NEON64_KERNELS(neon64fp16)

  static constexpr int stem_pixels(int vectors) { return vectors == 3 ? 7 : 0; }
  template <std::same_as<float> In>
  static RIFFLE_INLINE kernels::StemRowFunction<In, Value> stem_row(int) {
    return riffle_stem_row_7x3_neon64fp16;
  }

  static RIFFLE_INLINE Vec load_partial(const Value* from, int count) { return load_part<Neon64fp16>(from, count); }
  static RIFFLE_INLINE void store_partial(Value* to, Vec v, int count) {
    uint16x8_t left = vreinterpretq_u16_f16(v);
    if ((count & 4) != 0) {
      vst1_u16(&to->bits, vget_low_u16(left));
      left = vextq_u16(left, left, 4);
      to += 4;
    }
    if ((count & 2) != 0) {
      vst1q_lane_u16(&to->bits, left, 0);
      vst1q_lane_u16(&to->bits + 1, left, 1);
      left = vextq_u16(left, left, 2);
      to += 2;
    }
    if ((count & 1) != 0) vst1q_lane_u16(&to->bits, left, 0);
  }
};

}  // namespace riffle::simd
