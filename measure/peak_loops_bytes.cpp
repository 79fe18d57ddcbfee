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

template <class S>
struct MultiplyAdds {
  static constexpr std::int64_t macs = std::int64_t{sums_of_tile} * steps * S::lanes * 4;

  static void run(std::int64_t rounds, Sums& sums) {
    const auto* const bytes = reinterpret_cast<const std::byte*>(&sums);
    const typename S::Factors w = S::load_factors(bytes);
    const auto x = load_quads<S>(reinterpret_cast<const typename S::Byte*>(bytes));
    const auto* const words = reinterpret_cast<const std::int32_t*>(&sums);  // from an unknown one each
    static_assert(sums_of_tile + S::lanes <= 64);
    typename S::Sums acc[sums_of_tile];
    simd::unroll<sums_of_tile>([&](auto i) __attribute__((always_inline)) { acc[i] = S::load_sums(words + i); });
    for (std::int64_t round = 0; round < rounds; ++round) {
      simd::unroll<steps>([&](auto) __attribute__((always_inline)) {
        simd::unroll<sums_of_tile>([&](auto i) __attribute__((always_inline)) { acc[i] = multiply<S>(acc[i], x, w); });
      });
    }
    std::int32_t sum = 0;
    simd::unroll<sums_of_tile>([&](auto i) __attribute__((always_inline)) { sum ^= S::sum(acc[i]); });
    sums[0] = static_cast<float>(sum);
  }
};

/// Of what multiplies matrices: a product whose inputs stay in the first-level cache.
template <class S>
requires requires { typename S::Product; }
struct MultiplyAdds<S> {
  using Product = typename S::Product;
  static constexpr std::int32_t quads = 256, vectors = 2;
  static constexpr std::int64_t macs = std::int64_t{Product::most_pixels} * vectors * S::lanes * quads * 4;

  static void run(std::int64_t rounds, Sums& sums) {
    alignas(64)
        std::byte x[(Product::most_pixels + quads / 16) * 64] = {};  // a pixel has most of the next one's inputs
    alignas(64) std::byte w[quads * vectors * 64] = {};
    alignas(64) typename Product::Sums products;
    const Product product(Product::most_pixels, quads);
    for (std::int64_t round = 0; round < rounds; ++round) {
      product.run(x, 64, w, vectors, products, [](std::int32_t, std::int32_t, std::int32_t) {});
    }
    sums[0] = static_cast<float>(products[0][0]);
  }
};

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
constexpr Loops RIFFLE_PEAK_NAME = {MultiplyAdds<B>::run, MultiplyAdds<B>::macs, read};

}  // namespace riffle::measure
