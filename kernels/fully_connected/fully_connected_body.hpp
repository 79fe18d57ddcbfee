// The one body of the fully connected kernel; see fully_connected.hpp for the equation and the order of the weights.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/fully_connected/fully_connected.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

/// `Out`: what the results are; `Stored`: what the weights are.
template <class S, class Out = typename S::Value, class Stored = typename S::Value>
struct FullyConnected {
  using Vec = typename S::Vec;
  using Value = typename S::Value;
  static constexpr bool widens = !std::is_same_v<Stored, Value>;

  /// As many sums as keep the multiply-adds from waiting for one another.
  static constexpr int rows = 8;

  static RIFFLE_INLINE Vec load_weights(const Stored* from) {
    if constexpr (widens) {
      return S::load_f16(&from->bits);
    } else {
      return S::load(from);
    }
  }

  static void run_tile(const FullyConnectedArgs& args, const Addresses& memory, std::int32_t first) {
    const std::int32_t count = std::min(rows, args.outputs - first);
    const Stored* w[rows];
    alignas(64) float sums[rows];  // the bias, and what does not fill a vector
    for (std::int32_t r = 0; r < rows; ++r) {
      const std::int32_t row = first + std::min(r, count - 1);  // in place of one that there is not, the last one
      w[r] = static_cast<const Stored*>(args.packed) + static_cast<std::ptrdiff_t>(row) * args.inputs;
      sums[r] = args.bias == nullptr ? 0 : args.bias[row];
    }
    Vec acc[rows];
    simd::unroll<rows>([&](auto r) __attribute__((always_inline)) { acc[r] = S::broadcast(0); });

    for (std::int32_t run = 0; run < args.run_count; ++run) {
      const Value* x = memory.read<Value>(args.runs[run].first);
      std::int32_t n = args.runs[run].channels;
      if constexpr (!widens && requires { S::multiply_rows(); }) {
        // The instruction set's own.
        if (const std::int32_t fours = n / (4 * S::lanes); fours > 0) {
          S::multiply_rows()(sums, x, fours, w);
          const std::int32_t done = fours * 4 * S::lanes;
          for (const Stored*& row : w) row += done;
          x += done;
          n -= done;
        }
      }
      if constexpr (requires { S::dot_numbers; }) {
        for (; n >= S::dot_numbers; n -= S::dot_numbers, x += S::dot_numbers) {
          simd::unroll<rows>([&](auto r) __attribute__((always_inline)) {
            acc[r] = S::multiply_neighbours(acc[r], x, w[r]);
            w[r] += S::dot_numbers;
          });
        }
      }
      for (; n >= S::lanes; n -= S::lanes, x += S::lanes) {
        const Vec in = S::load(x);
        simd::unroll<rows>([&](auto r) __attribute__((always_inline)) {
          acc[r] = S::fma(load_weights(w[r]), in, acc[r]);
          w[r] += S::lanes;
        });
      }
      for (; n > 0; --n, ++x) {
        for (std::int32_t r = 0; r < rows; ++r) sums[r] += static_cast<float>(*w[r]++) * static_cast<float>(*x);
      }
    }

    simd::unroll<rows>([&](auto r) __attribute__((always_inline)) { sums[r] += S::sum(acc[r]); });
    Out* const out = memory.write<Out>(args.output.first) + first;
    for (std::int32_t r = 0; r < count; ++r) {
      const float above = args.clamp.lower > sums[r] ? args.clamp.lower : sums[r];  // a NaN stays one
      out[r] = static_cast<Out>(args.clamp.upper < above ? args.clamp.upper : above);
    }
  }

  static void run(const FullyConnectedArgs& args, const Addresses& memory, TileRange range) {
    for (std::int32_t tile = range.first; tile < range.last; ++tile) run_tile(args, memory, tile * rows);
  }

  static constexpr FullyConnectedKernel kernel(const char* name) {
    return {name, {S::type, simd::type_of<Stored>, simd::type_of<Out>}, rows, run};
  }
};

}  // namespace riffle::kernels
