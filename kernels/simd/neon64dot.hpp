// AArch64's NEON with ARMv8.2's dot product of bytes: four products of i8 a lane.
#pragma once

#include <arm_neon.h>

#include "kernels/depthwise/bytes_body.hpp"
#include "kernels/simd/byte_strip.hpp"
#include "kernels/simd/bytes.hpp"
#include "kernels/simd/neon64_asm.hpp"
#include "kernels/simd/neon_integers.hpp"

namespace riffle::simd {

extern "C" {
// strip_neon64dot.S
RIFFLE_STRIPS(riffle::simd::ByteStrip, neon64dot)
}

/// Eight channels, as depthwise convolution takes them.
struct Neon64dotChannels {
  using Byte = std::int8_t;
  static constexpr Type byte_type = Type::i8;
  static constexpr int lanes = 8, factor_bytes = 32;
  struct Sums {
    int32x4_t low, high;
  };
  using Integers = Sums;
  struct Reals {
    float32x4_t low, high;
  };
  struct Quads {
    int8x16_t low, high;
  };
  using Factors = Quads;

  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) { return {vld1q_s32(from), vld1q_s32(from + 4)}; }
  static RIFFLE_INLINE Sums broadcast(std::int32_t x) { return {vdupq_n_s32(x), vdupq_n_s32(x)}; }
  static RIFFLE_INLINE Reals broadcast(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
  static RIFFLE_INLINE Factors load_factors(const std::byte* from) {
    const auto* const bytes = reinterpret_cast<const std::int8_t*>(from);
    return {vld1q_s8(bytes), vld1q_s8(bytes + 16)};
  }
  static RIFFLE_INLINE Quads widened(const Byte* from) {
    const uint16x8_t words = vmovl_u8(vreinterpret_u8_s8(vld1_s8(from)));
    return {vreinterpretq_s8_u32(vmovl_u16(vget_low_u16(words))), vreinterpretq_s8_u32(vmovl_high_u16(words))};
  }
  static RIFFLE_INLINE int8x16_t append(int8x16_t q, int8x16_t next) {
    const uint32x4_t down = vshrq_n_u32(vreinterpretq_u32_s8(q), 8);
    return vreinterpretq_s8_u32(vsliq_n_u32(down, vreinterpretq_u32_s8(next), 24));
  }
  static RIFFLE_INLINE Quads append(Quads q, Quads next) {
    return {append(q.low, next.low), append(q.high, next.high)};
  }
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    return {vdotq_s32(sums.low, x.low, w.low), vdotq_s32(sums.high, x.high, w.high)};
  }
  static RIFFLE_INLINE void store(Byte* to, Sums v, int count) {
    const int8x8_t bytes = vqmovn_s16(vcombine_s16(vqmovn_s32(v.low), vqmovn_s32(v.high)));
    if (count == lanes) return vst1_s8(to, bytes);
    Byte lane[lanes];
    vst1_s8(lane, bytes);
    for (int i = 0; i < count; ++i) to[i] = lane[i];
  }
  static RIFFLE_INLINE Sums add(Sums a, Sums b) { return {vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high)}; }
  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) {
    return {vmulq_f32(vcvtq_f32_s32(sums.low), vld1q_f32(factors)),
            vmulq_f32(vcvtq_f32_s32(sums.high), vld1q_f32(factors + 4))};
  }
  static RIFFLE_INLINE Sums rounded(Reals x, Reals lower, Reals upper) {
    return {vcvtnq_s32_f32(vminq_f32(upper.low, vmaxq_f32(lower.low, x.low))),
            vcvtnq_s32_f32(vminq_f32(upper.high, vmaxq_f32(lower.high, x.high)))};
  }
  static RIFFLE_INLINE Sums clamp(Sums x, Sums lower, Sums upper) {
    return {vminq_s32(upper.low, vmaxq_s32(lower.low, x.low)), vminq_s32(upper.high, vmaxq_s32(lower.high, x.high))};
  }

  /// Columns come in pairs, interleaved byte by byte: two neighbouring pairs, interleaved again, are the quads of two
  /// outputs (stride 1), or of one:
  ///
  ///   x[-1] x[0] | x[1] x[2]      output 0: taps 0 to 2 of them, output 1: taps 1 to 3
  ///
  /// so that a column is loaded and interleaved once a row of the window.
  template <int Stride>
  static void depthwise_row(const kernels::DepthwiseByteRow<Byte>& given) {
    const kernels::DepthwiseByteRow<Byte> row = given;  // a copy, which no store can be taken to change
    constexpr int pairs = Stride;                       // that come in for two outputs
    int8x16_t late[3][2], early[3][2];  // the weights of taps that are the last three of a quad, the first three
    const auto* const weights = reinterpret_cast<const std::int8_t*>(row.packed) + lanes * 8;
    unroll<3>([&](auto i) __attribute__((always_inline)) {
      unroll<2>([&](auto h) __attribute__((always_inline)) {
        late[i][h] = vld1q_s8(weights + (2 * i + h) * 16);
        early[i][h] = vreinterpretq_s8_u32(vshrq_n_u32(vreinterpretq_u32_s8(late[i][h]), 8));
      });
    });
    const auto* const words = reinterpret_cast<const std::int32_t*>(row.packed);
    const int32x4_t bias[2] = {vld1q_s32(words), vld1q_s32(words + 4)};
    const float32x4_t factors[2] = {vreinterpretq_f32_s32(vld1q_s32(words + 8)),
                                    vreinterpretq_f32_s32(vld1q_s32(words + 12))};
    const int16x8_t zero = vdupq_n_s16(row.zero);
    const int8x16_t lower = vdupq_n_s8(row.lower), upper = vdupq_n_s8(row.upper), outside = vdupq_n_s8(row.outside);

    const auto checked = [&](auto i, std::int32_t column) __attribute__((always_inline)) {
      return column >= 0 && column < row.in_w ? vld1q_s8(row.rows[i] + column * row.step[i]) : outside;
    };
    int8x16_t pair[3];
    const Byte* at[3];
    std::int32_t column = 2 - row.pad_left;  // the next to come in
    unroll<3>([&](auto i) __attribute__((always_inline)) {
      pair[i] = vzip1q_s8(checked(i, -row.pad_left), checked(i, 1 - row.pad_left));
      at[i] = row.rows[i] + column * row.step[i];
    });
    Byte* to = row.out;

    /// Two outputs; next(row, column) loads.
    const auto two = [&](auto&& next, int count) __attribute__((always_inline)) {
      int32x4_t acc[2][2];
      unroll<2>([&](auto o) __attribute__((always_inline)) {
        acc[o][0] = bias[0];
        acc[o][1] = bias[1];
      });
      unroll<3>([&](auto i) __attribute__((always_inline)) {
        unroll<pairs>([&](auto p) __attribute__((always_inline)) {
          const int8x16_t a = next(i, 2 * p), b = next(i, 2 * p + 1);
          const int8x16_t new_pair = vzip1q_s8(a, b);
          const int16x8_t left = vreinterpretq_s16_s8(pair[i]), right = vreinterpretq_s16_s8(new_pair);
          const int8x16_t quads[2] = {vreinterpretq_s8_s16(vzip1q_s16(left, right)),
                                      vreinterpretq_s8_s16(vzip2q_s16(left, right))};
          pair[i] = new_pair;
          unroll<2>([&](auto h) __attribute__((always_inline)) {
            acc[p][h] = vdotq_s32(acc[p][h], quads[h], early[i][h]);
            if constexpr (Stride == 1) acc[1][h] = vdotq_s32(acc[1][h], quads[h], late[i][h]);
          });
        });
      });
      int16x8_t rounded[2];
      unroll<2>([&](auto o) __attribute__((always_inline)) {
        const int32x4_t low = vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(acc[o][0]), factors[0]));
        const int32x4_t high = vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(acc[o][1]), factors[1]));
        rounded[o] = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(low), high), zero);
      });
      const int8x16_t bytes = vminq_s8(upper, vmaxq_s8(lower, vqmovn_high_s16(vqmovn_s16(rounded[0]), rounded[1])));
      vst1_s8(to, vget_low_s8(bytes));
      if (count == 2) vst1_s8(to + row.out_stride, vget_high_s8(bytes));
      to += 2 * row.out_stride;
      column += 2 * pairs;
    };
    std::int32_t left = row.out_w;
    for (; left >= 2 && column + 2 * pairs <= row.in_w; left -= 2) {
      two(
          [&](auto i, int) __attribute__((always_inline)) {
            const int8x16_t loaded = vld1q_s8(at[i]);
            at[i] += row.step[i];
            return loaded;
          },
          2);
    }
    for (; left > 0; left -= 2) {
      two(
          [&](auto i, int k) __attribute__((always_inline)) { return checked(i, column + k); }, left < 2 ? left : 2);
    }
  }
};

struct Neon64dot : NeonIntegers {
  static constexpr const char* name = "neon64dot";
  using Channels = Neon64dotChannels;
  static constexpr int max_vectors = 4, factor_bytes = 16;
  static constexpr bool by_lane = true, by_pairs = false;
  static constexpr int tile_rows(int vectors) { return strip_rows(vectors); }

  using Sums = int32x4_t;
  using Quads = int8x16_t;
  using Factors = int8x16_t;

  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) { return vld1q_s32(from); }
  static RIFFLE_INLINE Sums zero() { return vdupq_n_s32(0); }
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
  static RIFFLE_INLINE std::int32_t sum(Sums sums) { return vaddvq_s32(sums); }

  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) {
    return vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(factors));
  }
  static RIFFLE_INLINE Sums rounded(Reals x, Reals lower, Reals upper) {
    return vcvtnq_s32_f32(vminq_f32(upper, vmaxq_f32(lower, x)));
  }

  RIFFLE_NEON64_STRIPS(riffle::simd::ByteStripFunction, neon64dot)
};

}  // namespace riffle::simd
