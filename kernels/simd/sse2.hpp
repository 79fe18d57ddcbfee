// SSE2, what any x86-64 has: 16 registers of 4 floats, no fused multiply-add, so that a product needs a register.
#pragma once

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

struct Sse2 : XsimdOps<xsimd::sse2> {
  static constexpr const char* name = "sse2";
  static constexpr int max_vectors = 3;
  static constexpr int tile_rows(int vectors) { return vectors == 1 ? 8 : vectors == 2 ? 5 : 3; }
};

}  // namespace riffle::simd
