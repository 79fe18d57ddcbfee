// AVX2's layers of bytes.
#pragma once

#include "kernels/simd/word_bytes.hpp"

namespace riffle::simd {

struct Avx2Words {
  using Arch = xsimd::fma3<xsimd::avx2>;
  static RIFFLE_INLINE __m256i multiply_pairs(__m256i a, __m256i b) { return _mm256_madd_epi16(a, b); }
  static RIFFLE_INLINE __m256i shift_right(__m256i x, int bits) { return _mm256_srli_epi32(x, bits); }
  static RIFFLE_INLINE __m256i widened(const std::uint8_t* from) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
  }
  static RIFFLE_INLINE __m256i words(const std::uint8_t* from) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static RIFFLE_INLINE __m256i words(const std::int8_t* from) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static RIFFLE_INLINE __m128i bytes(__m256i v) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return _mm_packus_epi16(words, words);
  }
  static RIFFLE_INLINE void store(std::uint8_t* to, __m128i bytes) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
  }
};

}  // namespace riffle::simd
