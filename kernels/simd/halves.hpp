// Numbers that stand in 16 bits and are computed as floats: an instruction set's vectors of floats, loaded from f16 or
// bf16 and stored as such.
#pragma once

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

template <class S>
struct HalvesAsFloats : S {
  using Value = kernels::Half;
  using Vec = typename S::Vec;
  static constexpr Type type = Type::f16;

  using S::broadcast;
  static RIFFLE_INLINE Vec broadcast(Value x) { return S::broadcast(static_cast<float>(x)); }
  static RIFFLE_INLINE Vec load(const Value* from) { return S::load_f16(&from->bits); }
  static RIFFLE_INLINE void store(Value* to, Vec v) { S::store_f16(&to->bits, v); }
  static RIFFLE_INLINE Vec load_partial(const Value* from, int count) { return load_part<HalvesAsFloats>(from, count); }
  static RIFFLE_INLINE void store_partial(Value* to, Vec v, int count) { store_part<HalvesAsFloats>(to, v, count); }
};

/// Number by number, which compilers make vectors of.
template <class S>
struct BfloatsAsFloats : S {
  using Value = kernels::Bfloat;
  using Vec = typename S::Vec;
  static constexpr Type type = Type::bf16;

  static RIFFLE_INLINE Vec load(const Value* from) { return load_partial(from, S::lanes); }
  static RIFFLE_INLINE void store(Value* to, Vec v) { store_partial(to, v, S::lanes); }
  static RIFFLE_INLINE Vec load_partial(const Value* from, int count) {
    alignas(64) float lanes[S::lanes] = {};
    for (int i = 0; i < count; ++i) lanes[i] = static_cast<float>(from[i]);
    return S::load(lanes);
  }
  static RIFFLE_INLINE void store_partial(Value* to, Vec v, int count) {
    alignas(64) float lanes[S::lanes];
    S::store(lanes, v);
    for (int i = 0; i < count; ++i) to[i] = Value(lanes[i]);
  }
};

}  // namespace riffle::simd
