// The one body of the pointwise kernel; see pointwise.hpp for the equation and the packing.
#pragma once

#include <type_traits>

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/simd/strip.hpp"
#include "kernels/simd/tile.hpp"
#include "kernels/simd/tile_table.hpp"

namespace riffle::kernels {

/// One vector of residuals whose columns are scattered, for `rows` pixels, as rows of `lanes` floats. Out of line: it
/// is rare, and there would be a copy of it for every vector of every register tile.
template <class S>
__attribute__((noinline)) void gather_residual(const Run* columns, int count, const Memory& memory, std::int32_t pixel,
                                               int rows, float* to) {
  for (int i = 0; i < count; ++i) {
    const float* from = memory.read(columns[i].first) + static_cast<std::ptrdiff_t>(pixel) * columns[i].pixel_stride;
    for (int m = 0; m < rows; ++m)
      to[m * S::lanes + i] = from[m * static_cast<std::ptrdiff_t>(columns[i].pixel_stride)];
  }
}

/// Adds the residual to the accumulators; `columns` is the number of valid output columns.
template <class S, int MR, int NV>
RIFFLE_INLINE void add_residual(simd::Tile<S, MR, NV>& tile, const ResidualVector* residual, const Memory& memory,
                                std::int32_t pixel, int columns) {
  simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
    const Run& run = residual[v].run;
    const int left = columns - v * S::lanes, count = left < S::lanes ? left : S::lanes;
    alignas(64) float gathered[MR * S::lanes];
    const float* from = gathered;
    std::ptrdiff_t stride = S::lanes;
    if (run.channels == S::lanes) {
      from = memory.read(run.first) + static_cast<std::ptrdiff_t>(pixel) * run.pixel_stride;
      stride = run.pixel_stride;
    } else if (run.channels != 0) {
      // The last vector of a group: what is behind its columns may be the end of the arena.
      const float* start = memory.read(run.first) + static_cast<std::ptrdiff_t>(pixel) * run.pixel_stride;
      for (int m = 0; m < MR; ++m) {
        S::store(gathered + m * S::lanes,
                 S::load_partial(start + m * static_cast<std::ptrdiff_t>(run.pixel_stride), count));
      }
    } else {
      gather_residual<S>(residual[v].columns, count, memory, pixel, MR, gathered);
    }
    simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
      tile.acc[m][v] = S::add(tile.acc[m][v], S::load(from + m * stride));
    });
  });
}

/// Adds the residual, clamps and stores a finished register tile. `columns` is the number of valid output columns.
template <class S, int MR, int NV>
RIFFLE_INLINE void store_tile(simd::Tile<S, MR, NV>& tile, const ResidualVector* residual, const Clamp& clamp,
                              const Memory& memory, std::int32_t pixel, float* out, std::ptrdiff_t out_stride,
                              int columns) {
  using Vec = typename S::Vec;
  if (residual != nullptr) add_residual(tile, residual, memory, pixel, columns);
  const Vec lower = S::broadcast(clamp.lower), upper = S::broadcast(clamp.upper);
  constexpr int whole = (NV - 1) * S::lanes;
  simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
    simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
      tile.acc[m][v] = S::clamp(tile.acc[m][v], lower, upper);
      if (v < NV - 1) S::store(out + m * out_stride + v * S::lanes, tile.acc[m][v]);
    });
  });
  if (columns == NV * S::lanes) {
    simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
      S::store(out + m * out_stride + whole, tile.acc[m][NV - 1]);
    });
  } else {
    simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
      S::store_partial(out + m * out_stride + whole, tile.acc[m][NV - 1], columns - whole);
    });
  }
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

  /// The instruction set's own strips: what a group's panels have in common, and their run.
  struct Strips {
    static constexpr std::int32_t most_runs = 32;
    static constexpr std::ptrdiff_t bytes = sizeof(float);

    simd::StripRun runs[most_runs];
    simd::Strip strip;
    std::int32_t form;
    float* out;  ///< the first pixel
    bool fits;

    explicit RIFFLE_INLINE Strips(const Job& job) : fits(job.run_count <= most_runs) {
      if (!fits) return;
      for (std::int32_t r = 0; r < job.run_count; ++r) {
        const Run& run = job.runs[r];
        runs[r] = {job.memory->read(run.first), run.pixel_stride * bytes, run.channels};
      }
      const Clamp& clamp = job.args->clamp;
      const Block& output = job.args->output;
      strip.lower = clamp.lower;
      strip.upper = clamp.upper;
      strip.runs = runs;
      strip.run_count = job.run_count;
      strip.out_stride = output.pixel_stride * bytes;
      form = simd::Strip::form_of(clamp.lower, clamp.upper, 0);
      out = job.memory->write(output.first) + static_cast<std::ptrdiff_t>(job.pixel) * output.pixel_stride;
    }

    /// A panel, from job.pixel on. False where its residual's columns are not side by side.
    RIFFLE_INLINE bool run(const Job& job, int vectors, std::int32_t pixels) {
      strip.residual = nullptr;
      if (job.residual != nullptr) {
        const Run& first = job.residual[0].run;
        for (int v = 0; v < vectors; ++v) {
          const Run& run = job.residual[v].run;
          if (run.channels != S::lanes || run.pixel_stride != first.pixel_stride ||
              run.first.space != first.first.space || run.first.offset != first.first.offset + v * S::lanes) {
            return false;
          }
        }
        strip.residual = job.memory->read(first.first);
        strip.residual_stride = first.pixel_stride * bytes;
      }
      strip.panel = job.panel;
      strip.form = form + 4 * (job.columns % S::lanes);
      strip.out = out + job.column;
      strip.pixel = job.pixel;
      const simd::EvenTiles cut(pixels, S::strip_rows(vectors));
      if (cut.higher > 0) {
        strip.tiles = cut.higher;
        S::strip(cut.height + 1, vectors)(strip);
        const std::int32_t done = cut.higher * (cut.height + 1);
        strip.pixel += done;
        strip.out += static_cast<std::ptrdiff_t>(done) * job.args->output.pixel_stride;
      }
      strip.tiles = cut.tiles - cut.higher;
      S::strip(cut.height, vectors)(strip);
      return true;
    }
  };
  struct NoStrips {
    explicit RIFFLE_INLINE NoStrips(const Job&) : fits(false) {}
    bool fits;
    RIFFLE_INLINE bool run(const Job&, int, std::int32_t) { return false; }
  };
  static constexpr bool has_strips = requires { S::strip(1, 1); };
  using OwnTiles = std::conditional_t<has_strips, Strips, NoStrips>;

  static void run(const PointwiseArgs& args, const Memory& memory, TileRange range) {
    static constexpr simd::TileTable<S, Pointwise> tiles;
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
                begin,
                0,
                0};
        OwnTiles own(job);
        for (std::int32_t panel = first_panel; panel < last_panel; ++panel) {
          const std::int32_t v0 = panel_begin(panel, vectors, panels), v1 = panel_begin(panel + 1, vectors, panels);
          job.panel = args.packed + (static_cast<std::int64_t>(group) * vectors + v0) * vector_size;
          job.residual = args.residual == nullptr ? nullptr : args.residual + group * vectors + v0;
          job.column = group * args.outputs + v0 * S::lanes;
          job.columns = (v1 * S::lanes < args.outputs ? v1 * S::lanes : args.outputs) - v0 * S::lanes;
          job.pixel = begin;
          if (own.fits && own.run(job, v1 - v0, end - begin)) continue;
          tiles.run(job, job.pixel, v1 - v0, begin, end);
        }
      }
    }
  }

  static constexpr PointwiseKernel kernel(const char* name) { return {name, S::lanes, S::max_vectors, run}; }
};

}  // namespace riffle::kernels
