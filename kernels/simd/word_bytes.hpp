// Layers of bytes where an instruction set has no dot product of them that cannot saturate (AVX2, SSE2): pairs of
// numbers of 16 bits take its place (pmaddwd), the even and the odd bytes of every lane by themselves.
//
// W is what is not alike in both widths:
//
//   Arch                     xsimd's
//   multiply_pairs(a, b)     pmaddwd
//   shift_right(x, bits)     of 32 bits, zeros from the left
//   widened(bytes)           as many bytes as there are lanes, as integers of 32 bits
//   words(bytes)             twice as many, u8 or i8, as numbers of 16 bits
//   bytes(integers)          what bytes have room for; the first `lanes` of the result
//   store(bytes, from)       `lanes` bytes
#pragma once

#include "kernels/simd/simd.hpp"
#include "kernels/simd/x86_bytes.hpp"

namespace riffle::simd {

template <class W>
struct WordBytes {
  using Byte = std::uint8_t;
  using Channels = WordBytes;
  using Sums = xsimd::batch<std::int32_t, typename W::Arch>;
  using Words = xsimd::batch<std::uint16_t, typename W::Arch>;
  using Integers = Sums;
  using Reals = xsimd::batch<float, typename W::Arch>;
  using Quads = Sums;
  struct Factors {
    Sums even, odd;
  };

  static constexpr Type byte_type = Type::u8;
  static constexpr int lanes = static_cast<int>(Sums::size), max_vectors = 3, factor_bytes = 8 * lanes;
  static constexpr kernels::QuadForm form = kernels::QuadForm::words;
  static constexpr bool by_lane = false;
  /// 8 or 9 sums; the weights are two registers a vector, and what they are multiplied with is two.
  static constexpr int tile_rows(int vectors) { return vectors == 1 ? 6 : vectors == 2 ? 4 : 3; }

  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) { return Sums::load_unaligned(from); }
  static RIFFLE_INLINE Sums zero() { return Sums(0); }
  static RIFFLE_INLINE Integers broadcast(std::int32_t x) { return Integers(x); }
  static RIFFLE_INLINE Reals broadcast(float x) { return Reals(x); }
  /// Packed as 16-bit numbers, even ones of all lanes first.
  static RIFFLE_INLINE Factors load_factors(const std::byte* from) {
    const auto* const both = reinterpret_cast<const std::int32_t*>(from);
    return {Sums::load_unaligned(both), Sums::load_unaligned(both + lanes)};
  }
  static RIFFLE_INLINE Quads spread(const Byte* from) {
    std::int32_t four;
    __builtin_memcpy(&four, from, sizeof four);
    return Quads(four);
  }
  static RIFFLE_INLINE Quads widened(const Byte* from) { return W::widened(from); }
  static RIFFLE_INLINE Quads append(Quads q, Quads next) { return W::shift_right(q, 8) | (next << 24); }
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    const Words bytes = xsimd::bitwise_cast<Words>(x);
    const Sums first = W::multiply_pairs(bytes & Words(255), w.even), second = W::multiply_pairs(bytes >> 8, w.odd);
    return sums + first + second;
  }

  static constexpr int dot_bytes = 2 * lanes;
  static RIFFLE_INLINE Sums dot(Sums sums, const Byte* x, const std::int8_t* w) {
    return sums + Sums(W::multiply_pairs(W::words(x), W::words(w)));
  }
  static RIFFLE_INLINE std::int32_t sum(Sums sums) {
    std::int32_t lane[lanes], total = 0;
    sums.store_unaligned(lane);
    for (const std::int32_t one : lane) total += one;
    return total;
  }

  static RIFFLE_INLINE Integers load(const Byte* from, int count) {
    if (count == lanes) return widened(from);
    Byte lane[lanes] = {};
    for (int i = 0; i < count; ++i) lane[i] = from[i];
    return widened(lane);
  }
  static RIFFLE_INLINE void store(Byte* to, Integers v, int count) {
    if (count == lanes) return W::store(to, W::bytes(v));
    store_first(to, W::bytes(v), count);
  }
  static RIFFLE_INLINE Integers add(Integers a, Integers b) { return a + b; }
  static RIFFLE_INLINE Integers clamp(Integers x, Integers lower, Integers upper) {
    return xsimd::min(upper, xsimd::max(lower, x));
  }
  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) {
    return to_float(sums) * Reals::load_unaligned(factors);
  }
  static RIFFLE_INLINE Integers rounded(Reals x, Reals lower, Reals upper) {
    return xsimd::nearbyint_as_int(xsimd::min(upper, xsimd::max(lower, x)));
  }
};

}  // namespace riffle::simd
