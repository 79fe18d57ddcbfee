// The one body of the fully connected kernel; see fully_connected.hpp for the equation and the packing.
#pragma once

#include <array>

#include "kernels/fully_connected/fully_connected.hpp"
#include "kernels/pointwise/pointwise.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

template <class S>
struct FullyConnected {
  using Vec = typename S::Vec;

  /// Accumulators that keep the multiply-adds from waiting for one another.
  static constexpr int accumulators = 8;
  static constexpr int max_vectors = S::tile_rows(S::max_vectors) * S::max_vectors >= 2 * accumulators ? 8 : 4;

  using PanelFunction = void (*)(const FullyConnectedArgs&, const Memory&, const float*, float*, int);

  /// One panel, NV vectors wide. A narrow one cuts k into `Chains` interleaved sums.
  template <int NV>
  static void run_panel(const FullyConnectedArgs& args, const Memory& memory, const float* panel, float* out,
                        int columns) {
    constexpr int chains = NV >= accumulators ? 1 : NV * 2 >= accumulators ? 2 : 4;
    Vec acc[chains][NV];
    simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
      acc[0][v] = S::load(panel + v * S::lanes);
      simd::unroll<chains - 1>([&](auto c) __attribute__((always_inline)) { acc[c + 1][v] = S::broadcast(0); });
    });
    const float* w = panel + NV * S::lanes;
    // One k: its weights come together, so that ARM loads them in pairs.
    const auto multiply = [&](auto chain, auto&& fma) __attribute__((always_inline)) {
      Vec row[NV];
      simd::unroll<NV>([&](auto v) __attribute__((always_inline)) { row[v] = S::load(w + v * S::lanes); });
      simd::unroll<NV>([&](auto v) __attribute__((always_inline)) { acc[chain][v] = fma(row[v], acc[chain][v]); });
      w += NV * S::lanes;
    };
    const auto multiply_broadcast = [&](auto chain, const float* x) __attribute__((always_inline)) {
      const Vec b = S::broadcast(*x);
      multiply(
          chain, [&](Vec weight, Vec sum) __attribute__((always_inline)) { return S::fma(b, weight, sum); });
    };

    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const float* x = memory.read(args.runs[r].first);
      std::int32_t n = args.runs[r].channels;
      if constexpr (requires { S::multiply_panel(NV); }) {
        // The instruction set's own; all fours into one sum.
        if (const auto function = S::multiply_panel(NV); function != nullptr && n >= 4) {
          alignas(64) float sums[NV * S::lanes];
          simd::unroll<NV>([&](auto v) __attribute__((always_inline)) { S::store(sums + v * S::lanes, acc[0][v]); });
          const std::int32_t fours = n / 4;
          function(sums, x, fours, w);
          simd::unroll<NV>([&](auto v) __attribute__((always_inline)) { acc[0][v] = S::load(sums + v * S::lanes); });
          x += fours * 4;
          w += fours * 4 * NV * S::lanes;
          n -= fours * 4;
        }
      }
      if constexpr (S::by_lane) {
        for (; n >= 4; n -= 4, x += 4) {
          const Vec four = S::load(x);
          simd::unroll<4>([&](auto lane) __attribute__((always_inline)) {
            multiply(
                std::integral_constant<int, lane % chains>{}, [&](Vec weight, Vec sum) __attribute__((always_inline)) {
                  return S::template fma_lane<lane>(weight, four, sum);
                });
          });
        }
      } else {
        for (; n >= chains; n -= chains, x += chains) {
          simd::unroll<chains>([&](auto c) __attribute__((always_inline)) { multiply_broadcast(c, x + c); });
        }
      }
      for (; n > 0; --n, ++x) multiply_broadcast(std::integral_constant<int, 0>{}, x);
    }

    const Vec lower = S::broadcast(args.clamp.lower), upper = S::broadcast(args.clamp.upper);
    simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
      Vec sum = acc[0][v];
      simd::unroll<chains - 1>([&](auto c) __attribute__((always_inline)) { sum = S::add(sum, acc[c + 1][v]); });
      const int count = v < NV - 1 ? S::lanes : columns - (NV - 1) * S::lanes;
      simd::store_lanes<S>(out + v * S::lanes, S::clamp(sum, lower, upper), count);
    });
  }

  static constexpr auto make_panels() {
    return []<int... I>(std::integer_sequence<int, I...>) {
      return std::array<PanelFunction, max_vectors>{run_panel<I + 1>...};
    }
    (std::make_integer_sequence<int, max_vectors>{});
  }

  static void run(const FullyConnectedArgs& args, const Memory& memory, TileRange range) {
    static constexpr auto functions = make_panels();
    const std::int32_t vectors = (args.outputs + S::lanes - 1) / S::lanes;
    const std::int32_t panels = panel_count(args.outputs, S::lanes, max_vectors);
    const std::int64_t vector_size = static_cast<std::int64_t>(args.inputs + 1) * S::lanes;
    for (std::int32_t panel = range.first; panel < range.last; ++panel) {
      const std::int32_t v0 = panel_begin(panel, vectors, panels), v1 = panel_begin(panel + 1, vectors, panels);
      const std::int32_t column = v0 * S::lanes;
      const std::int32_t end = v1 * S::lanes < args.outputs ? v1 * S::lanes : args.outputs;
      functions[static_cast<std::size_t>(v1 - v0 - 1)](args, memory, args.packed + v0 * vector_size,
                                                       memory.write(args.output) + column, end - column);
    }
  }

  static constexpr FullyConnectedKernel kernel(const char* name) { return {name, S::lanes, max_vectors, run}; }
};

}  // namespace riffle::kernels
