// AArch64's NEON with its products of bf16: two rows of four numbers by two others, added to a matrix of 2 x 2 floats,
// in one instruction. All else is computed as floats, between two numbers of bf16.
#pragma once

#include <arm_neon.h>

#include "kernels/simd/dot_strip.hpp"
#include "kernels/simd/gather.hpp"
#include "kernels/simd/neon64_asm.hpp"
#include "kernels/simd/simd.hpp"

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

// inputs_neon64bf16.S and kernels/stem/taps_neon64bf16.S: by pairs of pixels in a tile.
#define RIFFLE_INPUTS(pairs)                                                                                        \
  void riffle_arrange_##pairs##_neon64bf16(const kernels::Bfloat* from, std::ptrdiff_t stride, std::int64_t inputs, \
                                           kernels::Bfloat* to, std::int64_t tiles);                                \
  void riffle_join_taps_##pairs##_neon64bf16(const kernels::Bfloat* from, std::ptrdiff_t row, kernels::Bfloat* to,  \
                                             std::int64_t tiles, const std::uint8_t* lookups);
RIFFLE_INPUTS(1)
RIFFLE_INPUTS(2)
RIFFLE_INPUTS(3)
#undef RIFFLE_INPUTS

// rows_neon64.S with floats that stand as bf16, pool/row_neon64bf16.S
RIFFLE_DEPTHWISE_ROWS(kernels::Bfloat, float, neon64bf16)
RIFFLE_POOL_ROWS(kernels::Bfloat, neon64bf16)
}

/// Taps of a pair of pixels: of four rows of three, 0 to 3, 4 to 7 and 8 to 11, each from two rows; and those of a
/// single row and a zero.
struct TapLookups {
  std::uint8_t at[4][16] = {};

  constexpr TapLookups() {
    for (int four = 0; four < 4; ++four) {
      for (int i = 0; i < 16; ++i) {
        const int pixel = i / 8, tap = (four < 3 ? four * 4 : 0) + i / 2 % 4, first_row = four < 3 ? four : 0;
        const int number = (tap / 3 - first_row) * 8 + pixel * 2 + tap % 3;
        at[four][i] = static_cast<std::uint8_t>(four == 3 && tap == 3 ? 255 : number * 2 + i % 2);
      }
    }
  }
};

struct Neon64bf16 : XsimdOps<xsimd::neon64>, Neon64Gather {
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
#define RIFFLE_BY_PAIRS(function)                  \
  (pairs == 1   ? riffle_##function##_1_neon64bf16 \
   : pairs == 2 ? riffle_##function##_2_neon64bf16 \
                : riffle_##function##_3_neon64bf16)
  /// The inputs of tiles of so many pairs of pixels, `stride` apart, in the order of their use: the last dot filled up
  /// with zeros. Reads up to 7 numbers behind a pixel's last one.
  static RIFFLE_INLINE void arrange(std::int32_t pairs, const Value* from, std::ptrdiff_t stride, std::int32_t inputs,
                                    Value* to, std::int32_t tiles) {
    RIFFLE_BY_PAIRS(arrange)(from, stride * std::ptrdiff_t{sizeof(Value)}, inputs, to, tiles);
  }

  RIFFLE_NEON64_DEPTHWISE_ROWS(neon64bf16)

  static RIFFLE_INLINE kernels::PoolRowFunction<Value> pool_row(bool max) {
    return max ? riffle_max_pool_row_neon64bf16 : riffle_average_pool_row_neon64bf16;
  }

  // kernels/stem/dots_body.hpp
  static constexpr TapLookups tap_lookups = {};
  /// Of tiles of so many pairs of pixels, 3x3 windows with stride 2 on three planes, whose rows are `row` numbers
  /// apart.
  static RIFFLE_INLINE void join_windows(std::int32_t pairs, const Value* from, std::ptrdiff_t row, std::int32_t tiles,
                                         Value* to) {
    RIFFLE_BY_PAIRS(join_taps)(from, row * std::ptrdiff_t{sizeof(Value)}, to, tiles, tap_lookups.at[0]);
  }
#undef RIFFLE_BY_PAIRS

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
