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
  /// The biases twice, the factors, the zero point in 16 bits, and what is added to exact results, twice.
  static constexpr int prepared_bytes = (4 + 2 + 1 + 4) * 16;
  static RIFFLE_INLINE bool prepare_rows(const std::byte* packed, std::int16_t zero, std::byte* prepared) {
    auto* const to = reinterpret_cast<std::int32_t*>(prepared);
    auto* const reals = reinterpret_cast<float*>(prepared);
    const int32x4x2_t biases = vld1q_s32_x2(reinterpret_cast<const std::int32_t*>(packed));
    const float32x4x2_t factors = vld1q_f32_x2(reinterpret_cast<const float*>(packed) + lanes);
    const bool are_exact = zero % 2 == 0 && are_exact_results(biases, factors);
    const int32x4_t start = vreinterpretq_s32_f32(vdupq_n_f32(are_exact ? 0x1.8p23F : 0.0F));
    unroll<2>([&](auto half) __attribute__((always_inline)) {
      const int32x4_t bias = vaddq_s32(biases.val[half], start);
      const float32x4_t least = vmulq_n_f32(factors.val[half], 0x1.8p23F);
      const float32x4_t added = vsubq_f32(vdupq_n_f32(0x1.8p23F + static_cast<float>(zero)), least);
      vst1q_f32(reals + (4 + half) * 4, factors.val[half]);
      unroll<2>([&](auto output) __attribute__((always_inline)) {
        vst1q_s32(to + (2 * output + half) * 4, bias);
        vst1q_f32(reals + (7 + 2 * output + half) * 4, added);
      });
    });
    vst1q_s16(reinterpret_cast<std::int16_t*>(prepared + 6 * 16), vdupq_n_s16(zero));
    return are_exact;
  }

 private:
  /// Of nine taps, whatever they are and read: see kernels/byte_panels.hpp.
  static RIFFLE_INLINE bool are_exact_results(int32x4x2_t biases, float32x4x2_t factors) {
    constexpr std::int32_t most_sums = 9 * 128 * 128;
    uint32x4_t all = vdupq_n_u32(0xffffffff);
    unroll<2>([&](auto half) __attribute__((always_inline)) {
      const float32x4_t factor = factors.val[half], steps = vmulq_n_f32(factor, 0x1p16F);
      const int32x4_t bias = vqabsq_s32(biases.val[half]);
      const float32x4_t most = vmulq_f32(vcvtq_f32_s32(vqaddq_s32(bias, vdupq_n_s32(most_sums))), factor);
      all = vandq_u32(all, vceqq_f32(steps, vrndnq_f32(steps)));
      all = vandq_u32(all, vcltq_f32(factor, vdupq_n_f32(2.0F)));
      all = vandq_u32(all, vcltq_s32(bias, vdupq_n_s32((1 << 22) - most_sums)));
      all = vandq_u32(all, vcltq_f32(most, vdupq_n_f32(0x1p15F - 1024.0F)));
    });
    return vminvq_u32(all) != 0;
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
