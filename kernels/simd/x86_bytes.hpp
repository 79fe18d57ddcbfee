// What x86's layers of bytes have in common.
#pragma once

#include <immintrin.h>

#include "kernels/simd/bytes.hpp"

namespace riffle::simd {

/// The first `count` bytes, 1 to 15, by size: a masked store of bytes is dozens of micro-operations on AMD's cores.
RIFFLE_INLINE void store_first(std::uint8_t* to, __m128i bytes, int count) {
  if (count & 8) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
    bytes = _mm_srli_si128(bytes, 8);
    to += 8;
  }
  if (count & 4) {
    _mm_storeu_si32(to, bytes);
    bytes = _mm_srli_si128(bytes, 4);
    to += 4;
  }
  if (count & 2) {
    _mm_storeu_si16(to, bytes);
    bytes = _mm_srli_si128(bytes, 2);
    to += 2;
  }
  if (count & 1) *to = static_cast<std::uint8_t>(_mm_cvtsi128_si32(bytes));
}

}  // namespace riffle::simd
