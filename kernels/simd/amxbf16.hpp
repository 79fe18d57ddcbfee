// AMX's products of matrices of bf16, with the rest of AVX512-BF16.
#pragma once

#include "kernels/simd/amx.hpp"
#include "kernels/simd/avx512bf16.hpp"

namespace riffle::simd {

struct AmxBfloats {
  template <int Sums, int X, int W>
  static RIFFLE_INLINE void multiply() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(X), "i"(W));
  }
};

struct Amxbf16 : Avx512bf16 {
  static constexpr const char* name = "amxbf16";
  using Product = AmxProduct<AmxBfloats, float>;
};

}  // namespace riffle::simd
