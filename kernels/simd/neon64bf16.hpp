// AArch64's NEON with its products of bf16: two rows of four numbers by two others, added to a matrix of 2 x 2 floats,
// in one instruction. All else is computed as floats, between two numbers of bf16.
#pragma once

#include <arm_neon.h>

#include <concepts>

#include "kernels/simd/dot_strip.hpp"
#include "kernels/simd/neon64_asm.hpp"
#include "kernels/simd/simd.hpp"
#include "kernels/stem/row.hpp"

namespace riffle::simd {

extern "C" {
// dots_neon64bf16.S: pairs of pixels x vectors.
#define RIFFLE_DOTS(vectors)                                  \
  void riffle_dots_1x##vectors##_neon64bf16(const DotStrip&); \
  void riffle_dots_2x##vectors##_neon64bf16(const DotStrip&); \
  void riffle_dots_3x##vectors##_neon64bf16(const DotStrip&);
RIFFLE_DOTS(1)
RIFFLE_DOTS(2)
RIFFLE_DOTS(3)
RIFFLE_DOTS(4)
#undef RIFFLE_DOTS

// rows_neon64.S and row_neon64.S with floats that stand as bf16.
RIFFLE_DEPTHWISE_ROWS(kernels::Bfloat, float, neon64bf16)
void riffle_stem_row_7x3_neon64bf16(const kernels::StemRow<float, kernels::Bfloat, float>&);
void riffle_stem_row_5x4_neon64bf16(const kernels::StemRow<float, kernels::Bfloat, float>&);
}

struct Neon64bf16 : XsimdOps<xsimd::neon64> {
  static constexpr const char* name = "neon64bf16";
  using Value = kernels::Bfloat;
  using Weight = float;
  static constexpr Type type = Type::bf16;
  static constexpr int max_vectors = 4;
  static constexpr int tile_rows(int) { return 6; }

  using XsimdOps::broadcast;
  using XsimdOps::load;
  using XsimdOps::load_partial;
  using XsimdOps::store;
  using XsimdOps::store_partial;
  static RIFFLE_INLINE Vec load(const Value* from) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(&from->bits), 16));
  }
  static RIFFLE_INLINE void store(Value* to, Vec v) { vst1_u16(&to->bits, vreinterpret_u16_bf16(vcvt_bf16_f32(v))); }
  static RIFFLE_INLINE Vec load_partial(const Value* from, int count) { return load_part<Neon64bf16>(from, count); }
  static RIFFLE_INLINE void store_partial(Value* to, Vec v, int count) {
    const uint16x4_t rest = vreinterpret_u16_bf16(vcvt_bf16_f32(v));
    if (count == 3) vst1_lane_u16(&to[2].bits, rest, 2);
    if (count > 1) {
      vst1_lane_u32(reinterpret_cast<std::uint32_t*>(to), vreinterpret_u32_u16(rest), 0);
    } else {
      vst1_lane_u16(&to->bits, rest, 0);
    }
  }
  static RIFFLE_INLINE Vec broadcast(Value x) { return XsimdOps::broadcast(static_cast<float>(x)); }
  static RIFFLE_INLINE float sum(Vec v) { return vaddvq_f32(v); }
  /// The instruction: see Neon64.
  static RIFFLE_INLINE Vec sqrt(Vec x) { return vsqrtq_f32(x); }

  // kernels/pointwise/dots_body.hpp
  static constexpr int dot = 4, strip_pairs = 3;
  static RIFFLE_INLINE DotStripFunction dot_strip(int pairs, int vectors) {
    static constexpr DotStripFunction strips[][3] = {
        {riffle_dots_1x1_neon64bf16, riffle_dots_2x1_neon64bf16, riffle_dots_3x1_neon64bf16},
        {riffle_dots_1x2_neon64bf16, riffle_dots_2x2_neon64bf16, riffle_dots_3x2_neon64bf16},
        {riffle_dots_1x3_neon64bf16, riffle_dots_2x3_neon64bf16, riffle_dots_3x3_neon64bf16},
        {riffle_dots_1x4_neon64bf16, riffle_dots_2x4_neon64bf16, riffle_dots_3x4_neon64bf16}};
    return strips[vectors - 1][pairs - 1];
  }
  /// Each pair of outputs twice.
  static RIFFLE_INLINE void repeat_pairs(const float* from, int vectors, float* to) {
    for (int v = 0; v < vectors; ++v) {
      const float64x2_t four = vreinterpretq_f64_f32(vld1q_f32(from + 4 * v));
      vst1q_f32(to + 8 * v, vreinterpretq_f32_f64(vdupq_laneq_f64(four, 0)));
      vst1q_f32(to + 8 * v + 4, vreinterpretq_f32_f64(vdupq_laneq_f64(four, 1)));
    }
  }
  /// The inputs of 2 Pairs pixels, `stride` apart, in the order of their use: the last dot filled up with zeros. Reads
  /// up to 7 numbers behind a pixel's last one.
  template <int Pairs>
  static RIFFLE_INLINE void arrange(const Value* from, std::ptrdiff_t stride, std::int32_t inputs, Value* to) {
    const Value* at[2 * Pairs];
    unroll<2 * Pairs>([&](auto p) __attribute__((always_inline)) { at[p] = from + p * stride; });
    std::ptrdiff_t k = 0;
    const auto bits = [&](auto p) __attribute__((always_inline)) {
      return vreinterpretq_u64_u16(vld1q_u16(&at[p][k].bits));
    };
    const auto put = [&](std::ptrdiff_t place, uint64x2_t v) __attribute__((always_inline)) {
      vst1q_u16(&to[place].bits, vreinterpretq_u16_u64(v));
    };
    for (; k + 8 <= inputs; k += 8, to += Pairs * 16) {
      unroll<Pairs>([&](auto i) __attribute__((always_inline)) {
        const uint64x2_t a = bits(std::integral_constant<int, 2 * i>{}),
                         b = bits(std::integral_constant<int, 2 * i + 1>{});
        put(i * 8, vzip1q_u64(a, b));
        put((Pairs + i) * 8, vzip2q_u64(a, b));
      });
    }
    if (k == inputs) return;
    alignas(16) static constexpr std::uint16_t window[16] = {0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF,
                                                             0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF};
    const uint64x2_t mask = vreinterpretq_u64_u16(vld1q_u16(window + 8 - (inputs - k)));
    unroll<Pairs>([&](auto i) __attribute__((always_inline)) {
      const uint64x2_t a = vandq_u64(bits(std::integral_constant<int, 2 * i>{}), mask);
      const uint64x2_t b = vandq_u64(bits(std::integral_constant<int, 2 * i + 1>{}), mask);
      put(i * 8, vzip1q_u64(a, b));
      if (inputs - k > 4) put((Pairs + i) * 8, vzip2q_u64(a, b));
    });
  }

  RIFFLE_NEON64_DEPTHWISE_ROWS(neon64bf16)

  static constexpr int stem_pixels(int vectors) {
    return vectors == 3 ? 7 : vectors == 4 ? RIFFLE_NEON64_WIDE_STEM : 0;
  }
  template <std::same_as<float> In>
  static RIFFLE_INLINE kernels::StemRowFunction<In, Value, Weight> stem_row(int vectors) {
    return vectors == 3 ? riffle_stem_row_7x3_neon64bf16 : RIFFLE_NEON64_WIDE_STEM_ROW(neon64bf16);
  }

  // kernels/fully_connected/fully_connected_body.hpp
  static constexpr int dot_numbers = 8;
  static RIFFLE_INLINE Vec multiply_neighbours(Vec sums, const Value* x, const Value* w) {
    const auto dots = [](const Value* from) __attribute__((always_inline)) {
      return vreinterpretq_bf16_u16(vld1q_u16(&from->bits));
    };
    return vbfdotq_f32(sums, dots(x), dots(w));
  }
};

}  // namespace riffle::simd
