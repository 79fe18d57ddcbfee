// The body of dot_products.hpp.
#pragma once

#include "kernels/simd/simd.hpp"
#include "trainer/kernels/dot_products.hpp"

namespace riffle::trainer {

template <class S>
struct DotProducts {
  using Vec = typename S::Vec;

  /// As many sums as a vector has lanes: Outputs of each of some pixels.
  template <int Outputs>
  static RIFFLE_INLINE void run_tile(const DotsArgs& args, std::int32_t first, std::int64_t pixel) {
    constexpr int pixels = S::lanes / Outputs;
    const std::int32_t last = (args.inputs - 1) / S::lanes * S::lanes;
    const std::ptrdiff_t row = last + S::lanes;
    const float* const w = args.packed + first * row;
    const float* x[pixels];
    simd::unroll<pixels>([&](auto m) __attribute__((always_inline)) {
      const std::int64_t p = pixel + m < args.pixels ? pixel + m : args.pixels - 1;
      x[m] = args.x + p * args.x_stride;
    });
    Vec sum[S::lanes];
    const auto step = [&](std::ptrdiff_t from, std::ptrdiff_t at) __attribute__((always_inline)) {
      Vec weight[Outputs];
      simd::unroll<Outputs>([&](auto j) __attribute__((always_inline)) { weight[j] = S::load(w + j * row + at); });
      simd::unroll<pixels>([&](auto m) __attribute__((always_inline)) {
        const Vec value = S::load(x[m] + from);
        simd::unroll<Outputs>([&](auto j) __attribute__((always_inline)) {
          sum[m * Outputs + j] = S::fma(value, weight[j], sum[m * Outputs + j]);
        });
      });
    };
    simd::unroll<S::lanes>([&](auto i) __attribute__((always_inline)) { sum[i] = S::broadcast(0.0F); });
    for (std::ptrdiff_t k = 0; k < last; k += S::lanes) step(k, k);
    step(args.inputs - S::lanes, last);

    alignas(64) float sums[S::lanes];
    S::store(sums, S::sum_each(sum));
    const std::int32_t outputs = args.outputs - first < Outputs ? args.outputs - first : Outputs;
    for (int m = 0; m < pixels && pixel + m < args.pixels; ++m) {
      float* const to = args.y + (pixel + m) * args.y_stride + first;
      for (std::int32_t j = 0; j < outputs; ++j) to[j] = sums[m * Outputs + j] + args.bias[first + j];
    }
  }

  static void run(const DotsArgs& args) {
    const auto all = [&]<int Outputs>(std::integral_constant<int, Outputs>, std::int32_t first)
        __attribute__((always_inline)) {
      for (std::int64_t p = 0; p < args.pixels; p += S::lanes / Outputs) {
        run_tile<Outputs>(args, first, p);
      }
    };
    std::int32_t j = 0;
    for (; j + 2 < args.outputs; j += 4) all(std::integral_constant<int, 4>{}, j);
    if (j < args.outputs) all(std::integral_constant<int, 2>{}, j);
  }

  /// Null where the instruction set does not add up lanes.
  static constexpr Dots function() {
    if constexpr (requires(Vec rows[S::lanes]) { S::sum_each(rows); }) {
      return run;
    } else {
      return nullptr;
    }
  }
};

}  // namespace riffle::trainer
