// The body of weight_gradient.hpp.
#pragma once

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/simd/tile.hpp"
#include "kernels/simd/tile_table.hpp"
#include "trainer/kernels/weight_gradient.hpp"

namespace riffle::trainer {

template <class S>
struct WeightGradientBody {
  using Vec = typename S::Vec;
  struct Job {
    const float *x, *dy;
    std::ptrdiff_t x_stride, dy_stride;
    std::int64_t pixels;
    float* gradient;
    std::ptrdiff_t gradient_stride;
    std::int32_t columns;  ///< valid ones
    Prefetcher* prefetcher;
    std::int32_t row;  ///< the tile's first k
  };

  template <int MR, int NV, bool>
  static void run_tile(const Job& job) {
    simd::Tile<S, MR, NV> tile;
    float* const gradient = job.gradient + job.row * job.gradient_stride;
    tile.resume(gradient, job.gradient_stride, job.columns);
    const float* x = job.x + job.row;
    const float* dy = job.dy;
    Prefetcher::Lines lines = job.prefetcher->take(job.pixels, x);
    for (std::int64_t p = 0; p < job.pixels; ++p, x += job.x_stride, dy += job.dy_stride) {
      lines.step();
      if constexpr (S::by_lane) {
        Vec four[(MR + 3) / 4];
        simd::unroll<(MR + 3) / 4>([&](auto i) __attribute__((always_inline)) { four[i] = S::load(x + 4 * i); });
        tile.step(
            dy, [&](auto m, const Vec* row) __attribute__((always_inline)) {
              simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                tile.acc[m][v] = S::template fma_lane<m % 4>(row[v], four[m / 4], tile.acc[m][v]);
              });
            });
      } else {
        tile.multiply(
            dy, [&](auto m) __attribute__((always_inline)) { return S::broadcast(x[m]); });
      }
    }
    constexpr int last = (NV - 1) * S::lanes;
    simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
      float* const to = gradient + m * job.gradient_stride;
      simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) { S::store(to + v * S::lanes, tile.acc[m][v]); });
      simd::store_lanes<S>(to + last, tile.acc[m][NV - 1], job.columns - last);
    });
  }

  /// A panel of so many rows of dy, and the lines of x that a few tiles read, stay in the first-level cache.
  static constexpr std::int64_t near_pixels = 128;

  static void run(const WeightGradientArgs& args, Prefetcher& prefetcher) {
    for (std::int64_t first = 0; first < args.pixels; first += near_pixels) {
      WeightGradientArgs part = args;
      part.x += first * args.x_stride;
      part.dy += first * args.dy_stride;
      part.pixels = args.pixels - first < near_pixels ? args.pixels - first : near_pixels;
      run_near(part, prefetcher);
    }
  }

 private:
  static void run_near(const WeightGradientArgs& args, Prefetcher& prefetcher) {
    static constexpr simd::TileTable<S, WeightGradientBody, false> tiles;
    const std::int32_t vectors = (args.outputs + S::lanes - 1) / S::lanes;
    const std::int32_t panels = kernels::panel_count(args.outputs, S::lanes, S::max_vectors);
    std::int32_t v1 = 0;
    for (std::int32_t panel = 0; panel < panels; ++panel) {
      const std::int32_t v0 = v1;
      v1 = kernels::panel_begin(panel + 1, vectors, panels);
      const std::int32_t column = v0 * S::lanes, behind = v1 * S::lanes;
      Job job{args.x,
              args.dy + column,
              args.x_stride,
              args.dy_stride,
              args.pixels,
              args.gradient + column,
              args.gradient_stride,
              (behind < args.outputs ? behind : args.outputs) - column,
              &prefetcher,
              0};
      tiles.run(job, job.row, v1 - v0, false, 0, args.inputs);
    }
  }
};

}  // namespace riffle::trainer
