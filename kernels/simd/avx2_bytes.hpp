// AVX2 has no dot product of bytes that cannot saturate: pairs of 16-bit numbers take its place, the even and the odd
// bytes of every lane by themselves.
#pragma once

#include "kernels/simd/x86_bytes.hpp"

namespace riffle::simd {

struct Avx2Bytes {
  using Byte = std::uint8_t;
  using Channels = Avx2Bytes;
  static constexpr Type byte_type = Type::u8;
  static constexpr int lanes = 8, max_vectors = 3, factor_bytes = 64;
  static constexpr bool by_lane = false, by_pairs = false;
  static constexpr kernels::QuadForm form = kernels::QuadForm::words;
  /// 8 or 9 sums; the weights are two registers a vector, and what they are multiplied with is two.
  static constexpr int tile_rows(int vectors) { return vectors == 1 ? 6 : vectors == 2 ? 4 : 3; }

  using Sums = __m256i;
  using Integers = __m256i;
  using Reals = __m256;
  using Quads = __m256i;
  struct Factors {
    __m256i even, odd;
  };

  static RIFFLE_INLINE __m256i load_vector(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) { return load_vector(from); }
  static RIFFLE_INLINE Sums zero() { return _mm256_setzero_si256(); }
  static RIFFLE_INLINE Integers broadcast(std::int32_t x) { return _mm256_set1_epi32(x); }
  static RIFFLE_INLINE Reals broadcast(float x) { return _mm256_set1_ps(x); }
  /// Packed as 16-bit numbers, even ones of all lanes first.
  static RIFFLE_INLINE Factors load_factors(const std::byte* from) {
    return {load_vector(from), load_vector(from + 32)};
  }
  static RIFFLE_INLINE Quads spread(const Byte* from) {
    std::int32_t four;
    __builtin_memcpy(&four, from, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static RIFFLE_INLINE Quads widened(const Byte* from) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
  }
  static RIFFLE_INLINE Quads append(Quads q, Quads next) {
    return _mm256_or_si256(_mm256_srli_epi32(q, 8), _mm256_slli_epi32(next, 24));
  }
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    const __m256i even = _mm256_and_si256(x, _mm256_set1_epi16(255)), odd = _mm256_srli_epi16(x, 8);
    const __m256i first = _mm256_madd_epi16(even, w.even), second = _mm256_madd_epi16(odd, w.odd);
    return _mm256_add_epi32(_mm256_add_epi32(sums, first), second);
  }

  static constexpr int dot_bytes = 16;
  static RIFFLE_INLINE Sums dot(Sums sums, const Byte* x, const std::int8_t* w) {
    const __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
    const __m256i b = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(a, b));
  }
  static RIFFLE_INLINE std::int32_t sum(Sums sums) {
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
  }

  static RIFFLE_INLINE Integers load(const Byte* from, int count) {
    if (count == lanes) return widened(from);
    alignas(8) Byte lane[lanes] = {};
    for (int i = 0; i < count; ++i) lane[i] = from[i];
    return widened(lane);
  }
  static RIFFLE_INLINE void store(Byte* to, Integers v, int count) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    const __m128i bytes = _mm_packus_epi16(words, words);
    if (count == lanes) return _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
    store_first(to, bytes, count);
  }
  static RIFFLE_INLINE Integers add(Integers a, Integers b) { return _mm256_add_epi32(a, b); }
  static RIFFLE_INLINE Integers clamp(Integers x, Integers lower, Integers upper) {
    return _mm256_min_epi32(upper, _mm256_max_epi32(lower, x));
  }
  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(factors));
  }
  static RIFFLE_INLINE Integers rounded(Reals x, Reals lower, Reals upper) {
    return _mm256_cvtps_epi32(_mm256_min_ps(upper, _mm256_max_ps(lower, x)));
  }
};

}  // namespace riffle::simd
