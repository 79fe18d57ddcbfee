// AVX2's layers of bytes with a dot product of them (AVX-VNNI): four products of u8 and i8 a lane in one instruction.
#pragma once

#include "kernels/simd/avx2_bytes.hpp"

namespace riffle::simd {

struct Avxvnni : WordBytes<Avx2Words> {
  static constexpr const char* name = "avxvnni";
  using Channels = Avxvnni;
  using Factors = Sums;
  static constexpr int factor_bytes = 4 * lanes;
  static constexpr kernels::QuadForm form = kernels::QuadForm::bytes;
  /// Up to 12 sums; the weights are a register a vector, and what they are multiplied with is one.
  static constexpr int tile_rows(int vectors) { return vectors == 1 ? 8 : vectors == 2 ? 6 : 4; }

  static RIFFLE_INLINE Factors load_factors(const std::byte* from) {
    return Factors::load_unaligned(reinterpret_cast<const std::int32_t*>(from));
  }
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    __m256i result = sums;
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(result) : "x"(__m256i(x)), "x"(__m256i(w)));
    return result;
  }

  static constexpr int dot_bytes = 32;
  static RIFFLE_INLINE Sums dot(Sums sums, const Byte* x, const std::int8_t* w) {
    return multiply(sums, Sums::load_unaligned(reinterpret_cast<const std::int32_t*>(x)),
                    Sums::load_unaligned(reinterpret_cast<const std::int32_t*>(w)));
  }
};

}  // namespace riffle::simd
