// The one body of the stem kernel; see stem.hpp for the equation and the packing.
#pragma once

#include <array>

#include "kernels/pointwise/pointwise_body.hpp"
#include "kernels/simd/strip.hpp"
#include "kernels/simd/tile.hpp"
#include "kernels/stem/row.hpp"
#include "kernels/stem/stem.hpp"

namespace riffle::kernels {

/// `In`: what the planes are made of.
template <class S, class In = typename S::Value>
struct Stem {
  using Vec = typename S::Vec;
  using Value = typename S::Value;
  using Weight = typename S::Weight;

  /// One register tile: neighbouring pixels of an output row by the columns of a panel.
  struct Job {
    const StemArgs* args;
    const Addresses* memory;
    const In* planes;
    const Weight* panel;  ///< bias, then K rows
    std::int32_t y, x;
    std::int32_t column;
    std::int32_t columns;
  };
  using TileFunction = void (*)(const Job&);

  static constexpr int max_vectors = S::max_vectors;
  static constexpr bool has_few_registers = S::tile_rows(max_vectors) * max_vectors < 16;

  template <int MR, int NV, bool Half>
  static RIFFLE_INLINE void finish(const Job& job, simd::Tile<S, MR, NV, Half>& tile) {
    const Block& output = job.args->output;
    const std::int32_t row = job.y * job.args->extent.out_w;
    const std::ptrdiff_t stride = output.pixel_stride, pixel = slot(row, output.ring) + job.x;
    store_tile(tile, nullptr, job.args->clamp, *job.memory, row + job.x,
               job.memory->template write<Value>(output.first) + pixel * stride + job.column, stride, job.columns);
  }

  /// Calls f(row of the input, weights of the taps (c, i, 0)) for every plane c and tap row i inside the image.
  template <int NV, class F>
  static RIFFLE_INLINE void for_rows_inside(const Job& job, F&& f) {
    const Extent& extent = job.args->extent;
    const Window& window = job.args->window;
    const Weight* w = job.panel + NV * S::lanes;
    const In* plane = job.planes;
    const std::int32_t top = job.y * window.stride_h - window.pad_top;
    for (std::int32_t c = 0; c < job.args->channels; ++c) {
      for (std::int32_t i = 0; i < window.kernel_h; ++i, w += window.kernel_w * NV * S::lanes) {
        const std::int32_t y = top + i * window.dilation_h;
        if (y < 0 || y >= extent.in_h) continue;
        f(plane + static_cast<std::ptrdiff_t>(y) * extent.in_w, w);
      }
      plane += static_cast<std::ptrdiff_t>(extent.in_h) * extent.in_w;
    }
  }

  /// MR pixels whose taps are all inside the image's columns. Width 3, Stride 2 is ShuffleNet's; 0, 0 is any window.
  template <int MR, int NV, bool Half, int Width, int Stride>
  static void run_tile(const Job& job) {
    const Window& window = job.args->window;
    simd::Tile<S, MR, NV, Half> tile;
    tile.start(job.panel);
    const std::int32_t left = job.x * window.stride_w - window.pad_left;
    for_rows_inside<NV>(
        job, [&](const In* row, const Weight* w) __attribute__((always_inline)) {
          const In* x = row + left;
          if constexpr (Width == 0) {
            const std::ptrdiff_t stride = window.stride_w;
            for (std::int32_t j = 0; j < window.kernel_w; ++j, w += NV * S::lanes, x += window.dilation_w) {
              tile.multiply(
                  w, [&](auto m) __attribute__((always_inline)) { return S::broadcast(x[m * stride]); });
            }
          } else if constexpr (S::by_lane && (MR - 1) * Stride + Width >= S::lanes) {
            multiply_by_lane<Width, Stride>(tile, w, x);
          } else {
            simd::unroll<Width>([&](auto j) __attribute__((always_inline)) {
              // Taps of neighbours are the same numbers. GCC would keep them from one tap to the next, and sums in
              // memory.
              if constexpr (has_few_registers) asm("" : "+r"(x));
              tile.multiply(
                  w + j * NV * S::lanes, [&](auto m) __attribute__((always_inline)) {
                    return S::broadcast(x[m * Stride + j]);
                  });
            });
          }
        });
    finish(job, tile);
  }

  /// All taps of one row: the row's numbers under the tile come by vectors, the last one ending at the last number, so
  /// that nothing behind it is read.
  template <int Width, int Stride, int MR, int NV>
  static RIFFLE_INLINE void multiply_by_lane(simd::Tile<S, MR, NV, false>& tile, const Weight* w, const In* x) {
    constexpr int by = S::lanes, numbers = (MR - 1) * Stride + Width, vectors = (numbers + by - 1) / by;
    Vec in[vectors];
    simd::unroll<vectors>([&](auto f) __attribute__((always_inline)) {
      in[f] = S::load(x + (by * f + by <= numbers ? by * f : numbers - by));
    });
    simd::unroll<Width>([&](auto j) __attribute__((always_inline)) {
      tile.step(
          w + j * NV * S::lanes, [&](auto m, const Vec* row) __attribute__((always_inline)) {
            constexpr int at = m * Stride + j, f = at / by;
            constexpr int lane = by * f + by <= numbers ? at % by : at - (numbers - by);
            simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
              tile.acc[m][v] = S::template fma_lane<lane>(row[v], in[f], tile.acc[m][v]);
            });
          });
    });
  }

  /// One pixel at the image's left or right border: only the taps inside.
  template <int NV, bool Half>
  static void run_border(const Job& job) {
    const Window& window = job.args->window;
    simd::Tile<S, 1, NV, Half> tile;
    tile.start(job.panel);
    const std::int32_t left = job.x * window.stride_w - window.pad_left;
    for_rows_inside<NV>(
        job, [&](const In* row, const Weight* w) __attribute__((always_inline)) {
          std::int32_t x = left;
          for (std::int32_t j = 0; j < window.kernel_w; ++j, w += NV * S::lanes, x += window.dilation_w) {
            if (x < 0 || x >= job.args->extent.in_w) continue;
            tile.multiply(
                w, [&](auto) __attribute__((always_inline)) { return S::broadcast(row[x]); });
          }
        });
    finish(job, tile);
  }

  /// The heights of tile that there are, tallest first; a row is cut greedily.
  static constexpr bool has_rows = requires { S::template stem_row<In>(3); };
  static constexpr bool one_variant = simd::one_variant<S, has_rows>;
  static constexpr int heights = one_variant ? 1 : 4;
  static constexpr int height(int vectors, int i) {
    const int rows = S::tile_rows(vectors) >> i;
    return i == heights - 1 || rows == 0 ? 1 : rows;
  }

  /// For panels of one width; tiles by the index of their height.
  struct Functions {
    TileFunction border;
    std::array<TileFunction, heights> fast, any;
  };

  template <int NV, bool Half>
  static constexpr Functions functions_of_width() {
    return []<int... I>(std::integer_sequence<int, I...>) {
      return Functions{run_border<NV, Half>,
                       {run_tile < height(NV, I), NV, Half, one_variant ? 0 : 3, one_variant ? 0 : 2 > ...},
                       {run_tile<height(NV, I), NV, Half, 0, 0>...}};
    }
    (std::make_integer_sequence<int, heights>{});
  }
  template <bool Half>
  static constexpr auto make_functions() {
    return []<int... I>(std::integer_sequence<int, I...>) {
      return std::array<Functions, max_vectors>{functions_of_width<I + 1, Half>()...};
    }
    (std::make_integer_sequence<int, max_vectors>{});
  }

  /// The instruction set's own tiles: pixels [0 or 1, end) of a row whose taps are all inside the image, but for the
  /// first column's; the row must not be the planes' first then, as a pointer to them is made. False where the row is
  /// none for the tiles.
  static RIFFLE_INLINE bool run_own(const Job& job, int vectors, std::int32_t end) {
    constexpr std::ptrdiff_t in_bytes = sizeof(In), bytes = sizeof(Value);
    const StemArgs& args = *job.args;
    const Extent& extent = args.extent;
    const std::int32_t top = job.y * 2 - args.window.pad_top, left = args.window.pad_left;
    const std::int32_t pixels = S::stem_pixels(vectors);
    if (pixels == 0 || end < pixels || left > 1 || args.window.kernel_h != 3 || args.window.stride_h != 2 ||
        args.window.dilation_h != 1 || top < left || top + 2 >= extent.in_h) {
      return false;
    }
    StemRow<In, Value, Weight> row{};
    row.lower = static_cast<Weight>(simd::first_bound(args.clamp));
    row.upper = static_cast<Weight>(args.clamp.upper);
    row.panel = job.panel;
    row.in_row = extent.in_w * in_bytes;
    row.in_plane = row.in_row * extent.in_h;
    row.out_stride = args.output.pixel_stride * bytes;
    row.channels = args.channels;
    const std::int32_t form = simd::form_of(args.clamp, job.columns % S::lanes * bytes);
    const In* const in = job.planes + static_cast<std::ptrdiff_t>(top) * extent.in_w - left;
    const std::ptrdiff_t out_stride = args.output.pixel_stride;
    Value* const out = job.memory->template write<Value>(args.output.first) +
                       slot(job.y * extent.out_w, args.output.ring) * out_stride + job.column;
    const auto tiles = [&](std::int32_t x, std::int32_t count) __attribute__((always_inline)) {
      row.form = form + (x == 0 && left == 1 ? 64 : 0);
      row.in = in + x * 2;
      row.out = out + x * out_stride;
      row.tiles = count;
      S::template stem_row<In>(vectors)(row);
    };
    tiles(0, end / pixels);
    // What is left over is computed with some pixels before it, again.
    if (end % pixels != 0) tiles(end - pixels, 1);
    return true;
  }

  /// One output row of one panel: border pixels one by one, those between them in tiles.
  static RIFFLE_INLINE void run_row(Job& job, const Functions& functions, int vectors) {
    const Extent& extent = job.args->extent;
    const Window& window = job.args->window;
    const std::int32_t reach = (window.kernel_w - 1) * window.dilation_w;
    const auto left_of = [&](std::int32_t x) __attribute__((always_inline)) {
      return x * window.stride_w - window.pad_left;
    };
    std::int32_t x = 0, end = extent.out_w;
    while (x < end && left_of(x) < 0) ++x;
    while (end > x && left_of(end - 1) + reach >= extent.in_w) --end;

    const bool fast = window.kernel_w == 3 && window.stride_w == 2 && window.dilation_w == 1;
    if constexpr (has_rows) {
      if (fast && run_own(job, vectors, end)) {
        for (job.x = end; job.x < extent.out_w; ++job.x) functions.border(job);
        return;
      }
    }
    for (job.x = 0; job.x < x; ++job.x) functions.border(job);
    const auto& tiles = fast ? functions.fast : functions.any;
    for (int i = 0; i < heights; ++i) {
      const std::int32_t rows = height(vectors, i);
      for (; job.x + rows <= end; job.x += rows) tiles[static_cast<std::size_t>(i)](job);
    }
    for (; job.x < extent.out_w; ++job.x) functions.border(job);
  }

  static void run(const StemArgs& args, const Addresses& memory, TileRange range) {
    static constexpr auto whole = make_functions<false>(), half = make_functions<S::pairs_halves>();
    const std::int32_t vectors = (args.outputs + S::lanes - 1) / S::lanes;
    const std::int32_t panels = panel_count(args.outputs, S::lanes, max_vectors);
    const std::int64_t taps = static_cast<std::int64_t>(args.window.kernel_h) * args.window.kernel_w;
    const std::int64_t vector_size = (args.channels * taps + 1) * S::lanes;
    Job job{&args, &memory, memory.read<In>(args.input.first), nullptr, 0, 0, 0, 0};
    const std::int32_t first = range.first * args.tile_rows;
    const std::int32_t last =
        range.last * args.tile_rows < args.extent.out_h ? range.last * args.tile_rows : args.extent.out_h;
    for (job.y = first; job.y < last; ++job.y) {
      for (std::int32_t panel = 0; panel < panels; ++panel) {
        const std::int32_t v0 = panel_begin(panel, vectors, panels), v1 = panel_begin(panel + 1, vectors, panels);
        job.panel = static_cast<const Weight*>(args.packed) + v0 * vector_size;
        job.column = v0 * S::lanes;
        job.columns = (v1 * S::lanes < args.outputs ? v1 * S::lanes : args.outputs) - job.column;
        const auto& functions = simd::has_half<S>(job.columns, v1 - v0) ? half : whole;
        run_row(job, functions[static_cast<std::size_t>(v1 - v0 - 1)], v1 - v0);
      }
    }
  }

  static constexpr StemKernel kernel(const char* name) {
    return {name, {simd::type_of<In>, simd::type_of<Weight>, S::type}, S::lanes, max_vectors, S::pairs_halves, run};
  }
};

}  // namespace riffle::kernels
