// The one body of the pointwise kernel; see pointwise.hpp for the equation and the packing.
#pragma once

#include <array>

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/simd/tile.hpp"

namespace riffle::kernels {

/// Adds the residual, clamps and stores a finished register tile. `columns` is the number of valid output columns.
template <class S, int MR, int NV>
RIFFLE_INLINE void store_tile(const simd::Tile<S, MR, NV>& tile, const ResidualVector* residual, const Clamp& clamp,
                              const Memory& memory, std::int32_t pixel, float* out, std::ptrdiff_t out_stride,
                              int columns) {
  using Vec = typename S::Vec;
  const Vec lower = S::broadcast(clamp.lower), upper = S::broadcast(clamp.upper);
  simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
    const int count = v == NV - 1 ? columns - (NV - 1) * S::lanes : S::lanes;
    float* to = out + v * S::lanes;
    const auto finish = [&](auto&& added) __attribute__((always_inline)) {
      simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
        const Vec result = S::clamp(added(m), lower, upper);
        if (v < NV - 1) {
          S::store(to + m * out_stride, result);
        } else {
          simd::store_lanes<S>(to + m * out_stride, result, count);
        }
      });
    };
    if (residual == nullptr) {
      finish([&](auto m) __attribute__((always_inline)) { return tile.acc[m][v]; });
    } else if (const Run& run = residual[v].run; run.channels != 0) {
      const float* from = memory.read(run.first) + static_cast<std::ptrdiff_t>(pixel) * run.pixel_stride;
      finish([&](auto m) __attribute__((always_inline)) {
        return S::add(tile.acc[m][v], simd::load_lanes<S>(from + m * static_cast<std::ptrdiff_t>(run.pixel_stride),
                                                          v < NV - 1 ? S::lanes : count));
      });
    } else {
      const Run* column = residual[v].columns;
      finish([&](auto m) __attribute__((always_inline)) {
        alignas(64) float lane[S::lanes] = {};
        for (int i = 0; i < count; ++i) {
          lane[i] = memory.read(column[i].first)[static_cast<std::ptrdiff_t>(pixel + m) * column[i].pixel_stride];
        }
        return S::add(tile.acc[m][v], S::load(lane));
      });
    }
  });
}

template <class S>
struct Pointwise {
  /// What one register tile needs to know.
  struct Job {
    const PointwiseArgs* args;
    const Memory* memory;
    const Run* runs;
    std::int32_t run_count;
    const float* panel;  ///< bias, then K rows
    const ResidualVector* residual;
    std::int32_t pixel;
    std::int32_t column;  ///< among all groups' outputs
    std::int32_t columns;
  };
  using TileFunction = void (*)(const Job&);

  template <int MR, int NV>
  static void run_tile(const Job& job) {
    simd::Tile<S, MR, NV> tile;
    tile.start(job.panel);
    const float* w = job.panel + NV * S::lanes;
    for (std::int32_t r = 0; r < job.run_count; ++r) {
      const Run& run = job.runs[r];
      const std::ptrdiff_t stride = run.pixel_stride;
      tile.accumulate(simd::Strided{job.memory->read(run.first) + job.pixel * stride, stride}, run.channels, w);
    }
    const Block& output = job.args->output;
    const std::ptrdiff_t stride = output.pixel_stride;
    store_tile(tile, job.residual, job.args->clamp, *job.memory, job.pixel,
               job.memory->write(output.first) + job.pixel * stride + job.column, stride, job.columns);
  }

  static constexpr int most_rows() {
    int most = 0;
    for (int nv = 1; nv <= S::max_vectors; ++nv) most = S::tile_rows(nv) > most ? S::tile_rows(nv) : most;
    return most;
  }

  /// The tile functions of panels NV wide, by rows - 1.
  template <int NV>
  static constexpr auto tiles_of_width() {
    std::array<TileFunction, most_rows()> row{};
    [&]<int... I>(std::integer_sequence<int, I...>) { ((row[I] = run_tile<I + 1, NV>), ...); }
    (std::make_integer_sequence<int, S::tile_rows(NV)>{});
    return row;
  }
  static constexpr auto make_tiles() {
    std::array<std::array<TileFunction, most_rows()>, S::max_vectors> all{};
    [&]<int... I>(std::integer_sequence<int, I...>) { ((all[I] = tiles_of_width<I + 1>()), ...); }
    (std::make_integer_sequence<int, S::max_vectors>{});
    return all;
  }

  /// Pixels [begin, end) of one panel, cut into register tiles of even height: 49 pixels are 4 x 6 + 5 x 5, not 8 x 6
  /// and a lone one that costs as much as three.
  static RIFFLE_INLINE void run_panel(Job& job, int vectors, std::int32_t begin, std::int32_t end,
                                      const TileFunction* tiles) {
    const std::int32_t rows = S::tile_rows(vectors), pixels = end - begin;
    const std::int32_t blocks = (pixels + rows - 1) / rows;
    const std::int32_t low = pixels / blocks, more = pixels % blocks;
    job.pixel = begin;
    for (std::int32_t b = 0; b < blocks; ++b) {
      const std::int32_t height = low + (b < more ? 1 : 0);
      tiles[height - 1](job);
      job.pixel += height;
    }
  }

  static void run(const PointwiseArgs& args, const Memory& memory, TileRange range) {
    static constexpr auto tiles = make_tiles();
    const std::int32_t vectors = (args.outputs + S::lanes - 1) / S::lanes;
    const std::int32_t panels = panel_count(args.outputs, S::lanes, S::max_vectors);
    const std::int32_t pixel_tiles = (args.pixels + args.tile_pixels - 1) / args.tile_pixels;
    const std::int64_t vector_size = static_cast<std::int64_t>(args.inputs + 1) * S::lanes;
    for (std::int32_t t = range.first; t < range.last; ++t) {
      const std::int32_t begin = t % pixel_tiles * args.tile_pixels;
      const std::int32_t end = begin + args.tile_pixels < args.pixels ? begin + args.tile_pixels : args.pixels;
      const std::int32_t first_panel = t / pixel_tiles * args.tile_panels;
      const std::int32_t last_panel = first_panel + args.tile_panels < panels ? first_panel + args.tile_panels : panels;
      for (std::int32_t group = 0; group < args.groups; ++group) {
        Job job{&args,
                &memory,
                args.runs + args.run_begin[group],
                args.run_begin[group + 1] - args.run_begin[group],
                nullptr,
                nullptr,
                0,
                0,
                0};
        for (std::int32_t panel = first_panel; panel < last_panel; ++panel) {
          const std::int32_t v0 = panel_begin(panel, vectors, panels), v1 = panel_begin(panel + 1, vectors, panels);
          job.panel = args.packed + (static_cast<std::int64_t>(group) * vectors + v0) * vector_size;
          job.residual = args.residual == nullptr ? nullptr : args.residual + group * vectors + v0;
          job.column = group * args.outputs + v0 * S::lanes;
          job.columns = (v1 * S::lanes < args.outputs ? v1 * S::lanes : args.outputs) - v0 * S::lanes;
          run_panel(job, v1 - v0, begin, end, tiles[static_cast<std::size_t>(v1 - v0 - 1)].data());
        }
      }
    }
  }

  static constexpr PointwiseKernel kernel(const char* name) { return {name, S::lanes, S::max_vectors, run}; }
};

}  // namespace riffle::kernels
