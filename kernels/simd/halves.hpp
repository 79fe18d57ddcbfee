// Numbers that stand as halves and are computed as floats: an instruction set's vectors of floats, loaded from f16 and
// stored as f16.
#pragma once

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

template <class S>
struct HalvesAsFloats : S {
  using Value = kernels::Half;
  using Vec = typename S::Vec;
  static constexpr Type type = Type::f16;
  static constexpr bool pairs_halves = false;

  // Those in assembly are of floats.
  static void strip(int, int) = delete;
  static void depthwise_rows(int, int) = delete;
  static void pool_row(bool) = delete;
  static void multiply_rows() = delete;

  static RIFFLE_INLINE Vec load(const Value* from) { return S::load_f16(&from->bits); }
  static RIFFLE_INLINE void store(Value* to, Vec v) { S::store_f16(&to->bits, v); }
  static RIFFLE_INLINE Vec load_partial(const Value* from, int count) {
    Value all[S::lanes] = {};
    for (int i = 0; i < count; ++i) all[i] = from[i];
    return load(all);
  }
  static RIFFLE_INLINE void store_partial(Value* to, Vec v, int count) {
    Value all[S::lanes];
    store(all, v);
    for (int i = 0; i < count; ++i) to[i] = all[i];
  }
};

}  // namespace riffle::simd
