// As peak_loops.cpp, for an instruction set that has layers of bytes alone: its multiply-adds are those of bytes.
#include "measure/peak_loops.hpp"

#include RIFFLE_PEAK_HEADER

namespace riffle::measure {

namespace {

using B = simd::RIFFLE_PEAK_STRUCT;

/// As many independent sums as the widest register tile has.
constexpr int sums_of_tile = B::max_vectors * B::tile_rows(B::max_vectors);
constexpr int steps = 16;

// Templates, for an instruction set has either of two ways to multiply (kernels/simd/bytes.hpp).

template <class S>
RIFFLE_INLINE typename S::Quads load_quads(const typename S::Byte* from) {
  if constexpr (S::by_lane) {
    return S::load_quads(from);
  } else {
    return S::spread(from);
  }
}

template <class S>
RIFFLE_INLINE typename S::Sums multiply(typename S::Sums sums, typename S::Quads x, typename S::Factors w) {
  if constexpr (S::by_lane) {
    return S::template multiply_lane<0>(sums, x, w);
  } else {
    return S::multiply(sums, x, w);
  }
}

void multiply_add(std::int64_t rounds, Sums& sums) {
  const auto* const bytes = reinterpret_cast<const std::byte*>(&sums);
  const B::Factors w = B::load_factors(bytes);
  const auto x = load_quads<B>(reinterpret_cast<const B::Byte*>(bytes));
  const auto* const words = reinterpret_cast<const std::int32_t*>(&sums);  // from an unknown one each
  static_assert(sums_of_tile + B::lanes <= 64);
  B::Sums acc[sums_of_tile];
  simd::unroll<sums_of_tile>([&](auto i) __attribute__((always_inline)) { acc[i] = B::load_sums(words + i); });
  for (std::int64_t round = 0; round < rounds; ++round) {
    simd::unroll<steps>([&](auto) __attribute__((always_inline)) {
      simd::unroll<sums_of_tile>([&](auto i) __attribute__((always_inline)) { acc[i] = multiply<B>(acc[i], x, w); });
    });
  }
  std::int32_t sum = 0;
  simd::unroll<sums_of_tile>([&](auto i) __attribute__((always_inline)) { sum ^= B::sum(acc[i]); });
  sums[0] = static_cast<float>(sum);
}

void read(const float* from, std::int64_t count, Sums& sums) {
  constexpr int chains = 8;
  static_assert(read_block % (chains * B::lanes) == 0);
  const auto* const words = reinterpret_cast<const std::int32_t*>(from);
  B::Sums acc[chains];
  simd::unroll<chains>([&](auto i) __attribute__((always_inline)) { acc[i] = B::zero(); });
  for (std::int64_t block = 0; block < count; block += chains * B::lanes) {
    simd::unroll<chains>([&](auto i) __attribute__((always_inline)) {
      acc[i] = B::add(acc[i], B::load_sums(words + block + i * B::lanes));
    });
  }
  std::int32_t sum = 0;
  simd::unroll<chains>([&](auto i) __attribute__((always_inline)) { sum ^= B::sum(acc[i]); });
  sums[0] = static_cast<float>(sum);
}

}  // namespace

extern const Loops RIFFLE_PEAK_NAME;
constexpr Loops RIFFLE_PEAK_NAME = {multiply_add, std::int64_t{sums_of_tile} * steps* B::lanes * 4, read};

}  // namespace riffle::measure
