// Layers of bytes: sums of products of activations (u8 or i8, a Byte) and weights (i8) in 32 bits, and how they become
// bytes again.
//
// An instruction set that computes them has a struct B, with these types
//
//   Byte      what activations stand as: what its multiply-add takes, u8 on x86, i8 on ARM
//   Sums      a vector of int32; lanes of them
//   Quads     four bytes a lane
//   Factors   four weights a lane, as they stand in packed weights, in a `form`: factor_bytes a vector
//   Integers  the same vector of numbers that are no sums any more: on NEON, a sum is two of them
//   Reals     a vector of f32
//
//   Channels  the struct that depthwise convolution is computed with: this one, or another
//
// and these functions
//
//   multiply(sums, quads, factors)   sums[lane] += sum of quads[lane][j] * factors[lane][j] over four j, exactly
//   spread(bytes)                    the same four bytes in all lanes
//   widened(bytes)                   byte `lane` as the first of lane `lane`, the other three 0
//   append(quads, next)              the bytes of each lane one place down, and next's first in the last place
//   load(bytes, count)               the numbers that bytes are, as Integers; the first `count`, of the others anything
//   store(bytes, integers, count)    integers that bytes have room for
//   scaled(sums, factors)            f32(sums[lane]) * factors[lane], rounded twice
//   rounded(reals, lower, upper)     within these integers, to the nearest, ties to even
//
// An instruction set that multiplies by a lane (by_lane) has, in place of spread() and multiply(), load_quads(bytes),
// as many as there are in 16 bytes, and multiply_lane<lane>(sums, quads, factors). One whose sums are of two pixels and
// two outputs (QuadForm::eights) has strips, and a function that gathers what they read (byte_strip.hpp).
//
// Integers are exact, and the two roundings of scaled() are what every machine has, so that results have the same bits
// everywhere.
#pragma once

#include <type_traits>

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

/// No vectors: the lane is one.
struct ScalarBytes {
  using Byte = std::uint8_t;
  using Channels = ScalarBytes;
  static constexpr Type byte_type = Type::u8;
  static constexpr int lanes = 1, max_vectors = 4, factor_bytes = 4;
  static constexpr bool by_lane = false;
  static constexpr kernels::QuadForm form = kernels::QuadForm::bytes;
  static constexpr int tile_rows(int) { return 2; }

  using Sums = std::int32_t;
  using Integers = std::int32_t;
  using Reals = float;
  struct Quads {
    Byte at[4];
  };
  struct Factors {
    std::int8_t at[4];
  };

  static RIFFLE_INLINE Sums load_sums(const std::int32_t* from) { return *from; }
  static RIFFLE_INLINE Sums zero() { return 0; }
  static RIFFLE_INLINE Integers broadcast(std::int32_t x) { return x; }
  static RIFFLE_INLINE Reals broadcast(float x) { return x; }
  static RIFFLE_INLINE Factors load_factors(const std::byte* from) {
    Factors result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
  }
  static RIFFLE_INLINE Quads spread(const Byte* from) { return {{from[0], from[1], from[2], from[3]}}; }
  static RIFFLE_INLINE Quads widened(const Byte* from) { return {{*from, 0, 0, 0}}; }
  static RIFFLE_INLINE Quads append(Quads q, Quads next) { return {{q.at[1], q.at[2], q.at[3], next.at[0]}}; }
  static RIFFLE_INLINE Sums multiply(Sums sums, Quads x, Factors w) {
    for (int j = 0; j < 4; ++j) sums += std::int32_t{x.at[j]} * std::int32_t{w.at[j]};
    return sums;
  }
  /// Of neighbours, in any lane.
  static constexpr int dot_bytes = 4;
  static RIFFLE_INLINE Sums dot(Sums sums, const Byte* x, const std::int8_t* w) {
    for (int j = 0; j < 4; ++j) sums += std::int32_t{x[j]} * std::int32_t{w[j]};
    return sums;
  }
  static RIFFLE_INLINE std::int32_t sum(Sums sums) { return sums; }

  static RIFFLE_INLINE Integers load(const Byte* from, int) { return *from; }
  static RIFFLE_INLINE void store(Byte* to, Integers v, int) { *to = static_cast<Byte>(v); }
  static RIFFLE_INLINE Integers add(Integers a, Integers b) { return a + b; }
  static RIFFLE_INLINE Integers clamp(Integers x, Integers lower, Integers upper) {
    return x < lower ? lower : x > upper ? upper : x;
  }
  static RIFFLE_INLINE Reals scaled(Sums sums, const float* factors) { return static_cast<float>(sums) * *factors; }
  static RIFFLE_INLINE Integers rounded(Reals x, Reals lower, Reals upper) {
    const float above = x > lower ? x : lower;
    return round_small(above < upper ? above : upper);
  }

  /// An integer of at most 22 bits that is nearest: the sum with 1.5 * 2^23 has it in its lower bits, rounded as every
  /// sum is.
  static RIFFLE_INLINE std::int32_t round_small(float x) {
    constexpr float magic = 0x1.8p23F;
    return std::bit_cast<std::int32_t>(x + magic) - std::bit_cast<std::int32_t>(magic);
  }
};

/// What a layer of bytes makes: bytes, or floats.
template <class B, class Out>
inline constexpr Type type_of_result = std::is_same_v<Out, float> ? Type::f32 : B::byte_type;

/// Sums times factors within bounds, the first `count` of them.
template <class B>
RIFFLE_INLINE void store_real(float* to, typename B::Sums sums, const float* factors, const kernels::Clamp& clamp,
                              int count) {
  const typename B::Reals reals = B::scaled(sums, factors);
  float lanes[B::lanes];
  static_assert(sizeof lanes == sizeof reals);
  __builtin_memcpy(lanes, &reals, sizeof reals);
  for (float& x : lanes) {
    x = x > clamp.lower ? x : clamp.lower;
    x = x < clamp.upper ? x : clamp.upper;
  }
  if (count == B::lanes) {
    __builtin_memcpy(to, lanes, sizeof lanes);
  } else {
    for (int i = 0; i < count; ++i) to[i] = lanes[i];
  }
}

/// Bounds of the bytes that are stored.
template <class Byte>
struct StoredBounds {
  Byte lower, upper;
  RIFFLE_INLINE StoredBounds(const kernels::Clamp& clamp, const kernels::ZeroPoints& zeros)
      : lower(static_cast<Byte>(static_cast<std::int32_t>(clamp.lower) + zeros.output)),
        upper(static_cast<Byte>(static_cast<std::int32_t>(clamp.upper) + zeros.output)) {}
};

/// From sums to bytes: what all of a step's outputs have in common.
template <class B>
struct Requantise {
  typename B::Reals lower, upper, least, most;  // with a residual, the sum is kept within 16 bits first
  typename B::Integers lowest, highest, zero, residual_zero;
  bool saturates;  ///< are the bounds those of what is stored?

  RIFFLE_INLINE Requantise(const kernels::Clamp& clamp, const kernels::ZeroPoints& zeros)
      : lower(B::broadcast(clamp.lower)),
        upper(B::broadcast(clamp.upper)),
        least(B::broadcast(-32768.0F)),
        most(B::broadcast(32767.0F)),
        lowest(B::broadcast(static_cast<std::int32_t>(clamp.lower))),
        highest(B::broadcast(static_cast<std::int32_t>(clamp.upper))),
        zero(B::broadcast(zeros.output)),
        residual_zero(B::broadcast(-zeros.residual)),
        saturates(clamp.lower + static_cast<float>(zeros.output) <= std::numeric_limits<typename B::Byte>::min() &&
                  clamp.upper + static_cast<float>(zeros.output) >= std::numeric_limits<typename B::Byte>::max()) {}

  RIFFLE_INLINE typename B::Integers operator()(typename B::Sums sums, const float* factors) const {
    return B::add(B::rounded(B::scaled(sums, factors), lower, upper), zero);
  }
  RIFFLE_INLINE typename B::Integers operator()(typename B::Sums sums, const float* factors,
                                                typename B::Integers residual) const {
    const auto rounded = B::rounded(B::scaled(sums, factors), least, most);
    return B::add(B::clamp(B::add(rounded, B::add(residual, residual_zero)), lowest, highest), zero);
  }
};

}  // namespace riffle::simd
