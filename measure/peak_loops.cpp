// Compiled once an instruction set, with its flags: RIFFLE_PEAK_HEADER, RIFFLE_PEAK_STRUCT and RIFFLE_PEAK_NAME say
// which. Like a kernel body it calls nothing that another object file could share.
#include "measure/peak_loops.hpp"

#include RIFFLE_PEAK_HEADER

namespace riffle::measure {

namespace {

using S = simd::RIFFLE_PEAK_STRUCT;
using Value = S::Value;

/// As many independent sums as the widest register tile has.
constexpr int sums_of_tile = S::max_vectors * S::tile_rows(S::max_vectors);
constexpr int steps = 16;

/// Where the compiler has to keep it.
RIFFLE_INLINE void store(S::Vec v, Sums& sums) {
  alignas(64) Value lanes[S::lanes];
  S::store(lanes, v);
  for (int i = 0; i < S::lanes; ++i) sums[i] = static_cast<float>(lanes[i]);
}

void multiply_add(std::int64_t rounds, Sums& sums) {
  static_assert(sums_of_tile <= 64);
  // x = a x + b stays near 1, where no CPU is slow.
  const S::Vec a = S::broadcast(0.5F), b = S::broadcast(0.5F);
  S::Vec x[sums_of_tile];
  simd::unroll<sums_of_tile>([&](auto i) __attribute__((always_inline)) { x[i] = S::broadcast(1.0F + sums[i]); });
  for (std::int64_t round = 0; round < rounds; ++round) {
    simd::unroll<steps>([&](auto) __attribute__((always_inline)) {
      simd::unroll<sums_of_tile>([&](auto i) __attribute__((always_inline)) { x[i] = S::fma(x[i], a, b); });
    });
  }
  S::Vec sum = x[0];
  simd::unroll<sums_of_tile - 1>([&](auto i) __attribute__((always_inline)) { sum = S::add(sum, x[i + 1]); });
  store(sum, sums);
}

void read(const float* floats, std::int64_t count, Sums& sums) {
  const auto* const from = reinterpret_cast<const Value*>(floats);
  count *= sizeof(float) / sizeof(Value);
  // Two loads a cycle and an addition of four cycles keep eight sums busy.
  constexpr int chains = 8;
  static_assert(read_block * sizeof(float) % (chains * S::lanes * sizeof(Value)) == 0);
  S::Vec x[chains];
  simd::unroll<chains>([&](auto i) __attribute__((always_inline)) { x[i] = S::broadcast(sums[i]); });
  for (std::int64_t block = 0; block < count; block += chains * S::lanes) {
    simd::unroll<chains>([&](auto i) __attribute__((always_inline)) {
      x[i] = S::add(x[i], S::load(from + block + i * S::lanes));
    });
  }
  simd::unroll<chains - 1>([&](auto i) __attribute__((always_inline)) { x[0] = S::add(x[0], x[i + 1]); });
  store(x[0], sums);
}

}  // namespace

extern const Loops RIFFLE_PEAK_NAME;
constexpr Loops RIFFLE_PEAK_NAME = {multiply_add, static_cast<std::int64_t>(sums_of_tile) * steps* S::lanes, read};

}  // namespace riffle::measure
