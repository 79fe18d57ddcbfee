// AArch64's NEON with its products of bf16: two rows of four numbers by two others, added to a matrix of 2 x 2 floats,
// in one instruction. All else is computed as floats, between two numbers of bf16.
#pragma once

#include <arm_neon.h>

#include <concepts>

#include "kernels/simd/neon64_asm.hpp"
#include "kernels/simd/simd.hpp"
#include "kernels/stem/row.hpp"

namespace riffle::simd {

extern "C" {
// rows_neon64.S and row_neon64.S with floats that stand as bf16.
RIFFLE_DEPTHWISE_ROWS(kernels::Bfloat, float, neon64bf16)
void riffle_stem_row_neon64bf16(const kernels::StemRow<float, kernels::Bfloat, float>&);
}

struct Neon64bf16 : XsimdOps<xsimd::neon64> {
  static constexpr const char* name = "neon64bf16";
  using Value = kernels::Bfloat;
  using Weight = float;
  static constexpr Type type = Type::bf16;
  /// A tile's sums, three registers of pixels, and the weights.
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

  // kernels/pointwise/dots_body.hpp. A register holds four inputs of two pixels, or four weights of two outputs; one of
  // sums what two pixels are for two outputs.
  static constexpr int dot = 4, pixels_together = 2;
  static RIFFLE_INLINE bfloat16x8_t load_dots(const Value* from) {
    return vreinterpretq_bf16_u16(vld1q_u16(&from->bits));
  }
  /// N registers' worth, by as few instructions as there are.
  template <int N>
  static RIFFLE_INLINE void load_dots(const Value* from, bfloat16x8_t* to) {
    constexpr int most = N < 4 ? N : 4;
    const auto take = [&](const auto& loaded) __attribute__((always_inline)) {
      unroll<most>([&](auto i) __attribute__((always_inline)) { to[i] = vreinterpretq_bf16_u16(loaded.val[i]); });
    };
    if constexpr (most == 4) take(vld1q_u16_x4(&from->bits));
    if constexpr (most == 3) take(vld1q_u16_x3(&from->bits));
    if constexpr (most == 2) take(vld1q_u16_x2(&from->bits));
    if constexpr (most == 1) to[0] = load_dots(from);
    if constexpr (N > most) load_dots<N - most>(from + 8 * most, to + most);
  }

  /// dot by dot: the pixels two by two.
  static RIFFLE_INLINE void arrange(const Value* from, std::ptrdiff_t stride, std::int32_t rows, std::int32_t inputs,
                                    Value* to) {
    const std::ptrdiff_t step = (rows + 1) / 2 * 8;
    alignas(8) static constexpr std::uint16_t window[8] = {0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0, 0, 0, 0};
    const uint16x4_t last = vld1_u16(window + (4 - inputs % 4) % 4);
    const uint64x2_t mask = vreinterpretq_u64_u16(vcombine_u16(last, last));
    for (std::int32_t m = 0; m < rows; m += 2, to += 8) {
      const Value* const a = from + m * stride;
      const Value* const b = m + 1 < rows ? a + stride : a;
      Value* out = to;
      std::int32_t k = 0;
      for (; k + 8 <= inputs; k += 8, out += 2 * step) {
        const uint64x2_t x = vreinterpretq_u64_u16(vld1q_u16(&a[k].bits)),
                         y = vreinterpretq_u64_u16(vld1q_u16(&b[k].bits));
        vst1q_u16(&out->bits, vreinterpretq_u16_u64(vzip1q_u64(x, y)));
        vst1q_u16(&out[step].bits, vreinterpretq_u16_u64(vzip2q_u64(x, y)));
      }
      for (; k < inputs; k += 4, out += step) {
        const uint16x8_t both = vcombine_u16(vld1_u16(&a[k].bits), vld1_u16(&b[k].bits));
        const uint64x2_t bits = vreinterpretq_u64_u16(both);
        vst1q_u16(&out->bits, vreinterpretq_u16_u64(k + 4 > inputs ? vandq_u64(bits, mask) : bits));
      }
    }
  }
  template <int MR, int NV>
  static RIFFLE_INLINE void start(Vec (&acc)[MR][NV], const float* bias) {
    unroll<NV>([&](auto v) __attribute__((always_inline)) {
      const float64x2_t b = vreinterpretq_f64_f32(vld1q_f32(bias + 4 * v));
      unroll<MR / 2>([&](auto m) __attribute__((always_inline)) {
        acc[2 * m][v] = vreinterpretq_f32_f64(vdupq_laneq_f64(b, 0));
        acc[2 * m + 1][v] = vreinterpretq_f32_f64(vdupq_laneq_f64(b, 1));
      });
    });
  }
  template <int MR, int NV>
  static RIFFLE_INLINE void multiply(Vec (&acc)[MR][NV], const Value* x, std::ptrdiff_t, const Value* w,
                                     std::int32_t dots) {
    const auto step = [&]() __attribute__((always_inline)) {
      bfloat16x8_t pixels[MR / 2];
      load_dots<MR / 2>(x, pixels);
      constexpr int at_once = NV == 1 ? 2 : 4;
      unroll<(2 * NV + at_once - 1) / at_once>([&](auto some) __attribute__((always_inline)) {
        constexpr int first = some * at_once, count = 2 * NV - first < at_once ? 2 * NV - first : at_once;
        bfloat16x8_t weights[count];
        load_dots<count>(w + 8 * first, weights);
        unroll<count>([&](auto i) __attribute__((always_inline)) {
          constexpr int v = first + i;
          unroll<MR / 2>([&](auto m) __attribute__((always_inline)) {
            acc[2 * m + v % 2][v / 2] = vbfmmlaq_f32(acc[2 * m + v % 2][v / 2], pixels[m], weights[i]);
          });
        });
      });
      x += 4 * MR;
      w += 16 * NV;
    };
    for (; dots >= 2; dots -= 2) {
      step();
      step();
    }
    if (dots > 0) step();
  }
  /// Four outputs of a pixel.
  template <int MR, int NV>
  static RIFFLE_INLINE void finish(Vec (&acc)[MR][NV]) {
    unroll<NV>([&](auto v) __attribute__((always_inline)) {
      unroll<MR / 2>([&](auto m) __attribute__((always_inline)) {
        const float64x2_t a = vreinterpretq_f64_f32(acc[2 * m][v]), b = vreinterpretq_f64_f32(acc[2 * m + 1][v]);
        acc[2 * m][v] = vreinterpretq_f32_f64(vzip1q_f64(a, b));
        acc[2 * m + 1][v] = vreinterpretq_f32_f64(vzip2q_f64(a, b));
      });
    });
  }

  RIFFLE_NEON64_DEPTHWISE_ROWS(neon64bf16)

  static constexpr int stem_pixels = 7, stem_vectors = 3;
  template <std::same_as<float> In>
  static RIFFLE_INLINE kernels::StemRowFunction<In, Value, Weight> stem_row() {
    return riffle_stem_row_neon64bf16;
  }

  // kernels/fully_connected/fully_connected_body.hpp
  static constexpr int dot_numbers = 8;
  static RIFFLE_INLINE Vec multiply_neighbours(Vec sums, const Value* x, const Value* w) {
    return vbfdotq_f32(sums, load_dots(x), load_dots(w));
  }
};

}  // namespace riffle::simd
