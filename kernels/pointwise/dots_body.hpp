// The body of the pointwise kernels that multiply by dot products; see pointwise.hpp for the equation, dot_panels.hpp
// for the packing.
//
// The inputs of some pixels are gathered side by side, as many pixels as a buffer holds; every panel then passes over
// them, and what runs there were is known no more. An instruction set S has
//
//   dot               neighbouring inputs that an instruction multiplies
//   multiply(...)     those of a register tile, pixel by pixel
//
// or, where an instruction multiplies pairs of pixels,
//
//   gather_runs(...) see gather.hpp
//   arrange(...)     the inputs of tiles' pixels in the order of their use
//   dot_strip(...)   see dot_strip.hpp
#pragma once

#include "kernels/dot_panels.hpp"
#include "kernels/pointwise/blocks.hpp"
#include "kernels/pointwise/pointwise_body.hpp"
#include "kernels/pointwise/runs.hpp"
#include "kernels/simd/dot_strip.hpp"

namespace riffle::kernels {

/// `count` numbers, and up to 7 behind them, which must be there at both ends.
template <class Value>
RIFFLE_INLINE void copy_numbers(const Value* from, std::int32_t count, Value* to) {
  static_assert(sizeof(Value) == 2);
  using Eight = std::uint16_t __attribute__((vector_size(16)));
  for (; count > 0; count -= 8, from += 8, to += 8) {
    Eight eight;
    __builtin_memcpy(&eight, from, sizeof eight);
    __builtin_memcpy(static_cast<void*>(to), &eight, sizeof eight);
    asm("" : "+r"(to));  // or compilers make a call of it
  }
}

/// Where a pixel's inputs are copied to, which come piece by piece.
template <class Value>
struct AllInputs {
  Value* to;

  /// So many inputs; null: zeros.
  RIFFLE_INLINE void add(const Value* from, std::int32_t count) {
    if (from != nullptr) {
      copy_numbers(from, count, to);
    } else {
      __builtin_memset(static_cast<void*>(to), 0, static_cast<std::size_t>(count) * sizeof(Value));
    }
    to += count;
  }
};

/// The same of the inputs [begin, end) alone.
template <class Value>
struct SomeInputs {
  AllInputs<Value> all;
  std::int32_t begin, end;
  std::int32_t at = 0;  ///< the next piece's first input

  RIFFLE_INLINE void add(const Value* from, std::int32_t count) {
    const std::int32_t first = begin > at ? begin - at : 0, last = end - at < count ? end - at : count;
    at += count;
    if (first < last) all.add(from == nullptr ? nullptr : from + first, last - first);
  }
};

template <class S>
struct DotTiles {
  using Vec = typename S::Vec;
  using Value = typename S::Value;

  static constexpr bool by_pairs = requires { S::strip_pairs; };
  static constexpr std::int32_t buffer_numbers = 12 * 1024;
  static constexpr std::int32_t most_rows = 8, most_pixels = 192;
  /// Inputs that are gathered at once: those of a tile fit into the buffer.
  static constexpr std::int32_t most_inputs = buffer_numbers / most_rows;

  static constexpr bool by_matrices = requires { typename S::Product; };
  static constexpr QuadForm form = by_matrices ? QuadForm::matrices : QuadForm::bytes;
  /// Matrices take all inputs at once.
  static constexpr std::int32_t most_quads = by_matrices ? most_inputs / 4 : 0;

  static RIFFLE_INLINE std::int32_t filled_up(std::int32_t inputs) { return filled_inputs(form, S::dot, inputs); }

  /// What one register tile needs to know.
  struct Job {
    const Addresses* memory;
    const LeakyClamp* clamp;
    const Value* x;
    std::ptrdiff_t stride;  ///< between the pixels at x, where they are not in pairs
    std::int32_t dots;
    const float* bias;
    const Value* weights;
    float* waiting;    ///< null, or sums that wait for more inputs; by matrices, of products, 64 a pixel
    bool goes_on;      ///< from there, not from the bias
    bool is_finished;  ///< behind these inputs
    const ResidualVector* residual;
    std::int32_t pixel;  ///< as the residual counts them
    Value* out;
    std::ptrdiff_t out_stride;
    std::int32_t columns;
  };

  template <int MR, int NV, bool>
  static void run_tile(const Job& job) {
    simd::Tile<S, MR, NV> tile;
    if constexpr (by_matrices) {
      tile.start(job.bias);
      simd::unroll<MR * NV>([&](auto i) __attribute__((always_inline)) {
        constexpr int m = i / NV, v = i % NV;
        tile.acc[m][v] = S::add(tile.acc[m][v], S::load(job.waiting + (m * S::max_vectors + v) * S::lanes));
      });
      store_tile(tile, job.residual, *job.clamp, *job.memory, job.pixel, job.out, job.out_stride, job.columns);
      return;
    }
    if (job.goes_on) {
      simd::unroll<MR * NV>([&](auto i) __attribute__((always_inline)) {
        tile.acc[i / NV][i % NV] = S::load(job.waiting + i * S::lanes);
      });
    } else {
      tile.start(job.bias);
    }
    S::multiply(tile.acc, job.x, job.stride, job.weights, job.dots);
    if (job.is_finished) {
      store_tile(tile, job.residual, *job.clamp, *job.memory, job.pixel, job.out, job.out_stride, job.columns);
      return;
    }
    simd::unroll<MR * NV>([&](auto i) __attribute__((always_inline)) {
      S::store(job.waiting + i * S::lanes, tile.acc[i / NV][i % NV]);
    });
  }

  /// Tiles of at most `height` pixels.
  template <class F>
  static RIFFLE_INLINE void for_tiles(std::int32_t pixels, std::int32_t height, F&& f) {
    simd::for_even_tiles<by_pairs ? 2 : 1>(pixels, height, f);
  }

  /// One panel of so many pixels, by the instruction set's own strips.
  static RIFFLE_INLINE void run_strips(const Job& job, int vectors, std::int32_t pixels, std::int32_t height) {
    constexpr std::ptrdiff_t bytes = sizeof(Value);
    float bias[2 * S::max_vectors * S::lanes];
    S::repeat_pairs(job.bias, vectors, bias);
    Value copied[most_pixels * S::max_vectors * S::lanes];
    const ResidualRows<Value> residual =
        residual_rows<S>(job.residual, vectors, job.columns, *job.memory, job.pixel, pixels, copied);
    simd::DotStrip strip;
    strip.lower = job.clamp->lower;
    strip.upper = job.clamp->upper;
    strip.bias = bias;
    strip.weights = job.weights;
    strip.inputs = job.x;
    strip.dots = job.dots;
    strip.form = simd::dot_form(*job.clamp, job.columns % S::lanes * bytes, job.goes_on, !job.is_finished,
                                residual.first != nullptr);
    for_tiles(
        pixels, height,
        [&](std::int32_t first, std::int32_t rows, std::int32_t tiles, std::ptrdiff_t step)
            __attribute__((always_inline)) {
              strip.out = job.out + first * job.out_stride;
              strip.out_stride = job.out_stride * step * bytes;
              strip.residual = residual.first == nullptr ? nullptr : residual.first + first * residual.stride;
              strip.residual_stride = residual.stride * step * bytes;
              strip.waiting = job.waiting == nullptr ? nullptr : job.waiting + first * vectors * S::lanes;
              strip.tiles = tiles;
              S::dot_strip(rows / 2, vectors)(strip);
              strip.inputs += std::ptrdiff_t{rows} * tiles * S::dot * job.dots;
            });
  }

  static RIFFLE_INLINE void run_tiles(Job job, int vectors, std::int32_t pixels, std::int32_t height) {
    static constexpr simd::TileTable<S, DotTiles, false> table;
    for_tiles(
        pixels,
        height, [&](std::int32_t, std::int32_t rows, std::int32_t tiles, std::int32_t) __attribute__((always_inline)) {
          const auto run = table.whole[static_cast<std::size_t>(vectors - 1)][static_cast<std::size_t>(rows - 1)];
          for (std::int32_t t = 0; t < tiles; ++t) {
            run(job);
            job.pixel += rows;
            job.out += rows * job.out_stride;
            job.x += rows * job.stride;
            if constexpr (by_matrices) job.waiting += rows * S::max_vectors * S::lanes;
          }
        });
  }

  /// Of a group's panels: what they have in common.
  struct Panels {
    const void* packed;              ///< of all groups
    const ResidualVector* residual;  ///< of all groups, or null
    std::int32_t group, inputs, outputs;
    std::int32_t spare;  ///< numbers behind the outputs that may be written, too
  };

  /// Inputs [k, ...) of a panel for so many pixels, which stand at job.x.
  static RIFFLE_INLINE void run_panel(Job job, const Panels& all, std::int32_t panel, std::int32_t pixels,
                                      std::int32_t height, std::int32_t k) {
    const std::int32_t vectors = (all.outputs + S::lanes - 1) / S::lanes;
    const std::int32_t panels = panel_count(all.outputs, S::lanes, S::max_vectors);
    const std::int32_t v0 = panel_begin(panel, vectors, panels), v1 = panel_begin(panel + 1, vectors, panels);
    const std::int32_t width = (v1 - v0) * S::lanes;
    const std::int64_t before = std::int64_t{all.group} * vectors + v0;
    const auto* const packed =
        static_cast<const std::byte*>(all.packed) + before * dot_vector_bytes(S::lanes, filled_up(all.inputs));
    // A residual ends where the columns do.
    const std::int32_t room = all.outputs + (all.residual != nullptr ? 0 : all.spare);
    job.bias = reinterpret_cast<const float*>(packed);
    job.weights = reinterpret_cast<const Value*>(packed + std::ptrdiff_t{width} * 4) + std::ptrdiff_t{k} * width;
    job.residual = all.residual == nullptr || !job.is_finished ? nullptr : all.residual + before;
    job.columns = (v1 * S::lanes <= room ? v1 * S::lanes : all.outputs) - v0 * S::lanes;
    job.out += v0 * S::lanes;
    if constexpr (by_pairs) {
      run_strips(job, v1 - v0, pixels, height);
    } else if constexpr (by_matrices) {
      alignas(64) typename S::Product::Sums sums;
      Job part = job;
      const typename S::Product product(pixels, job.dots);
      product.run(
          job.x, job.stride * static_cast<std::ptrdiff_t>(sizeof(Value)), job.weights, v1 - v0,
          sums, [&](std::int32_t at, std::int32_t count, std::int32_t row) __attribute__((always_inline)) {
            part.waiting = sums[row];
            part.pixel = job.pixel + at;
            part.out = job.out + at * job.out_stride;
            run_tiles(part, v1 - v0, count, height);
          });
    } else {
      run_tiles(job, v1 - v0, pixels, height);
    }
  }

  /// Of one run of all inputs, nothing is to be gathered: the first pixel's, or null.
  struct Direct {
    const Value* first = nullptr;
    std::ptrdiff_t stride = 0;
  };

  /// Panels [first, last) of a group for so many pixels; job.pixel, job.out: the first one. gather(pixel, inputs) adds
  /// its inputs piece by piece, to AllInputs or SomeInputs. Of pairs it may have a way of its own for all inputs of
  /// tiles: gather.arrange(pixel, pairs, tiles, step, to), true where it has arranged them.
  template <class Gather>
  static RIFFLE_INLINE void run_panels(Job job, const Panels& all, std::int32_t first, std::int32_t last,
                                       std::int32_t pixels, const Direct& direct, Gather&& gather) {
    alignas(64) Value buffer[buffer_numbers + 64];
    const std::int32_t panels = panel_count(all.outputs, S::lanes, S::max_vectors);
    const std::int32_t height = S::tile_rows(((all.outputs + S::lanes - 1) / S::lanes + panels - 1) / panels);

    /// Inputs [k, k + inputs) of pixels [begin, end), as tiles take them.
    const auto bring = [&](std::int32_t begin, std::int32_t end, std::int32_t k, std::int32_t inputs)
        __attribute__((always_inline)) {
      const std::int32_t filled = filled_up(inputs);
      const bool is_direct = direct.first != nullptr && inputs == all.inputs && (by_pairs || inputs == filled);
      if (is_direct && !by_pairs) {
        job.x = direct.first + begin * direct.stride;
        job.stride = direct.stride;
        return;
      }
      job.x = buffer;
      job.stride = filled;
      Value* to = buffer;
      const auto gather_one = [&](std::int32_t pixel, Value * row) __attribute__((always_inline)) {
        if (inputs == all.inputs) {
          AllInputs<Value> to_row{row};
          gather(pixel, to_row);
        } else {
          SomeInputs<Value> to_row{{row}, k, k + inputs};
          gather(pixel, to_row);
        }
        for (std::int32_t i = inputs; i < filled; ++i) row[i] = Value{};
      };
      if constexpr (by_pairs) {
        for_tiles(
            end - begin, height,
            [&](std::int32_t at, std::int32_t rows, std::int32_t tiles,
                std::ptrdiff_t step) __attribute__((always_inline)) {
              const std::int32_t pixel = begin + at, pairs = rows / 2;
              Value* const first_to = to;
              to += std::ptrdiff_t{tiles} * rows * filled;
              if (is_direct) {
                const std::ptrdiff_t stride = direct.stride;
                S::arrange(pairs, direct.first + pixel * stride, stride * step, inputs, first_to, tiles);
                return;
              }
              if constexpr (requires { gather.arrange(pixel, pairs, tiles, step, first_to); }) {
                if (inputs == all.inputs && gather.arrange(pixel, pairs, tiles, step, first_to)) return;
              }
              alignas(64) Value rows_of_tile[buffer_numbers + 64];
              for (std::int32_t t = 0; t < tiles; ++t) {
                for (std::int32_t p = 0; p < (step == 0 ? 1 : rows); ++p) {
                  gather_one(pixel + t * rows + p, rows_of_tile + p * filled);
                }
                S::arrange(pairs, rows_of_tile, filled * step, inputs, first_to + std::ptrdiff_t{t} * rows * filled, 1);
              }
            });
      } else {
        for (std::int32_t p = begin; p < end; ++p, to += filled) gather_one(p, to);
      }
    };

    const std::int32_t pixel = job.pixel;
    Value* const out = job.out;
    job.goes_on = false;
    job.is_finished = true;
    if (all.inputs <= most_inputs) {
      job.dots = filled_up(all.inputs) / S::dot;
      const std::int32_t room = buffer_numbers / filled_up(all.inputs);
      const std::int32_t most = room < most_pixels ? room / height * height : most_pixels;
      for (std::int32_t begin = 0; begin < pixels; begin += most) {
        const std::int32_t end = pixels - begin < most ? pixels : begin + most;
        bring(begin, end, 0, all.inputs);
        job.pixel = pixel + begin;
        job.out = out + begin * job.out_stride;
        for (std::int32_t panel = first; panel < last; ++panel) run_panel(job, all, panel, end - begin, height, 0);
      }
      return;
    }
    // Of so many inputs, a tile takes some after the other, again for every panel.
    float waiting[most_rows * S::max_vectors * S::lanes];
    job.waiting = waiting;
    const std::int32_t unit = height;  // one tile, and a pixel that is left over
    for (std::int32_t begin = 0; begin < pixels; begin += unit) {
      const std::int32_t end = pixels - begin < unit ? pixels : begin + unit;
      job.pixel = pixel + begin;
      job.out = out + begin * job.out_stride;
      for (std::int32_t panel = first; panel < last; ++panel) {
        for (std::int32_t k = 0; k < all.inputs; k += most_inputs) {
          const std::int32_t inputs = all.inputs - k < most_inputs ? all.inputs - k : most_inputs;
          job.goes_on = k > 0;
          job.is_finished = k + inputs == all.inputs;
          job.dots = filled_up(inputs) / S::dot;
          bring(begin, end, k, inputs);
          run_panel(job, all, panel, end - begin, height, k);
        }
      }
    }
  }
};

template <class S>
struct PointwiseDots {
  using Value = typename S::Value;
  using Tiles = DotTiles<S>;

  static void run(const PointwiseArgs& args, const Addresses& memory, TileRange range) {
    for_each_block<S>(args, range, tile_rows,
                      [&](std::int32_t group, std::int32_t first_panel, std::int32_t last_panel, std::int32_t begin,
                          std::int32_t end) { run_block(args, memory, group, first_panel, last_panel, begin, end); });
  }

  /// Panels [first_panel, last_panel) of one group for pixels [begin, end), which straddle no ring's end.
  static void run_block(const PointwiseArgs& args, const Addresses& memory, std::int32_t group,
                        std::int32_t first_panel, std::int32_t last_panel, std::int32_t begin, std::int32_t end) {
    const Block& block = args.blocks[group];
    const std::int32_t run_begin = args.run_begin[group], run_end = args.run_begin[group + 1];
    const Inputs inputs{{args.runs + run_begin, run_end - run_begin, memory, begin}, args.inputs};
    typename Tiles::Job job{};
    job.memory = &memory;
    job.pixel = begin;
    job.clamp = &args.clamp;
    job.out_stride = block.pixel_stride;
    job.out = memory.write<Value>(block.first) + slot(begin, block.ring) * job.out_stride;
    typename Tiles::Direct direct;
    if (inputs.runs.count == 1) {
      direct = {static_cast<const Value*>(inputs.runs.known[0].first), inputs.runs.all[0].pixel_stride};
    }
    Tiles::run_panels(job, {args.packed, args.residual, group, args.inputs, args.outputs, block.spare}, first_panel,
                      last_panel, end - begin, direct, inputs);
  }

  /// Where a block's inputs are, from its first pixel on.
  struct Inputs {
    static constexpr std::int32_t gathered_numbers = 2048;
    Runs<Value, sizeof(Value)> runs;
    std::int32_t inputs;

    template <class To>
    RIFFLE_INLINE void operator()(std::int32_t pixel, To& to) const {
      for (std::int32_t r = 0; r < runs.count; ++r) {
        const simd::GatherRun run = runs[r];
        const auto* const first = static_cast<const std::byte*>(run.first) + pixel * run.stride;
        to.add(reinterpret_cast<const Value*>(first), runs.all[r].channels);
      }
    }

    RIFFLE_INLINE bool arrange(std::int32_t pixel, std::int32_t pairs, std::int32_t tiles, std::ptrdiff_t step,
                               Value* to) const {
      if constexpr (Tiles::by_pairs) {
        if (runs.count > runs.most) return false;
        constexpr std::ptrdiff_t bytes = sizeof(Value);
        // Some tiles at a time, so that they stay in L1.
        alignas(64) Value rows[Tiles::most_rows * (Tiles::most_inputs + 8) + 64];
        const std::int32_t filled = Tiles::filled_up(inputs), row = filled + 8;
        const std::int32_t height = step == 0 ? 1 : 2 * pairs;
        const std::int32_t room = gathered_numbers / (height * row), most_tiles = room < 1 ? 1 : room;
        for (std::int32_t t = 0; t < tiles; t += most_tiles) {
          const std::int32_t some = tiles - t < most_tiles ? tiles - t : most_tiles;
          S::gather_runs(runs.known, runs.count, pixel + t * height, rows, row * bytes, some * height);
          S::arrange(pairs, rows, row * step, inputs, to + std::ptrdiff_t{t} * 2 * pairs * filled, some);
        }
        return true;
      }
      return false;
    }
  };

  static std::int32_t tile_rows(std::int32_t vectors) { return S::tile_rows(vectors); }

  static constexpr PointwiseKernel kernel(const char* name) {
    return {name, {S::type, S::type, S::type}, S::lanes, S::max_vectors, false, tile_rows, run, Tiles::form,
            0,    Tiles::most_quads,           S::dot};
  }
};

}  // namespace riffle::kernels
