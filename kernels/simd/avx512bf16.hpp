// AVX-512 with its dot product of bf16: two products a lane, added to a float, in one instruction. All else is computed
// as floats, between two numbers of bf16.
#pragma once

#include "kernels/simd/avx512f.hpp"

namespace riffle::simd {

struct Avx512bf16 : Avx512f {
  static constexpr const char* name = "avx512bf16";
  using Value = kernels::Bfloat;
  using Weight = float;
  static constexpr Type type = Type::bf16;
  static constexpr bool pairs_halves = false;

  using Avx512f::broadcast;
  using Avx512f::load;
  using Avx512f::load_partial;
  using Avx512f::store;
  using Avx512f::store_partial;
  static RIFFLE_INLINE Vec widened(__m256i v) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
  }
  /// To the nearest, ties to even; denormal numbers become zero.
  static RIFFLE_INLINE __m256i narrowed(Vec v) { return std::bit_cast<__m256i>(_mm512_cvtneps_pbh(v)); }

  static RIFFLE_INLINE Vec load(const Value* from) {
    return widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static RIFFLE_INLINE void store(Value* to, Vec v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), narrowed(v));
  }
  static RIFFLE_INLINE Vec load_partial(const Value* from, int count) {
    return widened(_mm256_maskz_loadu_epi16(mask(count), from));
  }
  static RIFFLE_INLINE void store_partial(Value* to, Vec v, int count) {
    _mm256_mask_storeu_epi16(to, mask(count), narrowed(v));
  }
  static RIFFLE_INLINE Vec broadcast(Value x) { return Avx512f::broadcast(static_cast<float>(x)); }

  // kernels/pointwise/dots_body.hpp
  static constexpr int dot = 2;
  /// In assembly, as GCC copies the sums that its intrinsic adds to, and keeps the copies in memory.
  static RIFFLE_INLINE Vec multiply(Vec sums, __m512i x, __m512i w) {
    __m512 result = sums;
    asm("vdpbf16ps %2, %1, %0" : "+v"(result) : "v"(x), "v"(w));
    return result;
  }
  template <int MR, int NV>
  static RIFFLE_INLINE void multiply(Vec (&acc)[MR][NV], const Value* x, std::ptrdiff_t stride, const Value* w,
                                     std::int32_t dots) {
    for (std::int32_t k = 0; k < dots; ++k, x += 2, w += NV * 2 * lanes) {
      __m512i row[NV];
      unroll<NV>([&](auto v) __attribute__((always_inline)) { row[v] = _mm512_loadu_si512(w + v * 2 * lanes); });
      unroll<MR>([&](auto m) __attribute__((always_inline)) {
        std::int32_t pair;
        __builtin_memcpy(&pair, x + m * stride, sizeof pair);
        const __m512i both = _mm512_set1_epi32(pair);
        unroll<NV>([&](auto v) __attribute__((always_inline)) { acc[m][v] = multiply(acc[m][v], both, row[v]); });
      });
    }
  }

  // kernels/fully_connected/fully_connected_body.hpp
  static constexpr int dot_numbers = 32;
  static RIFFLE_INLINE Vec multiply_neighbours(Vec sums, const Value* x, const Value* w) {
    return multiply(sums, _mm512_loadu_si512(x), _mm512_loadu_si512(w));
  }
};

}  // namespace riffle::simd
