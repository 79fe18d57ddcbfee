// ARMv7's NEON: 16 registers of 4 floats; the multiply-add by lane is not fused and takes its lane from a half.
#pragma once

#include <limits>

#include "kernels/simd/neon_bytes.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::simd {

struct Neon : XsimdOps<xsimd::neon> {
  using Bytes = NeonBytes;
  static constexpr const char* name = "neon";
  static constexpr bool by_lane = true;
  static constexpr int max_vectors = 2;
  static constexpr int tile_rows(int vectors) { return vectors == 1 ? 6 : 4; }

  /// Infinity's own: the estimate that xsimd's begins with is zero there, and leaves a NaN.
  static RIFFLE_INLINE Vec sqrt(Vec x) {
    return select(x < broadcast(std::numeric_limits<float>::infinity()), xsimd::sqrt(x), x);
  }

  /// See frame_body.hpp.
  static RIFFLE_INLINE void pick(const std::uint8_t* row, const std::int32_t* windows, const std::uint8_t* picks,
                                 Integers& left, Integers& right) {
    const auto look_up = [&](int i) __attribute__((always_inline)) {
      const uint8x16_t bytes = vld1q_u8(row + windows[i]);
      const uint8x8x2_t table = {{vget_low_u8(bytes), vget_high_u8(bytes)}};
      const std::uint8_t* const pick = picks + std::ptrdiff_t{16} * i;
      return std::pair(vreinterpret_s32_u8(vtbl2_u8(table, vld1_u8(pick))),
                       vreinterpret_s32_u8(vtbl2_u8(table, vld1_u8(pick + 8))));
    };
    const auto a = look_up(0), b = look_up(1);
    left = vcombine_s32(a.first, b.first);
    right = vcombine_s32(a.second, b.second);
  }

  /// IEEE's, number by number: xsimd multiplies by an estimate of the reciprocal.
  static RIFFLE_INLINE Vec div(Vec a, Vec b) {
    alignas(16) float x[lanes], y[lanes];
    store(x, a);
    store(y, b);
    for (int i = 0; i < lanes; ++i) x[i] /= y[i];
    return load(x);
  }

  /// acc + w * x[Lane]
  template <int Lane>
  static RIFFLE_INLINE Vec fma_lane(Vec w, Vec x, Vec acc) {
    if constexpr (Lane < 2) {
      return vmlaq_lane_f32(acc, w, vget_low_f32(x), Lane);
    } else {
      return vmlaq_lane_f32(acc, w, vget_high_f32(x), Lane - 2);
    }
  }
};

}  // namespace riffle::simd
