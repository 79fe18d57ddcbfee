// SSE2's layers of bytes.
#pragma once

#include "kernels/simd/word_bytes.hpp"

namespace riffle::simd {

struct Sse2Words {
  using Arch = xsimd::sse2;
  static RIFFLE_INLINE __m128i multiply_pairs(__m128i a, __m128i b) { return _mm_madd_epi16(a, b); }
  static RIFFLE_INLINE __m128i shift_right(__m128i x, int bits) { return _mm_srli_epi32(x, bits); }
  static RIFFLE_INLINE __m128i widened(const std::uint8_t* from) {
    std::int32_t four;
    __builtin_memcpy(&four, from, sizeof four);
    const __m128i words = _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), _mm_setzero_si128());
    return _mm_unpacklo_epi16(words, _mm_setzero_si128());
  }
  static RIFFLE_INLINE __m128i words(const std::uint8_t* from) {
    return _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)), _mm_setzero_si128());
  }
  static RIFFLE_INLINE __m128i words(const std::int8_t* from) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    return _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
  }
  static RIFFLE_INLINE __m128i bytes(__m128i v) {
    const __m128i words = _mm_packs_epi32(v, v);
    return _mm_packus_epi16(words, words);
  }
  static RIFFLE_INLINE void store(std::uint8_t* to, __m128i bytes) { _mm_storeu_si32(to, bytes); }
};

}  // namespace riffle::simd
