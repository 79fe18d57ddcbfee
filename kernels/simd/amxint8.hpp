// AMX's products of matrices of bytes, u8 times i8, with the rest of AVX-512 VNNI.
#pragma once

#include "kernels/simd/amx.hpp"
#include "kernels/simd/avx512vnni.hpp"

namespace riffle::simd {

struct AmxBytes {
  template <int Sums, int X, int W>
  static RIFFLE_INLINE void multiply() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(X), "i"(W));
  }
};

struct Amxint8 : Avx512vnni {
  static constexpr const char* name = "amxint8";
  static constexpr kernels::QuadForm form = kernels::QuadForm::matrices;
  using Product = AmxProduct<AmxBytes, std::int32_t>;
  static constexpr int tile_rows(int vectors) { return Avx512vnni::tile_rows(vectors); }

  /// `count` bytes, and up to 63 more that may be anything.
  static RIFFLE_INLINE void copy(const std::byte* from, std::int64_t count, std::byte* to) {
    for (; count > 64; count -= 64, from += 64, to += 64) _mm512_storeu_si512(to, _mm512_loadu_si512(from));
    _mm512_storeu_si512(to, _mm512_maskz_loadu_epi8(~__mmask64{0} >> (64 - count), from));
  }
};

}  // namespace riffle::simd
