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

  static RIFFLE_INLINE Vec load(const Value* from) { return S::load_f16(&from->bits); }
  static RIFFLE_INLINE void store(Value* to, Vec v) { S::store_f16(&to->bits, v); }
  static RIFFLE_INLINE Vec load_partial(const Value* from, int count) { return load_part<HalvesAsFloats>(from, count); }
  static RIFFLE_INLINE void store_partial(Value* to, Vec v, int count) { store_part<HalvesAsFloats>(to, v, count); }
};

}  // namespace riffle::simd
