// NEON without a dot product of bytes. Two products of i8 fit 16 bits together, but for those of two weights of -128:
// eight lanes of 16 bits are multiplied, take a second product each, and are added up by pairs into four sums of 32
// bits.
//
//   weights (QuadForm::pairs)   w0 w1 of output 0, of output 1, 2, 3 | w2 w3 of output 0, of output 1, 2, 3
//   a pixel's bytes             x0 x1 x0 x1 x0 x1 x0 x1              | x2 x3 x2 x3 x2 x3 x2 x3
//
// which is 16 multiply-adds in three instructions. Where four products fit as well, strips in assembly
// (pairs_neon64.inc) take 32 in five; ARMv7 has no registers left for a second quad's weights. Where two weights are
// -128, and where little time is spent, each product is added up by itself.
#pragma once

#include "kernels/simd/neon_channels.hpp"

namespace riffle::simd {

struct NeonBytes : NeonIntegers {
  using Channels = NeonRowChannels<NeonBytes>;
  static constexpr bool is_64 = sizeof(void*) == 8;
  static constexpr int max_vectors = is_64 ? 4 : 3, factor_bytes = 16;
  static constexpr kernels::QuadForm form = kernels::QuadForm::pairs;
  static constexpr bool by_lane = false;
  /// Of AArch64's 32 registers 16 hold sums, of ARMv7's 16 nine.
  static constexpr int tile_rows(int vectors) { return (is_64 ? 16 : 9) / vectors; }

  using Quads = int8x8x2_t;
  using Factors = int8x16_t;

  static RIFFLE_INLINE Factors load_factors(const std::byte* from) {
    return vld1q_s8(reinterpret_cast<const std::int8_t*>(from));
  }
  static RIFFLE_INLINE Quads spread(const Byte* from) {
    const int16x4x2_t pairs = vld2_dup_s16(reinterpret_cast<const std::int16_t*>(from));
    return {{vreinterpret_s8_s16(pairs.val[0]), vreinterpret_s8_s16(pairs.val[1])}};
  }
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    sums = vpadalq_s16(sums, vmull_s8(x.val[0], vget_low_s8(w)));
    return vpadalq_s16(sums, vmull_s8(x.val[1], vget_high_s8(w)));
  }

  /// Where two products fit 16 bits.
  static RIFFLE_INLINE Sums multiply_fitting(Sums sums, Quads x, Factors w) {
    const int16x8_t first = vmull_s8(x.val[0], vget_low_s8(w));
    return vpadalq_s16(sums, vmlal_s8(first, x.val[1], vget_high_s8(w)));
  }

  static constexpr int dot_bytes = 16;
  static RIFFLE_INLINE Sums dot(Sums sums, const Byte* x, const std::int8_t* w) {
    const int8x16_t a = vld1q_s8(x), b = vld1q_s8(w);
    return vpadalq_s16(vpadalq_s16(sums, vmull_s8(vget_low_s8(a), vget_low_s8(b))), upper_products(a, b));
  }

  static RIFFLE_INLINE Sums add_quads(Sums sums, int8x16_t x, int8x16_t w) {
    const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(w)));
    const int32x4_t high = vpaddlq_s16(vmull_s8(vget_high_s8(x), vget_high_s8(w)));
    return vaddq_s32(sums, vcombine_s32(vpadd_s32(vget_low_s32(low), vget_high_s32(low)),
                                        vpadd_s32(vget_low_s32(high), vget_high_s32(high))));
  }

  /// Taps in pairs: those of the upper two rows, column by column, and those of the lowest row, two columns at a time,
  /// which are loaded and interleaved once:
  ///
  ///   x[-1] x[0] | x[1] x[2]      output 0: taps 0 and 1 | 2 and none,  output 1: none and 0 | 1 and 2
  template <int Stride, bool Fit>
  struct Window {
    int8x16_t upper[3], early[2], late[2];
    int8x16_t column[2], pair;

    template <class Column>
    RIFFLE_INLINE Window(const std::int8_t* weights, Column&& next) {
      int8x8x4_t taps[3];  // of which the first is 0
      unroll<3>([&](auto i) __attribute__((always_inline)) { taps[i] = vld4_s8(weights + i * 32); });
      unroll<3>([&](auto j)
                    __attribute__((always_inline)) { upper[j] = zipped(taps[0].val[j + 1], taps[1].val[j + 1]); });
      unroll<2>([&](auto h) __attribute__((always_inline)) {
        late[h] = zipped(taps[2].val[2 * h], taps[2].val[2 * h + 1]);
        early[h] = zipped(taps[2].val[2 * h + 1], taps[2].val[(2 * h + 2) % 4]);
        column[h] = interleaved(next(constant<0>, h), next(constant<1>, h));
      });
      pair = interleaved(next(constant<2>, 0), next(constant<2>, 1));
    }

    template <class Column>
    RIFFLE_INLINE void add(int32x4_t (&sums)[2][2], Column&& next) {
      unroll<Stride>([&](auto p) __attribute__((always_inline)) {
        int8x16_t loaded[3][2];
        unroll<3>([&](auto i) __attribute__((always_inline)) {
          unroll<2>([&](auto k) __attribute__((always_inline)) { loaded[i][k] = next(i, 2 * p + k); });
        });
        const int8x16_t new_column[2] = {interleaved(loaded[0][0], loaded[1][0]),
                                         interleaved(loaded[0][1], loaded[1][1])};
        const int8x16_t new_pair = interleaved(loaded[2][0], loaded[2][1]);
        const int8x16_t columns[4] = {column[0], column[1], new_column[0], new_column[1]};
        const auto add_window = [&](int32x4_t(&to)[2], const int8x16_t* from, const int8x16_t(&lowest)[2])
            __attribute__((always_inline)) {
          add_taps<Fit>(to, from[0], upper[0], from[1], upper[1]);
          add_taps<Fit>(to, from[2], upper[2], pair, lowest[0]);
          add_taps(to, new_pair, lowest[1]);
        };
        add_window(sums[p], columns, early);
        if constexpr (Stride == 1) add_window(sums[1], columns + 1, late);
        column[0] = new_column[0];
        column[1] = new_column[1];
        pair = new_pair;
      });
    }
  };

 private:
  template <int I>
  static constexpr std::integral_constant<int, I> constant = {};

  static RIFFLE_INLINE int8x16_t zipped(int8x8_t a, int8x8_t b) {
    const int8x8x2_t both = vzip_s8(a, b);
    return vcombine_s8(both.val[0], both.val[1]);
  }
  static RIFFLE_INLINE int16x8_t upper_products(int8x16_t x, int8x16_t w) {
#ifdef __aarch64__
    return vmull_high_s8(x, w);
#else
    return vmull_s8(vget_high_s8(x), vget_high_s8(w));
#endif
  }
  /// Neighbouring bytes are taps of one channel.
  static RIFFLE_INLINE void add_taps(int32x4_t (&sums)[2], int8x16_t x, int8x16_t w) {
    sums[0] = vpadalq_s16(sums[0], vmull_s8(vget_low_s8(x), vget_low_s8(w)));
    sums[1] = vpadalq_s16(sums[1], upper_products(x, w));
  }
  /// Twice as many; Fit, on AArch64 alone: their products fit 16 bits by twos.
  template <bool Fit>
  static RIFFLE_INLINE void add_taps(int32x4_t (&sums)[2], int8x16_t x, int8x16_t w, int8x16_t x2, int8x16_t w2) {
#ifdef __aarch64__
    if constexpr (Fit) {
      const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w));
      sums[0] = vpadalq_s16(sums[0], vmlal_s8(low, vget_low_s8(x2), vget_low_s8(w2)));
      sums[1] = vpadalq_s16(sums[1], vmlal_high_s8(vmull_high_s8(x, w), x2, w2));
      return;
    }
#endif
    add_taps(sums, x, w);
    add_taps(sums, x2, w2);
  }
};

}  // namespace riffle::simd
