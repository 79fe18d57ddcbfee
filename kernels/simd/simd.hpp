// The small vector layer on xsimd that the generic bodies are written in.
//
// An instruction set is a struct S with the vector type, its width, the type of its numbers (Value) and of the weights
// that they are multiplied by (Weight), the operations below, and the shapes of register tile that its register file
// holds. Bodies are templates on S, so that each instruction set's object file has symbols of its own: nothing compiled
// for AVX-512 can be picked by the linker to serve an SSE2 caller. For the same reason every function here is forced
// inline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <xsimd/xsimd.hpp>

#include "kernels/types.hpp"

namespace riffle::simd {

/// Calls f(std::integral_constant<int, 0>), ... f(<N - 1>): a loop that is gone before register allocation.
template <int N, class F>
RIFFLE_INLINE void unroll(F&& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

/// True where a size-optimised build (RIFFLE_SMALL) instantiates a single tile shape: speed comes from elsewhere there,
/// from rows and strips that the instruction set has of its own (Own), or nobody asks for it (the scalar set).
template <class S, bool Own>
constexpr bool one_variant =
#ifdef RIFFLE_SMALL
    Own || S::lanes == 1;
#else
    false;
#endif

/// The type of the numbers that a C++ type holds.
template <class Value>
inline constexpr Type type_of = Type::f32;
template <>
inline constexpr Type type_of<kernels::Half> = Type::f16;
template <>
inline constexpr Type type_of<kernels::Bfloat> = Type::bf16;
template <>
inline constexpr Type type_of<std::int8_t> = Type::i8;
template <>
inline constexpr Type type_of<std::uint8_t> = Type::u8;

/// A part of a vector by way of a whole one, for an instruction set that loads and stores no parts: the first `count`
/// numbers, the others zero; touches nothing behind them.
template <class S>
RIFFLE_INLINE typename S::Vec load_part(const typename S::Value* from, int count) {
  alignas(64) typename S::Value lane[S::lanes] = {};
  for (int i = 0; i < count; ++i) lane[i] = from[i];
  return S::load(lane);
}
template <class S>
RIFFLE_INLINE void store_part(typename S::Value* to, typename S::Vec v, int count) {
  alignas(64) typename S::Value lane[S::lanes];
  S::store(lane, v);
  for (int i = 0; i < count; ++i) to[i] = lane[i];
}

/// What every xsimd architecture shares.
template <class Arch>
struct XsimdOps {
  using Value = float;
  using Weight = float;
  static constexpr Type type = Type::f32;
  using Vec = xsimd::batch<float, Arch>;
  static constexpr int lanes = static_cast<int>(Vec::size);
  static constexpr bool by_lane = false;  ///< has it a multiply-add by a lane of another vector?
  /// Does it hold the last, at most half full vector of two pixels in one? Then it has join_halves(a, b), a's lower
  /// half and b's upper half, and load_halves and store_halves, the first `count` lanes of the halves at two addresses.
  static constexpr bool pairs_halves = false;
  /// Has it instructions that convert f16? Then it has load_f16 and store_f16, a whole vector from memory and to it, to
  /// the bits of from_f16() and to_f16().
  static constexpr bool converts_f16 = false;
  /// Does it compute, as floats, what an instruction set of halves, or of bf16, leaves to it?
  static constexpr bool serves_halves = false, serves_bfloats = false;

  static RIFFLE_INLINE Vec load(const float* from) { return Vec::load_unaligned(from); }
  static RIFFLE_INLINE void store(float* to, Vec v) { v.store_unaligned(to); }
  static RIFFLE_INLINE Vec broadcast(float x) { return Vec(x); }
  using Integers = xsimd::batch<std::int32_t, Arch>;
  static RIFFLE_INLINE Integers load_integers(const std::int32_t* from) { return Integers::load_unaligned(from); }
  /// A byte of each integer, in its place: times 256 to the power of `byte`, of which 0 is the lowest and 2 the
  /// highest.
  static RIFFLE_INLINE Vec from_byte(Integers v, int byte) {
    // Unqualified: where there are no vectors at all, xsimd does not declare it.
    return to_float(v & Integers(255 << (8 * byte)));
  }
  static RIFFLE_INLINE Vec add(Vec a, Vec b) { return a + b; }
  static RIFFLE_INLINE Vec sub(Vec a, Vec b) { return a - b; }
  static RIFFLE_INLINE Vec mul(Vec a, Vec b) { return a * b; }
  static RIFFLE_INLINE Vec div(Vec a, Vec b) { return a / b; }
  static RIFFLE_INLINE Vec sqrt(Vec x) { return xsimd::sqrt(x); }
  /// a * b + c, fused where the instruction set has it.
  static RIFFLE_INLINE Vec fma(Vec a, Vec b, Vec c) { return xsimd::fma(a, b, c); }
  /// A NaN in either is a NaN: NEON's own. x86's maxps gives `b` wherever there is one; see there.
  static RIFFLE_INLINE Vec max(Vec a, Vec b) { return xsimd::max(a, b); }
  /// In this order of operands x86's maxps and minps hand a NaN in `x` through, as NEON's do.
  static RIFFLE_INLINE Vec at_least(Vec x, Vec lower) { return xsimd::max(lower, x); }
  static RIFFLE_INLINE Vec at_most(Vec x, Vec upper) { return xsimd::min(upper, x); }
  static RIFFLE_INLINE Vec clamp(Vec x, Vec lower, Vec upper) { return at_most(at_least(x, lower), upper); }

  /// Of all lanes, by halves.
  static RIFFLE_INLINE float sum(Vec v) {
    alignas(64) float lane[lanes];
    store(lane, v);
    for (int half = lanes / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
    }
    return lane[0];
  }

  /// The first `count` lanes (1 to lanes - 1) from memory, the others zero; touches nothing behind them.
  static RIFFLE_INLINE Vec load_partial(const float* from, int count) { return load_part<XsimdOps>(from, count); }
  static RIFFLE_INLINE void store_partial(float* to, Vec v, int count) { store_part<XsimdOps>(to, v, count); }
};

/// The whole vector or its first `count` lanes.
template <class S>
RIFFLE_INLINE typename S::Vec load_lanes(const typename S::Value* from, int count) {
  return count == S::lanes ? S::load(from) : S::load_partial(from, count);
}
template <class S>
RIFFLE_INLINE void store_lanes(typename S::Value* to, typename S::Vec v, int count) {
  if (count == S::lanes) {
    S::store(to, v);
  } else {
    S::store_partial(to, v, count);
  }
}

}  // namespace riffle::simd
