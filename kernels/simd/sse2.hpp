// SSE2, what any x86-64 has: 16 registers of 4 floats, no fused multiply-add, so that a product needs a register.
#pragma once

#include "kernels/simd/sse2_bytes.hpp"

namespace riffle::simd {

struct Sse2 : XsimdOps<xsimd::sse2> {
  using Bytes = WordBytes<Sse2Words>;
  static constexpr const char* name = "sse2";
  /// Where `a` is a NaN all bits are set, which is one; where only `b` is one, maxps gives it.
  static RIFFLE_INLINE Vec max(Vec a, Vec b) { return _mm_or_ps(_mm_max_ps(a, b), _mm_cmpunord_ps(a, a)); }

  static constexpr int max_vectors = 3;
  static constexpr int tile_rows(int vectors) { return vectors == 1 ? 8 : vectors == 2 ? 5 : 3; }
};

}  // namespace riffle::simd
