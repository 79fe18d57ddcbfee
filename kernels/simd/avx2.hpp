// AVX2 with FMA3 and F16C: 16 registers of 8 floats.
#pragma once

#include "kernels/simd/avx2_bytes.hpp"

namespace riffle::simd {

struct Avx2 : XsimdOps<xsimd::fma3<xsimd::avx2>> {
  using Bytes = WordBytes<Avx2Words>;
  static constexpr const char* name = "avx2";
  static constexpr int max_vectors = 3;
  /// 12 accumulators, the weights, a broadcast.
  static constexpr int tile_rows(int vectors) { return vectors == 1 ? 8 : vectors == 2 ? 6 : 4; }

  static constexpr bool converts_f16 = true;
  static RIFFLE_INLINE Vec load_f16(const std::uint16_t* from) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static RIFFLE_INLINE void store_f16(std::uint16_t* to, Vec v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }

  /// See frame_body.hpp.
  static RIFFLE_INLINE void pick(const std::uint8_t* row, const std::int32_t* windows, const std::uint8_t* picks,
                                 Integers& left, Integers& right) {
    const auto look_up = [&](int i) __attribute__((always_inline)) {
      const auto at = [](const std::uint8_t* from) __attribute__((always_inline)) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      };
      return _mm256_castsi256_pd(
          _mm256_shuffle_epi8(_mm256_set_m128i(at(row + windows[i + 1]), at(row + windows[i])),
                              _mm256_loadu_si256(reinterpret_cast<const __m256i*>(picks + std::ptrdiff_t{16} * i))));
    };
    const __m256d a = look_up(0), b = look_up(2);
    left = _mm256_castpd_si256(_mm256_unpacklo_pd(a, b));
    right = _mm256_castpd_si256(_mm256_unpackhi_pd(a, b));
  }

  /// Where `a` is a NaN all bits are set, which is one; where only `b` is one, maxps gives it.
  static RIFFLE_INLINE Vec max(Vec a, Vec b) {
    return _mm256_or_ps(_mm256_max_ps(a, b), _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  }

  /// maskload takes the lanes whose sign bit is set: a window on seven ones and then zeros.
  static RIFFLE_INLINE __m256i mask(int count) {
    alignas(32) static constexpr std::int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(window + 8 - count));
  }
  static RIFFLE_INLINE Vec load_partial(const float* from, int count) { return _mm256_maskload_ps(from, mask(count)); }
  /// By halves: maskstore is dozens of micro-operations on AMD's cores.
  static RIFFLE_INLINE void store_partial(float* to, Vec v, int count) {
    __m128 half = _mm256_castps256_ps128(v);
    if (count & 4) {
      _mm_storeu_ps(to, half);
      half = _mm256_extractf128_ps(v, 1);
      to += 4;
    }
    if (count & 2) {
      _mm_storel_pi(reinterpret_cast<__m64*>(to), half);
      half = _mm_movehl_ps(half, half);
      to += 2;
    }
    if (count & 1) _mm_store_ss(to, half);
  }

  /// Lane i is the sum of rows[i]'s lanes.
  static RIFFLE_INLINE Vec sum_each(const Vec* rows) { return xsimd::haddp(rows); }
};

}  // namespace riffle::simd
