// The body of adam.hpp.
#pragma once

#include <limits>
#include <type_traits>

#include "kernels/simd/simd.hpp"
#include "trainer/kernels/adam.hpp"

namespace riffle::trainer {

/// Zero instead of a denormal. (select and abs are xsimd's, found by their arguments, as in gather_scatter_body.hpp.)
template <class S>
RIFFLE_INLINE typename S::Vec flushed_lanes(typename S::Vec x) {
  constexpr float least = std::numeric_limits<float>::min();
  if constexpr (std::is_same_v<typename S::Vec, float>) {
    return x < least && x > -least ? 0.0F : x;
  } else {
    return select(abs(x) < S::broadcast(least), S::broadcast(0.0F), x);
  }
}

template <class S>
struct AdamStep {
  using Vec = typename S::Vec;

  static void run(float* p, const float* gradient, float* average, float* square_average, std::size_t count,
                  const AdamCoefficients& coefficients) {
    const Vec coupled_decay = S::broadcast(coefficients.coupled_decay), kept = S::broadcast(coefficients.kept),
              beta1 = S::broadcast(coefficients.beta1), rest1 = S::broadcast(coefficients.rest1),
              beta2 = S::broadcast(coefficients.beta2), rest2 = S::broadcast(coefficients.rest2),
              inverse_correction = S::broadcast(coefficients.inverse_correction),
              step_size = S::broadcast(-coefficients.step_size), epsilon = S::broadcast(coefficients.epsilon);
    // Every product that is added is a multiply-add: none is left for the compiler to fuse in one place and not in
    // another.
    const auto update = [&](std::size_t i, int lanes) __attribute__((always_inline)) {
      const Vec value = simd::load_lanes<S>(p + i, lanes);
      const Vec g = S::fma(coupled_decay, value, simd::load_lanes<S>(gradient + i, lanes));
      const Vec m = flushed_lanes<S>(S::fma(beta1, simd::load_lanes<S>(average + i, lanes), S::mul(rest1, g)));
      const Vec v =
          flushed_lanes<S>(S::fma(beta2, simd::load_lanes<S>(square_average + i, lanes), S::mul(S::mul(rest2, g), g)));
      simd::store_lanes<S>(average + i, m, lanes);
      simd::store_lanes<S>(square_average + i, v, lanes);
      const Vec change = S::div(S::mul(step_size, m), S::fma(S::sqrt(v), inverse_correction, epsilon));
      simd::store_lanes<S>(p + i, S::fma(kept, value, change), lanes);
    };
    constexpr std::size_t whole = S::lanes;
    std::size_t i = 0;
    for (; i + whole <= count; i += whole) update(i, S::lanes);
    if (i < count) update(i, static_cast<int>(count - i));
  }
};

}  // namespace riffle::trainer
