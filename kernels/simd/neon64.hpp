// AArch64's NEON: 32 registers of 4 floats and a fused multiply-add by lane.
#pragma once

#include "kernels/depthwise/rows.hpp"
#include "kernels/pool/row.hpp"
#include "kernels/simd/simd.hpp"
#include "kernels/simd/strip.hpp"
#include "kernels/stem/row.hpp"

namespace riffle::simd {

extern "C" {
// strip_neon64.S: rows x vectors.
#define RIFFLE_STRIP(rows, vectors) void riffle_strip_##rows##x##vectors##_neon64(const Strip&)
#define RIFFLE_STRIPS(rows) \
  RIFFLE_STRIP(rows, 1);    \
  RIFFLE_STRIP(rows, 2);    \
  RIFFLE_STRIP(rows, 3);    \
  RIFFLE_STRIP(rows, 4)
RIFFLE_STRIPS(1);
RIFFLE_STRIPS(2);
RIFFLE_STRIPS(3);
RIFFLE_STRIPS(4);
RIFFLE_STRIP(5, 1);
RIFFLE_STRIP(5, 2);
RIFFLE_STRIP(5, 3);
RIFFLE_STRIP(6, 1);
RIFFLE_STRIP(6, 2);
RIFFLE_STRIP(7, 1);
RIFFLE_STRIP(8, 1);
#undef RIFFLE_STRIPS
#undef RIFFLE_STRIP

// kernels/depthwise/rows_neon64.S: stride x vectors.
void riffle_depthwise_rows_1x1_neon64(const kernels::DepthwiseRows&);
void riffle_depthwise_rows_1x2_neon64(const kernels::DepthwiseRows&);
void riffle_depthwise_rows_2x1_neon64(const kernels::DepthwiseRows&);
void riffle_depthwise_rows_2x2_neon64(const kernels::DepthwiseRows&);

// kernels/stem/row_neon64.S
void riffle_stem_row_neon64(const kernels::StemRow&);

// kernels/pool/row_neon64.S
void riffle_max_pool_row_neon64(const kernels::PoolRow&);
void riffle_average_pool_row_neon64(const kernels::PoolRow&);

// kernels/fully_connected/rows_neon64.S
void riffle_multiply_rows_neon64(float*, const float*, std::int64_t, const float* const*);
}

struct Neon64 : XsimdOps<xsimd::neon64> {
  static constexpr const char* name = "neon64";
  static constexpr bool by_lane = true;
  static constexpr int max_vectors = 4;
  /// tile_rows * vectors accumulators, tile_rows registers of activations (four channels each), and the weights.
  static constexpr int tile_rows(int vectors) { return vectors <= 2 ? 8 : vectors == 3 ? 6 : 5; }

  static constexpr bool converts_f16 = true;
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

  /// strip_rows * vectors accumulators, one and a half registers of activations a row, and eight of weights.
  static constexpr int strip_rows(int vectors) { return vectors == 1 ? 8 : vectors == 2 ? 6 : vectors == 3 ? 5 : 4; }
  /// Channels of a run from which on it takes the long way.
  static constexpr std::int32_t strip_least = 13;
  static RIFFLE_INLINE StripFunction strip(int rows, int vectors) {
    static constexpr StripFunction strips[][8] = {
        {riffle_strip_1x1_neon64, riffle_strip_2x1_neon64, riffle_strip_3x1_neon64, riffle_strip_4x1_neon64,
         riffle_strip_5x1_neon64, riffle_strip_6x1_neon64, riffle_strip_7x1_neon64, riffle_strip_8x1_neon64},
        {riffle_strip_1x2_neon64, riffle_strip_2x2_neon64, riffle_strip_3x2_neon64, riffle_strip_4x2_neon64,
         riffle_strip_5x2_neon64, riffle_strip_6x2_neon64},
        {riffle_strip_1x3_neon64, riffle_strip_2x3_neon64, riffle_strip_3x3_neon64, riffle_strip_4x3_neon64,
         riffle_strip_5x3_neon64},
        {riffle_strip_1x4_neon64, riffle_strip_2x4_neon64, riffle_strip_3x4_neon64, riffle_strip_4x4_neon64}};
    return strips[vectors - 1][rows - 1];
  }

  static RIFFLE_INLINE kernels::DepthwiseRowsFunction depthwise_rows(int stride, int vectors) {
    static constexpr kernels::DepthwiseRowsFunction rows[][2] = {
        {riffle_depthwise_rows_1x1_neon64, riffle_depthwise_rows_1x2_neon64},
        {riffle_depthwise_rows_2x1_neon64, riffle_depthwise_rows_2x2_neon64}};
    return rows[stride - 1][vectors - 1];
  }

  static RIFFLE_INLINE kernels::StemRowFunction stem_row() { return riffle_stem_row_neon64; }

  static RIFFLE_INLINE kernels::PoolRowFunction pool_row(bool max) {
    return max ? riffle_max_pool_row_neon64 : riffle_average_pool_row_neon64;
  }

  /// (sums, x, sixteens, rows)
  using MultiplyRows = void (*)(float*, const float*, std::int64_t, const float* const*);
  static RIFFLE_INLINE MultiplyRows multiply_rows() { return riffle_multiply_rows_neon64; }
};

}  // namespace riffle::simd
