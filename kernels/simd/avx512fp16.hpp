// AVX-512 with its arithmetic of half precision: 32 registers of 32 halves, and multiply-adds that take a number from
// memory for all lanes.
#pragma once

#include "kernels/simd/avx512f.hpp"
#include "kernels/simd/halves.hpp"

namespace riffle::simd {

/// What is computed in floats between two halves: means, and what reads the caller's floats or sums up thousands of
/// products.
struct Avx512fp16Floats : HalvesAsFloats<Avx512f> {
  using Avx512f::load;
  using HalvesAsFloats<Avx512f>::load;

  // Of a tile's last vector, which two pixels share.
  static RIFFLE_INLINE __mmask8 of_half(int count) { return static_cast<__mmask8>((1U << count) - 1U); }
  static RIFFLE_INLINE Vec load_halves(const Value* a, const Value* b, int count) {
    const __m128i first = _mm_maskz_loadu_epi16(of_half(count), a), second = _mm_maskz_loadu_epi16(of_half(count), b);
    return _mm512_cvtph_ps(_mm256_set_m128i(second, first));
  }
  static RIFFLE_INLINE void store_halves(Value* a, Value* b, Vec v, int count) {
    const __m256i both = _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
    _mm_mask_storeu_epi16(a, of_half(count), _mm256_castsi256_si128(both));
    _mm_mask_storeu_epi16(b, of_half(count), _mm256_extracti128_si256(both, 1));
  }
};

struct Avx512fp16 {
  using Sums = Avx512fp16Floats;
  static constexpr const char* name = "avx512fp16";
  using Value = kernels::Half;
  using Weight = kernels::Half;
  static constexpr Type type = Type::f16;
  using Vec = __m512h;
  static constexpr int lanes = 32;
  static constexpr bool by_lane = false;
  static constexpr bool pairs_halves = false;
  static constexpr int max_vectors = 4;
  /// As Avx512f's.
  static constexpr int tile_rows(int vectors) { return vectors <= 3 ? 8 : 6; }

  static RIFFLE_INLINE Vec load(const Value* from) { return _mm512_loadu_ph(from); }
  static RIFFLE_INLINE void store(Value* to, Vec v) { _mm512_storeu_ph(to, v); }
  static RIFFLE_INLINE Vec broadcast(float x) { return _mm512_set1_ph(static_cast<_Float16>(x)); }

  /// A number in memory that counts for all lanes.
  struct Broadcast {
    const Value* at;
  };
  static RIFFLE_INLINE Broadcast broadcast(const Value& x) { return {&x}; }
  /// In assembly: compilers load the number into a register first, for which the ports of the multiply-adds are needed.
  static RIFFLE_INLINE Vec fma(Broadcast x, Vec w, Vec sums) {
    asm("vfmadd231ph %2%{1to32%}, %1, %0" : "+v"(sums) : "v"(w), "m"(*x.at));
    return sums;
  }

  static RIFFLE_INLINE Vec add(Vec a, Vec b) { return _mm512_add_ph(a, b); }
  static RIFFLE_INLINE Vec sub(Vec a, Vec b) { return _mm512_sub_ph(a, b); }
  static RIFFLE_INLINE Vec mul(Vec a, Vec b) { return _mm512_mul_ph(a, b); }
  static RIFFLE_INLINE Vec div(Vec a, Vec b) { return _mm512_div_ph(a, b); }
  static RIFFLE_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ph(a, b, c); }
  /// Where `a` is a NaN it stays; where only `b` is one, maxph gives it.
  static RIFFLE_INLINE Vec max(Vec a, Vec b) {
    return _mm512_mask_max_ph(a, _mm512_cmp_ph_mask(a, a, _CMP_ORD_Q), a, b);
  }
  /// In this order of operands a NaN in `x` is handed through.
  static RIFFLE_INLINE Vec clamp(Vec x, Vec lower, Vec upper) { return _mm512_min_ph(upper, _mm512_max_ph(lower, x)); }

  static RIFFLE_INLINE __mmask32 mask(int count) { return static_cast<__mmask32>((1ULL << count) - 1U); }
  static RIFFLE_INLINE Vec load_partial(const Value* from, int count) {
    return _mm512_castsi512_ph(_mm512_maskz_loadu_epi16(mask(count), from));
  }
  static RIFFLE_INLINE void store_partial(Value* to, Vec v, int count) {
    _mm512_mask_storeu_epi16(to, mask(count), _mm512_castph_si512(v));
  }
};

}  // namespace riffle::simd
