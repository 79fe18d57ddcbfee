// AVX-512 with its dot product of bytes (VNNI): four products of u8 and i8 a lane in one instruction.
#pragma once

#include "kernels/simd/x86_bytes.hpp"

namespace riffle::simd {

struct Avx512vnni {
  static constexpr const char* name = "avx512vnni";
  using Byte = std::uint8_t;
  using Channels = Avx512vnni;
  static constexpr Type byte_type = Type::u8;
  static constexpr int lanes = 16, max_vectors = 4, factor_bytes = 64;
  static constexpr bool by_lane = false;
  static constexpr kernels::QuadForm form = kernels::QuadForm::bytes;
  static constexpr int tile_rows(int vectors) { return vectors <= 3 ? 8 : 6; }

  using Sums = __m512i;
  using Integers = __m512i;
  using Reals = __m512;
  using Quads = __m512i;
  using Factors = __m512i;

  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) { return _mm512_loadu_si512(from); }
  static RIFFLE_INLINE Sums zero() { return _mm512_setzero_si512(); }
  static RIFFLE_INLINE Integers broadcast(std::int32_t x) { return _mm512_set1_epi32(x); }
  static RIFFLE_INLINE Reals broadcast(float x) { return _mm512_set1_ps(x); }
  static RIFFLE_INLINE Factors load_factors(const std::byte* from) { return _mm512_loadu_si512(from); }
  static RIFFLE_INLINE Quads spread(const Byte* from) {
    std::int32_t four;
    __builtin_memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
  }
  static RIFFLE_INLINE Quads widened(const Byte* from) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static RIFFLE_INLINE Quads append(Quads q, Quads next) { return _mm512_shrdi_epi32(q, next, 8); }
  /// In assembly, as GCC copies the sums that its intrinsic adds to, and keeps the copies in memory.
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(x), "v"(w));
    return sums;
  }

  /// Of 256 bytes, in four registers.
  struct Table {
    static constexpr int bytes = 64;
    __m512i part[4];

    explicit RIFFLE_INLINE Table(const std::uint8_t* table) {
      unroll<4>([&](auto i) __attribute__((always_inline)) { part[i] = _mm512_loadu_si512(table + 64 * i); });
    }
    RIFFLE_INLINE void look_up(Byte* values) const {
      const __m512i x = _mm512_loadu_si512(values);
      const __m512i low = _mm512_permutex2var_epi8(part[0], x, part[1]);
      const __m512i high = _mm512_permutex2var_epi8(part[2], x, part[3]);
      _mm512_storeu_si512(values, _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high));
    }
  };

  static constexpr int dot_bytes = 64;
  static RIFFLE_INLINE Sums dot(Sums sums, const Byte* x, const std::int8_t* w) {
    return multiply(sums, _mm512_loadu_si512(x), _mm512_loadu_si512(w));
  }
  static RIFFLE_INLINE std::int32_t sum(Sums sums) { return _mm512_reduce_add_epi32(sums); }

  static RIFFLE_INLINE Integers load(const Byte* from, int count) {
    if (count == lanes) return widened(from);
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(static_cast<__mmask16>((1U << count) - 1U), from));
  }
  static RIFFLE_INLINE void store(Byte* to, Integers v, int count) {
    const __m128i bytes = _mm512_cvtepi32_epi8(v);
    if (count == lanes) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    store_first(to, bytes, count);
  }
  /// Two to four vectors of sums, to the nearest, plus the zero point, kept within bytes: by instructions that
  /// saturate.
  static constexpr bool packs = true;
  template <int NV>
  static RIFFLE_INLINE void store_packed(Byte* to, const Sums (&sums)[NV], const float* factors, float upper, int zero,
                                         int columns) {
    __m512i v[4] = {};
    unroll<NV>([&](auto i) __attribute__((always_inline)) {
      // What is too large for an integer would become the least one.
      v[i] = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_set1_ps(upper), scaled(sums[i], factors + i * lanes)));
    });
    const __m512i zeros = _mm512_set1_epi16(static_cast<short>(zero));
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(v[0], v[1]), zeros);
    const __m512i high = NV == 2 ? low : _mm512_adds_epi16(_mm512_packs_epi32(v[2], v[3]), zeros);
    // Four of each vector stand side by side.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
    if (NV == 4 && columns == NV * lanes) return _mm512_storeu_si512(to, bytes);
    const __m128i part[4] = {_mm512_castsi512_si128(bytes), _mm512_extracti32x4_epi32(bytes, 1),
                             _mm512_extracti32x4_epi32(bytes, 2), _mm512_extracti32x4_epi32(bytes, 3)};
    unroll<NV>([&](auto i) __attribute__((always_inline)) {
      const int count = columns - i * lanes;
      if (count >= lanes) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i * lanes), part[i]);
      } else if (count > 0) {
        store_first(to + i * lanes, part[i], count);
      }
    });
  }

  static RIFFLE_INLINE Integers add(Integers a, Integers b) { return _mm512_add_epi32(a, b); }
  static RIFFLE_INLINE Integers clamp(Integers x, Integers lower, Integers upper) {
    return _mm512_min_epi32(upper, _mm512_max_epi32(lower, x));
  }
  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) {
    return _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(factors));
  }
  static RIFFLE_INLINE Integers rounded(Reals x, Reals lower, Reals upper) {
    return _mm512_cvtps_epi32(_mm512_min_ps(upper, _mm512_max_ps(lower, x)));
  }
};

}  // namespace riffle::simd
