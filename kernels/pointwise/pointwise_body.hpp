// The one body of the pointwise kernel; see pointwise.hpp for the equation and the packing.
#pragma once

#include <type_traits>

#include "kernels/pointwise/blocks.hpp"
#include "kernels/pointwise/residuals.hpp"
#include "kernels/pointwise/runs.hpp"
#include "kernels/simd/strip.hpp"
#include "kernels/simd/tile.hpp"
#include "kernels/simd/tile_table.hpp"

namespace riffle::kernels {

/// Adds to the accumulators of vector V what is at `from`, `stride` numbers a pixel.
template <int V, class S, int MR, int NV, bool Half>
RIFFLE_INLINE void add_vector(simd::Tile<S, MR, NV, Half>& tile, const typename S::Value* from, std::ptrdiff_t stride,
                              [[maybe_unused]] int count) {
  if constexpr (Half && V == NV - 1) {
    tile.for_pairs([&](auto p, auto a, auto b) __attribute__((always_inline)) {
      tile.half[p] = S::add(tile.half[p], S::load_halves(from + a * stride, from + b * stride, count));
    });
  } else {
    simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
      tile.acc[m][V] = S::add(tile.acc[m][V], S::load(from + m * stride));
    });
  }
}

/// Adds the residual to the accumulators; `columns` is the number of valid output columns.
template <class S, int MR, int NV, bool Half>
RIFFLE_INLINE void add_residual(simd::Tile<S, MR, NV, Half>& tile, const ResidualVector* residual,
                                const Addresses& memory, std::int32_t pixel, int columns) {
  using Value = typename S::Value;
  simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
    const ChannelRun& run = residual[v].run;
    const int left = columns - v * S::lanes, count = left < S::lanes ? left : S::lanes;
    alignas(64) Value gathered[MR * S::lanes];
    const Value* from = gathered;
    std::ptrdiff_t stride = S::lanes;
    if (run.channels == S::lanes) {
      from = memory.read<Value>(run.first) + static_cast<std::ptrdiff_t>(pixel) * run.pixel_stride;
      stride = run.pixel_stride;
    } else if (run.channels != 0) {
      // The last vector of a group: what is behind its columns may be the end of the arena.
      const Value* start = memory.read<Value>(run.first) + static_cast<std::ptrdiff_t>(pixel) * run.pixel_stride;
      for (int m = 0; m < MR; ++m) {
        S::store(gathered + m * S::lanes,
                 S::load_partial(start + m * static_cast<std::ptrdiff_t>(run.pixel_stride), count));
      }
    } else {
      copy_residual<S>(residual[v], count, memory, pixel, MR, gathered, S::lanes);
    }
    add_vector<decltype(v)::value>(tile, from, stride, count);
  });
}

/// Adds the residual, bounds and stores a finished register tile. `columns` is the number of valid output columns.
template <class S, int MR, int NV, bool Half>
RIFFLE_INLINE void store_tile(simd::Tile<S, MR, NV, Half>& tile, const ResidualVector* residual,
                              const LeakyClamp& clamp, const Addresses& memory, std::int32_t pixel,
                              typename S::Value* out, std::ptrdiff_t out_stride, int columns) {
  if (residual != nullptr) add_residual(tile, residual, memory, pixel, columns);
  constexpr int last = (NV - 1) * S::lanes;
  if (clamp.has_bounds()) tile.clamp(S::broadcast(clamp.lower), S::broadcast(clamp.upper));
  if constexpr (S::type == Type::f32) {
    if (clamp.leaks()) tile.leak(S::broadcast(clamp.slope));
  }
  simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
    simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) {
      S::store(out + m * out_stride + v * S::lanes, tile.acc[m][v]);
    });
  });
  if constexpr (Half) {
    tile.for_pairs([&](auto p, auto a, auto b) __attribute__((always_inline)) {
      auto* const to = out + last;
      if constexpr (a == b) {
        S::store_partial(to + a * out_stride, tile.half[p], columns - last);
      } else {
        S::store_halves(to + a * out_stride, to + b * out_stride, tile.half[p], columns - last);
      }
    });
  } else if (columns == NV * S::lanes) {
    simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
      S::store(out + m * out_stride + last, tile.acc[m][NV - 1]);
    });
  } else {
    simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
      S::store_partial(out + m * out_stride + last, tile.acc[m][NV - 1], columns - last);
    });
  }
}

/// `Prefetch` is simd::NoPrefetch, or what else to do in the loops over K (not in an instruction set's own strips,
/// which are closed).
template <class S, class Prefetch = simd::NoPrefetch>
struct Pointwise {
  using Value = typename S::Value;

  /// What one register tile needs to know.
  struct Job {
    const Addresses* memory;
    const ChannelRun* runs;  ///< of one part of K
    std::int32_t run_count;
    std::int32_t inputs;             ///< of all runs
    const Value* bias;               ///< null: go on from the sums in the output
    const Value* weights;            ///< the part's first row
    const ResidualVector* residual;  ///< joins the sums of the first part
    LeakyClamp clamp;
    Value* out;  ///< the first column of the pixel `out_pixel`
    std::ptrdiff_t out_stride;
    std::int32_t out_pixel;
    std::int32_t pixel;
    std::int32_t columns;
    Prefetch prefetch;
  };

  template <int MR, int NV, bool Half>
  static void run_tile(const Job& job) {
    simd::Tile<S, MR, NV, Half> tile;
    Value* const out = job.out + (job.pixel - job.out_pixel) * job.out_stride;
    if (job.bias != nullptr) {
      tile.start(job.bias);
    } else {
      tile.resume(out, job.out_stride, job.columns);
    }
    const Value* w = job.weights;
    auto prefetch = job.prefetch.begin(job.inputs, job.memory->template read<Value>(job.runs[0].first));
    for (std::int32_t r = 0; r < job.run_count; ++r) {
      const ChannelRun& run = job.runs[r];
      const std::ptrdiff_t stride = run.pixel_stride;
      tile.accumulate(
          simd::Strided<Value>{job.memory->template read<Value>(run.first) + slot(job.pixel, run.ring) * stride,
                               stride},
          run.channels, w, prefetch);
    }
    store_tile(tile, job.residual, job.clamp, *job.memory, job.pixel, out, job.out_stride, job.columns);
  }

  /// The instruction set's own strips: what the panels of a group and a part of K have in common, and their run.
  struct Strips {
    static constexpr std::ptrdiff_t bytes = sizeof(Value);
    using Known = Runs<Value, bytes>;

    simd::StripRun<Value> runs[Known::most];
    simd::Strip<Value> strip;
    std::int32_t form;
    bool fits;
    GatheredRuns<S, Value, bytes> gathered;

    RIFFLE_INLINE Strips(const Job& job, std::int32_t panels, std::int32_t pixels)
        : fits(job.run_count <= Known::most) {
      if (!fits) return;
      const Known known(job.runs, job.run_count, *job.memory, job.out_pixel);
      strip.lower = static_cast<Value>(simd::first_bound(job.clamp));
      strip.upper = static_cast<Value>(job.clamp.upper);
      strip.runs = runs;
      strip.run_count = gathered.make(known.known, known.count, panels, pixels, runs);
      strip.out_stride = job.out_stride * bytes;
      form = simd::form_of(job.clamp, 0);
    }

    /// What the sums start from, besides the bias. False where it is not whole vectors side by side.
    RIFFLE_INLINE bool start(const Job& job, int vectors) {
      if (job.bias == nullptr) {
        strip.start = job.out;
        strip.start_stride = strip.out_stride;
        return job.columns == vectors * S::lanes;
      }
      strip.start = nullptr;
      if (job.residual == nullptr) return true;
      strip.start = residual_in_rows<S, Value>(job.residual, vectors, *job.memory);
      if (strip.start == nullptr) return false;
      const std::ptrdiff_t stride = job.residual[0].run.pixel_stride;
      strip.start += job.out_pixel * stride;
      strip.start_stride = stride * bytes;
      return true;
    }

    /// A panel for `pixels` pixels. False where it is none for strips.
    RIFFLE_INLINE bool run(const Job& job, int vectors, std::int32_t pixels) {
      if (!fits || !start(job, vectors)) return false;
      strip.bias = job.bias;
      strip.weights = job.weights;
      strip.form = form + 4 * static_cast<std::int32_t>(job.columns % S::lanes * bytes);
      simd::for_even_tiles<1>(
          pixels, S::strip_rows(vectors),
          [&](std::int32_t first, std::int32_t rows, std::int32_t tiles, int) __attribute__((always_inline)) {
            strip.pixel = first;
            strip.out = job.out + first * job.out_stride;
            strip.tiles = tiles;
            S::strip(rows, vectors)(strip);
          });
      return true;
    }
  };
  struct NoStrips {
    RIFFLE_INLINE NoStrips(const Job&, std::int32_t, std::int32_t) {}
    RIFFLE_INLINE bool run(const Job&, int, std::int32_t) { return false; }
  };
  static constexpr bool has_strips = requires { S::strip(1, 1); };
  using OwnTiles = std::conditional_t<has_strips, Strips, NoStrips>;

  /// Panels [first_panel, last_panel) of one group for pixels [begin, end), which straddle no ring's end.
  static RIFFLE_INLINE void run_block(const PointwiseArgs& args, const Addresses& memory, std::int32_t group,
                                      std::int32_t first_panel, std::int32_t last_panel, std::int32_t begin,
                                      std::int32_t end, const Prefetch& prefetch) {
    static constexpr simd::TileTable<S, Pointwise, S::pairs_halves, simd::one_variant<S, has_strips>> tiles;
    const std::int32_t vectors = (args.outputs + S::lanes - 1) / S::lanes;
    const std::int32_t panels = panel_count(args.outputs, S::lanes, S::max_vectors);
    const std::int64_t vector_size = static_cast<std::int64_t>(args.inputs + 1) * S::lanes;
    const Block& block = args.blocks[group];
    const std::ptrdiff_t out_stride = block.pixel_stride;
    Value* const out = memory.write<Value>(block.first) + slot(begin, block.ring) * out_stride;
    std::int64_t row = 1;  // of the packed panel: behind the bias, then behind the parts before
    for (std::int32_t part = 0; part < args.parts; ++part) {
      const std::int32_t* const run_begin = args.run_begin + group * args.parts + part;
      Job job{};
      job.memory = &memory;
      job.runs = args.runs + run_begin[0];
      job.run_count = run_begin[1] - run_begin[0];
      for (std::int32_t r = 0; r < job.run_count; ++r) job.inputs += job.runs[r].channels;
      job.prefetch = prefetch;
      if (part == args.parts - 1) job.clamp = args.clamp;
      job.out_stride = out_stride;
      job.out_pixel = begin;
      OwnTiles own(job, last_panel - first_panel, end - begin);
      std::int32_t v1 = panel_begin(first_panel, vectors, panels);
      for (std::int32_t panel = first_panel; panel < last_panel; ++panel) {
        const std::int32_t v0 = v1;
        v1 = panel_begin(panel + 1, vectors, panels);
        const Value* const packed =
            static_cast<const Value*>(args.packed) + (static_cast<std::int64_t>(group) * vectors + v0) * vector_size;
        job.bias = part == 0 ? packed : nullptr;
        job.weights = packed + row * (v1 - v0) * S::lanes;
        job.residual = part == 0 && args.residual != nullptr ? args.residual + group * vectors + v0 : nullptr;
        job.out = out + v0 * S::lanes;
        // A half that two pixels share, and a residual, end where the columns do.
        const bool exact = S::pairs_halves || args.residual != nullptr;
        const std::int32_t room = args.outputs + (exact ? 0 : block.spare);
        job.columns = (v1 * S::lanes <= room ? v1 * S::lanes : args.outputs) - v0 * S::lanes;
        if (own.run(job, v1 - v0, end - begin)) continue;
        tiles.run(job, job.pixel, v1 - v0, simd::has_half<S>(job.columns, v1 - v0), begin, end);
      }
      row += job.inputs;
    }
  }

  static void run(const PointwiseArgs& args, const Addresses& memory, TileRange range) {
    run_and(args, memory, range, Prefetch{});
  }

  static RIFFLE_INLINE void run_and(const PointwiseArgs& args, const Addresses& memory, TileRange range,
                                    const Prefetch& prefetch) {
    for_each_block<S>(
        args, range, tile_rows,
        [&](std::int32_t group, std::int32_t first_panel, std::int32_t last_panel, std::int32_t begin, std::int32_t end)
            __attribute__((always_inline)) {
              run_block(args, memory, group, first_panel, last_panel, begin, end, prefetch);
            });
  }

  static std::int32_t tile_rows(std::int32_t vectors) {
    if constexpr (has_strips) {
      return S::strip_rows(vectors);
    } else {
      return S::tile_rows(vectors);
    }
  }

  static constexpr PointwiseKernel kernel(const char* name) {
    return {name, {S::type, S::type, S::type}, S::lanes, S::max_vectors, S::pairs_halves, tile_rows, run};
  }
};

}  // namespace riffle::kernels
