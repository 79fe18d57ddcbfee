// No vectors at all: one float. Runs on any CPU, and is the yardstick for the others.
#pragma once

#include "kernels/simd/bytes.hpp"

namespace riffle::simd {

struct Scalar {
  using Bytes = ScalarBytes;
  using Value = float;
  using Weight = float;
  static constexpr Type type = Type::f32;
  using Vec = float;
  static constexpr const char* name = "scalar";
  static constexpr int lanes = 1;
  static constexpr bool by_lane = false;
  static constexpr bool pairs_halves = false;
  static constexpr bool converts_f16 = false;
  static constexpr bool serves_halves = false, serves_bfloats = false;
  static constexpr int max_vectors = 4;
  static constexpr int tile_rows(int) { return 2; }

  static RIFFLE_INLINE Vec load(const float* from) { return *from; }
  static RIFFLE_INLINE void store(float* to, Vec v) { *to = v; }
  static RIFFLE_INLINE Vec broadcast(float x) { return x; }
  using Integers = std::int32_t;
  static RIFFLE_INLINE Integers load_integers(const std::int32_t* from) { return *from; }
  static RIFFLE_INLINE Vec from_byte(Integers v, int byte) { return static_cast<float>(v & (255 << (8 * byte))); }
  static RIFFLE_INLINE Vec add(Vec a, Vec b) { return a + b; }
  static RIFFLE_INLINE Vec sub(Vec a, Vec b) { return a - b; }
  static RIFFLE_INLINE Vec mul(Vec a, Vec b) { return a * b; }
  static RIFFLE_INLINE Vec div(Vec a, Vec b) { return a / b; }
  static RIFFLE_INLINE Vec sqrt(Vec x) { return __builtin_sqrtf(x); }
  static RIFFLE_INLINE Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
  /// A NaN in either is a NaN.
  static RIFFLE_INLINE Vec max(Vec a, Vec b) { return a > b || a != a ? a : b; }
  static RIFFLE_INLINE float sum(Vec v) { return v; }
  static RIFFLE_INLINE Vec at_least(Vec x, Vec lower) { return lower > x ? lower : x; }
  static RIFFLE_INLINE Vec at_most(Vec x, Vec upper) { return upper < x ? upper : x; }
  static RIFFLE_INLINE Vec clamp(Vec x, Vec lower, Vec upper) { return at_most(at_least(x, lower), upper); }
  static RIFFLE_INLINE Vec load_partial(const float* from, int) { return *from; }  // never called: one lane is whole
  static RIFFLE_INLINE void store_partial(float* to, Vec v, int) { *to = v; }
};

}  // namespace riffle::simd
