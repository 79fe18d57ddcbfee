// Eight channels of bytes a vector, as depthwise convolution takes them on NEON.
//
// B is the instruction set's struct (simd/bytes.hpp), with
//
//   add_quads(sums, quads, weights)    sums[lane] += sum of quads[4 * lane + j] * weights[4 * lane + j] over four j
#pragma once

#include "kernels/depthwise/byte_rows.hpp"
#include "kernels/simd/neon_integers.hpp"

namespace riffle::simd {

template <class B>
struct NeonChannels {
  using Byte = std::int8_t;
  static constexpr Type byte_type = Type::i8;
  static constexpr int lanes = 8, factor_bytes = 32;
  static constexpr kernels::QuadForm form = kernels::QuadForm::bytes;
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
    return {vreinterpretq_s8_u32(vmovl_u16(vget_low_u16(words))),
            vreinterpretq_s8_u32(vmovl_u16(vget_high_u16(words)))};
  }
  static RIFFLE_INLINE int8x16_t append(int8x16_t q, int8x16_t next) {
    const uint32x4_t down = vshrq_n_u32(vreinterpretq_u32_s8(q), 8);
    return vreinterpretq_s8_u32(vsliq_n_u32(down, vreinterpretq_u32_s8(next), 24));
  }
  static RIFFLE_INLINE Quads append(Quads q, Quads next) {
    return {append(q.low, next.low), append(q.high, next.high)};
  }
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    return {B::add_quads(sums.low, x.low, w.low), B::add_quads(sums.high, x.high, w.high)};
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
    return {B::scaled(sums.low, factors), B::scaled(sums.high, factors + 4)};
  }
  static RIFFLE_INLINE Sums rounded(Reals x, Reals lower, Reals upper) {
    return {B::rounded(x.low, lower.low, upper.low), B::rounded(x.high, lower.high, upper.high)};
  }
  static RIFFLE_INLINE Sums clamp(Sums x, Sums lower, Sums upper) {
    return {B::clamp(x.low, lower.low, upper.low), B::clamp(x.high, lower.high, upper.high)};
  }

#ifdef __aarch64__
  // Of rows (depthwise/byte_rows.hpp), whose exact results are rounded as requantise_neon64.inc says.

  /// The biases twice, the factors, the zero point in 16 bits, and what is added to exact results, twice.
  static constexpr int prepared_bytes = (4 + 2 + 1 + 4) * 16;
  static constexpr int added_at = (4 + 2 + 1) * 4;  ///< of floats
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
        vst1q_f32(reals + added_at + (2 * output + half) * 4, added);
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
#endif
};

/// And two outputs of a 3x3 window at once: of its three rows B keeps what the next two need, and their weights:
///
///   template <int Stride, bool Fit> struct Window {
///     Window(weights, column)          column(row, k): the bytes of column k, of which the first two are taken
///     void add(sums, column)           adds what two outputs have to add to their sums[output][half], and takes the
///   };                                 two (stride 1) or four columns that come in for them
///
/// Fit: any two products fit 16 bits, since no weight is -128. AArch64's rows take a shorter way where that is so and
/// results are exact; ARMv7 cannot round them so, and to add up two products alone saves nothing there.
template <class B>
struct NeonRowChannels : NeonChannels<B> {
  using Byte = std::int8_t;

  static constexpr int most_rows(int) { return 1; }
  static RIFFLE_INLINE kernels::DepthwiseByteRowsFunction depthwise_rows(int, int stride, bool is_short) {
    static constexpr kernels::DepthwiseByteRowsFunction functions[][2] = {
        {depthwise_row<1, false>, depthwise_row<1, has_short_way>},
        {depthwise_row<2, false>, depthwise_row<2, has_short_way>}};
    return functions[stride - 1][is_short ? 1 : 0];
  }
#ifdef __aarch64__
  static RIFFLE_INLINE bool prepare_rows(const std::byte* packed, std::int16_t zero, std::byte* prepared) {
    return NeonChannels<B>::prepare_rows(packed, zero, prepared) && do_products_fit(packed);
  }
#else
  static constexpr int prepared_bytes = 1;
  static RIFFLE_INLINE bool prepare_rows(const std::byte*, std::int16_t, std::byte*) { return false; }
#endif

  template <int Stride, bool Short>
  static void depthwise_row(const kernels::DepthwiseByteRows& given) {
    kernels::DepthwiseByteRows row = given;  // a copy, which no store can be taken to change
    for (std::int64_t left = row.count; left > 0; --left) {
      depthwise_one_row<Stride, Short>(row);
      row.rows += Stride;
      row.out += row.outputs * row.out_stride;
    }
  }

 private:
  static constexpr int bias_and_factor_bytes = NeonChannels<B>::lanes * 8;
  static constexpr bool has_short_way = sizeof(void*) == 8;

#ifdef __aarch64__
  static RIFFLE_INLINE bool do_products_fit(const std::byte* packed) {
    const auto* const weights = reinterpret_cast<const std::int8_t*>(packed + bias_and_factor_bytes);
    int8x16_t least = vld1q_s8(weights);
    unroll<5>([&](auto i)
                  __attribute__((always_inline)) { least = vminq_s8(least, vld1q_s8(weights + (i + 1) * 16)); });
    return vminvq_s8(least) != -128;
  }
#endif

  template <int Stride, bool Short>
  static RIFFLE_INLINE void depthwise_one_row(const kernels::DepthwiseByteRows& row) {
    constexpr int columns = 2 * Stride;  // that come in for two outputs
    const auto* const words = reinterpret_cast<const std::int32_t*>(row.packed);
    const auto* const starts = Short ? reinterpret_cast<const std::int32_t*>(row.prepared) : words;
    const int32x4_t bias[2] = {vld1q_s32(starts), vld1q_s32(starts + 4)};
    const float32x4_t factors[2] = {vreinterpretq_f32_s32(vld1q_s32(words + 8)),
                                    vreinterpretq_f32_s32(vld1q_s32(words + 12))};
    const int16x8_t zero = vdupq_n_s16(row.zero);
    const int8x16_t lower = vdupq_n_s8(row.lower), upper = vdupq_n_s8(row.upper), outside = vld1q_s8(row.zeros);
    const auto in_w = static_cast<std::int32_t>(row.columns), pad_left = static_cast<std::int32_t>(row.pad_left);

#ifdef __aarch64__
    const auto* const addends = reinterpret_cast<const float*>(row.prepared) + NeonChannels<B>::added_at;
    const float32x4_t added[2] = {vld1q_f32(addends), vld1q_f32(addends + 4)};  // to exact results
#endif

    const Byte* first[3];
    std::ptrdiff_t step[3];
    unroll<3>([&](auto i) __attribute__((always_inline)) {
      first[i] = row.first_of(row.rows[i]);
      step[i] = row.rows[i].step;
    });
    std::int32_t column = 2 - pad_left;  // the next to come in
    const auto checked = [&](auto i, std::int32_t at) __attribute__((always_inline)) {
      return at >= 0 && at < in_w ? vld1q_s8(first[i] + at * step[i]) : outside;
    };
    const auto first_columns = [&](auto i, int k) __attribute__((always_inline)) { return checked(i, k - pad_left); };
    typename B::template Window<Stride, Short> window(
        reinterpret_cast<const std::int8_t*>(row.packed) + bias_and_factor_bytes, first_columns);
    const Byte* at[3];
    unroll<3>([&](auto i) __attribute__((always_inline)) { at[i] = first[i] + column * step[i]; });
    Byte* to = row.out;

    const auto two = [&](auto&& next, int count) __attribute__((always_inline)) {
      int32x4_t sums[2][2] = {{bias[0], bias[1]}, {bias[0], bias[1]}};
      window.add(sums, next);
      int16x8_t rounded[2];
      unroll<2>([&](auto o) __attribute__((always_inline)) {
#ifdef __aarch64__
        if constexpr (Short) {
          int16x8_t results[2];
          unroll<2>([&](auto half) __attribute__((always_inline)) {
            results[half] =
                vreinterpretq_s16_f32(vfmaq_f32(added[half], vreinterpretq_f32_s32(sums[o][half]), factors[half]));
          });
          rounded[o] = vuzp1q_s16(results[0], results[1]);
          return;
        }
#endif
        const float32x4_t low = vmulq_f32(vcvtq_f32_s32(sums[o][0]), factors[0]);
        const float32x4_t high = vmulq_f32(vcvtq_f32_s32(sums[o][1]), factors[1]);
        rounded[o] = vqaddq_s16(NeonIntegers::words(low, high), zero);
      });
      const int8x16_t bytes = vminq_s8(upper, vmaxq_s8(lower, NeonIntegers::bytes(rounded[0], rounded[1])));
      vst1_s8(to, vget_low_s8(bytes));
      if (count == 2) vst1_s8(to + row.out_stride, vget_high_s8(bytes));
      to += 2 * row.out_stride;
      column += columns;
    };
    auto left = static_cast<std::int32_t>(row.outputs);
    for (; left >= 2 && column + columns <= in_w; left -= 2) {
      two(
          [&](auto i, int) __attribute__((always_inline)) {
            const int8x16_t loaded = vld1q_s8(at[i]);
            at[i] += step[i];
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

}  // namespace riffle::simd
