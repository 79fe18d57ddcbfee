// Compiled once an instruction set, with its flags: RIFFLE_PEAK_HEADER, RIFFLE_PEAK_STRUCT and RIFFLE_PEAK_NAME say
// which. Like a kernel body it calls nothing that another object file could share.
#include "bench/peak.hpp"

#include RIFFLE_PEAK_HEADER

namespace riffle::bench {

namespace {

using S = simd::RIFFLE_PEAK_STRUCT;

/// As many independent sums as the widest register tile has.
constexpr int sums = S::max_vectors * S::tile_rows(S::max_vectors);
constexpr int steps = 16;

void run(std::int64_t rounds, float (&floats)[64]) {
  static_assert(sums <= 64);
  // x = a x + b stays near 1, where no CPU is slow.
  const S::Vec a = S::broadcast(0.5F), b = S::broadcast(0.5F);
  S::Vec x[sums];
  simd::unroll<sums>([&](auto i) __attribute__((always_inline)) { x[i] = S::broadcast(1.0F + floats[i]); });
  for (std::int64_t round = 0; round < rounds; ++round) {
    simd::unroll<steps>([&](auto) __attribute__((always_inline)) {
      simd::unroll<sums>([&](auto i) __attribute__((always_inline)) { x[i] = S::fma(x[i], a, b); });
    });
  }
  S::Vec sum = x[0];
  simd::unroll<sums - 1>([&](auto i) __attribute__((always_inline)) { sum = S::add(sum, x[i + 1]); });
  S::store(floats, sum);
}

}  // namespace

extern const Peak RIFFLE_PEAK_NAME;
constexpr Peak RIFFLE_PEAK_NAME = {run, static_cast<std::int64_t>(sums) * steps* S::lanes};

}  // namespace riffle::bench
