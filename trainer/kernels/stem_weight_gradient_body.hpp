// The body of stem_weight_gradient.hpp: the tile of WeightGradientBody, whose rows are taps.
#pragma once

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/simd/tile.hpp"
#include "kernels/simd/tile_table.hpp"
#include "trainer/kernels/stem_weight_gradient.hpp"

namespace riffle::trainer {

template <class S>
struct StemWeightGradientBody {
  using Vec = typename S::Vec;
  struct Job {
    const StemWeightGradientArgs* args;
    std::int32_t column;   ///< the panel's first
    std::int32_t columns;  ///< valid ones
    std::int32_t tap;      ///< the tile's first
  };

  template <int NV>
  static RIFFLE_INLINE void load(Vec (&to)[NV], const float* from, int columns) {
    simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) { to[v] = S::load(from + v * S::lanes); });
    to[NV - 1] = simd::load_lanes<S>(from + (NV - 1) * S::lanes, columns - (NV - 1) * S::lanes);
  }

  template <int MR, int NV, bool>
  static void run_tile(const Job& job) {
    const StemWeightGradientArgs& args = *job.args;
    float* const gradient = args.gradient + job.tap * args.gradient_stride + job.column;
    simd::Tile<S, MR, NV> tile;
    tile.resume(gradient, args.gradient_stride, job.columns);
    Vec a[NV], b[NV], k[NV];
    load<NV>(a, args.dy.a + job.column, job.columns);
    load<NV>(b, args.dy.b + job.column, job.columns);
    load<NV>(k, args.dy.k + job.column, job.columns);
    const float* x[MR];
    simd::unroll<MR>([&](auto m) __attribute__((always_inline)) { x[m] = args.x + args.taps[job.tap + m]; });
    const float* g = args.dy.gradient + job.column;
    const float* y = args.dy.y + job.column;
    const std::ptrdiff_t step = args.step, end = args.pixels * step;
    for (std::ptrdiff_t p = 0; p < end; p += step, g += args.dy.pixel_stride, y += args.dy.pixel_stride) {
      Vec dy[NV];
      simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
        dy[v] = S::fma(S::load(g + v * S::lanes), a[v], S::fma(S::load(y + v * S::lanes), b[v], k[v]));
      });
      simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
        const Vec value = S::broadcast(x[m][p]);
        simd::unroll<NV>([&](auto v)
                             __attribute__((always_inline)) { tile.acc[m][v] = S::fma(value, dy[v], tile.acc[m][v]); });
      });
    }
    simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
      float* const to = gradient + m * args.gradient_stride;
      constexpr int last = (NV - 1) * S::lanes;
      simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) { S::store(to + v * S::lanes, tile.acc[m][v]); });
      simd::store_lanes<S>(to + last, tile.acc[m][NV - 1], job.columns - last);
    });
  }

  static void run(const StemWeightGradientArgs& args) {
    static constexpr simd::TileTable<S, StemWeightGradientBody, false> tiles;
    const std::int32_t channels = args.dy.channels, vectors = (channels + S::lanes - 1) / S::lanes;
    const std::int32_t panels = kernels::panel_count(channels, S::lanes, S::max_vectors);
    std::int32_t v1 = 0;
    for (std::int32_t panel = 0; panel < panels; ++panel) {
      const std::int32_t v0 = v1;
      v1 = kernels::panel_begin(panel + 1, vectors, panels);
      const std::int32_t column = v0 * S::lanes, behind = v1 * S::lanes;
      Job job{&args, column, (behind < channels ? behind : channels) - column, 0};
      tiles.run(job, job.tap, v1 - v0, false, 0, args.tap_count);
    }
  }
};

}  // namespace riffle::trainer
