// AArch64's NEON: 32 registers of 4 floats and a fused multiply-add by lane.
#pragma once

#include <concepts>

#include "kernels/simd/byte_strip.hpp"
#include "kernels/simd/gather.hpp"
#include "kernels/simd/neon64_asm.hpp"
#include "kernels/simd/neon64_taps.hpp"
#include "kernels/simd/neon_bytes.hpp"
#include "kernels/simd/simd.hpp"
#include "kernels/stem/row.hpp"

namespace riffle::simd {

extern "C" {
// strip_neon64.S: rows x vectors.
RIFFLE_STRIPS(riffle::simd::Strip<float>, neon64)

// strip_neon64pairs.S
RIFFLE_STRIPS(riffle::simd::ByteStrip, neon64pairs)

// kernels/depthwise/rows_neon64.S: stride x vectors.
RIFFLE_DEPTHWISE_ROWS(float, float, neon64)

// kernels/stem/row_neon64.S
void riffle_stem_row_7x3_neon64(const kernels::StemRow<float, float>&);
void riffle_stem_row_5x4_neon64(const kernels::StemRow<float, float>&);

// kernels/pool/row_neon64.S
RIFFLE_POOL_ROWS(float, neon64)

// kernels/fully_connected/rows_neon64.S
RIFFLE_MULTIPLY_ROWS(float, neon64)
}

struct Neon64Bytes : NeonBytes, Neon64Taps, Neon64Gather {
  static constexpr int tile_rows(int vectors) { return strip_rows(vectors); }
  RIFFLE_NEON64_STRIPS(riffle::simd::ByteStripFunction, neon64pairs)
};

struct Neon64 : XsimdOps<xsimd::neon64>, Neon64Gather {
  using Bytes = Neon64Bytes;
  static constexpr const char* name = "neon64";
  static constexpr bool by_lane = true;
  /// IEEE's: xsimd multiplies by an estimate of the reciprocal.
  static RIFFLE_INLINE Vec div(Vec a, Vec b) { return vdivq_f32(a, b); }
  static constexpr int max_vectors = 4;
  /// tile_rows * vectors accumulators, tile_rows registers of activations (four channels each), and the weights.
  static constexpr int tile_rows(int vectors) { return vectors <= 2 ? 8 : vectors == 3 ? 6 : 5; }

  /// See frame_body.hpp.
  static RIFFLE_INLINE void pick(const std::uint8_t* row, const std::int32_t* windows, const std::uint8_t* picks,
                                 Integers& left, Integers& right) {
    const auto look_up = [&](int i) __attribute__((always_inline)) {
      return vreinterpretq_s64_u8(vqtbl1q_u8(vld1q_u8(row + windows[i]), vld1q_u8(picks + std::ptrdiff_t{16} * i)));
    };
    const int64x2_t a = look_up(0), b = look_up(1);
    left = vreinterpretq_s32_s64(vtrn1q_s64(a, b));
    right = vreinterpretq_s32_s64(vtrn2q_s64(a, b));
  }

  static constexpr bool converts_f16 = true;
  static constexpr bool serves_halves = true, serves_bfloats = true;
  static RIFFLE_INLINE Vec load_f16(const std::uint16_t* from) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from)));
  }
  static RIFFLE_INLINE void store_f16(std::uint16_t* to, Vec v) { vst1_u16(to, vreinterpret_u16_f16(vcvt_f16_f32(v))); }

  /// acc + w * x[Lane]
  template <int Lane>
  static RIFFLE_INLINE Vec fma_lane(Vec w, Vec x, Vec acc) {
    return vfmaq_laneq_f32(acc, w, x, Lane);
  }

  static RIFFLE_INLINE float sum(Vec v) { return vaddvq_f32(v); }
  /// The instruction: xsimd takes an estimate, which makes a NaN of infinity.
  static RIFFLE_INLINE Vec sqrt(Vec x) { return vsqrtq_f32(x); }

  RIFFLE_NEON64_KERNELS(neon64)

  static constexpr int stem_pixels(int vectors) {
    return vectors == 3 ? 7 : vectors == 4 ? RIFFLE_NEON64_WIDE_STEM : 0;
  }
  template <std::same_as<float> In>
  static RIFFLE_INLINE kernels::StemRowFunction<In, float> stem_row(int vectors) {
    return vectors == 3 ? riffle_stem_row_7x3_neon64 : RIFFLE_NEON64_WIDE_STEM_ROW(neon64);
  }
};

}  // namespace riffle::simd
