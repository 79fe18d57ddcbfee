// e^x, a vector at a time.
#pragma once

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

/// Within 2 units in the last place; 0 and infinity where the result is too small or too large, a NaN stays a NaN.
template <class S>
RIFFLE_INLINE typename S::Vec exp(typename S::Vec x) {
  if constexpr (S::lanes == 1) {
    return __builtin_expf(x);
  } else {
    return xsimd::exp(x);
  }
}

}  // namespace riffle::simd
