// AVX-512F: 32 registers of 16 floats; masks make partial loads and stores one instruction.
#pragma once

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

struct Avx512f : XsimdOps<xsimd::avx512f> {
  static constexpr const char* name = "avx512f";
  static constexpr int max_vectors = 4;
  /// Pixels of a register tile that is `vectors` wide: up to 24 accumulators, the weights, a broadcast. Eight already
  /// fill the pipelines; more would only be more code.
  static constexpr int tile_rows(int vectors) { return vectors <= 3 ? 8 : 6; }

  static constexpr bool converts_f16 = true, serves_halves = true, serves_bfloats = true;
  static RIFFLE_INLINE Vec load_f16(const std::uint16_t* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static RIFFLE_INLINE void store_f16(std::uint16_t* to, Vec v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }

  /// See frame_body.hpp.
  static RIFFLE_INLINE void pick(const std::uint8_t* row, const std::int32_t* windows, const std::uint8_t* picks,
                                 Integers& left, Integers& right) {
    const auto look_up = [&](int i) __attribute__((always_inline)) {
      const auto at = [](const std::uint8_t* from) __attribute__((always_inline)) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      };
      return _mm256_shuffle_epi8(_mm256_set_m128i(at(row + windows[i + 1]), at(row + windows[i])),
                                 _mm256_loadu_si256(reinterpret_cast<const __m256i*>(picks + std::ptrdiff_t{16} * i)));
    };
    const auto join = [](__m256i a, __m256i b) __attribute__((always_inline)) {
      return _mm512_castsi512_pd(_mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
    };
    const __m512d a = join(look_up(0), look_up(2)), b = join(look_up(4), look_up(6));
    left = _mm512_castpd_si512(_mm512_unpacklo_pd(a, b));
    right = _mm512_castpd_si512(_mm512_unpackhi_pd(a, b));
  }

  /// Where `a` is a NaN it stays; where only `b` is one, maxps gives it.
  static RIFFLE_INLINE Vec max(Vec a, Vec b) {
    return _mm512_mask_max_ps(a, _mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a, b);
  }

  static RIFFLE_INLINE __mmask16 mask(int count) { return static_cast<__mmask16>((1U << count) - 1U); }
  static RIFFLE_INLINE Vec load_partial(const float* from, int count) {
    return _mm512_maskz_loadu_ps(mask(count), from);
  }
  static RIFFLE_INLINE void store_partial(float* to, Vec v, int count) { _mm512_mask_storeu_ps(to, mask(count), v); }

  /// Lane i is the sum of rows[i]'s lanes.
  static RIFFLE_INLINE Vec sum_each(const Vec* rows) {
    const auto halves = [&](int i, int j) __attribute__((always_inline)) {  // a's halves added up, then b's
      const __m512 a = rows[i], b = rows[j];
      return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
    };
    const auto quarters = [&](__m512 a, __m512 b) __attribute__((always_inline)) {
      return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
    };
    const auto pairs = [&](__m512 a, __m512 b) __attribute__((always_inline)) {
      return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
    };
    __m512 four[4];  // a quarter a row: rows i, i + 4, i + 8, i + 12
    unroll<4>([&](auto i)
                  __attribute__((always_inline)) { four[i] = quarters(halves(i, i + 4), halves(i + 8, i + 12)); });
    return pairs(pairs(four[0], four[1]), pairs(four[2], four[3]));
  }

  static constexpr bool pairs_halves = true;
  static RIFFLE_INLINE __mmask16 upper(int count) { return static_cast<__mmask16>(((1U << count) - 1U) << 8); }
  static RIFFLE_INLINE Vec join_halves(Vec a, Vec b) { return _mm512_mask_blend_ps(upper(8), a, b); }
  static RIFFLE_INLINE Vec load_halves(const float* a, const float* b, int count) {
    return _mm512_mask_loadu_ps(_mm512_maskz_loadu_ps(mask(count), a), upper(count), b - 8);
  }
  static RIFFLE_INLINE void store_halves(float* a, float* b, Vec v, int count) {
    _mm512_mask_storeu_ps(a, mask(count), v);
    _mm512_mask_storeu_ps(b - 8, upper(count), v);
  }
};

}  // namespace riffle::simd
