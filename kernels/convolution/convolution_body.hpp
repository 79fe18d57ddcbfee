// The one body of the general convolution kernel; see convolution.hpp for the equation and the packing.
#pragma once

#include "kernels/convolution/convolution.hpp"
#include "kernels/pointwise/pointwise_body.hpp"
#include "kernels/simd/tile.hpp"
#include "kernels/simd/tile_table.hpp"

namespace riffle::kernels {

template <class S>
struct Convolution {
  using Value = typename S::Value;

  /// One register tile: neighbouring pixels of an output row by the columns of a panel.
  struct Job {
    const ConvolutionArgs* args;
    const Addresses* memory;
    const ChannelRun* runs;
    std::int32_t run_count;
    const Value* panel;  ///< bias, then K rows
    const ResidualVector* residual;
    std::int32_t y, x;
    std::int32_t column;  ///< among all groups' outputs
    std::int32_t columns;
  };

  /// A tap whose pixels are all inside the image's columns reads them a stride apart; one at the border gets an
  /// address a pixel, and zeros for those outside. A row of taps outside the image is left out. Where pixels stand side
  /// by side, with nothing between their channels, a row of taps inside the image is one tap of as many more channels.
  template <int MR, int NV, bool Half>
  static void run_tile(const Job& job) {
    static_assert(!Half);
    const ConvolutionArgs& args = *job.args;
    const Extent& extent = args.extent;
    const Window& window = args.window;
    simd::Tile<S, MR, NV> tile;
    tile.start(job.panel);
    const std::ptrdiff_t tap_size = static_cast<std::ptrdiff_t>(args.inputs) * NV * S::lanes;
    const Value* w = job.panel + NV * S::lanes;
    const std::int32_t top = job.y * window.stride_h - window.pad_top;
    const std::int32_t left = job.x * window.stride_w - window.pad_left;
    const ChannelRun& first = job.runs[0];
    const std::int32_t last = left + window.kernel_w - 1 + (MR - 1) * window.stride_w;
    const bool is_one_run = job.run_count == 1 && first.channels == first.pixel_stride && window.dilation_w == 1 &&
                            left >= 0 && last < extent.in_w;
    for (std::int32_t i = 0; i < window.kernel_h; ++i) {
      const std::int32_t y = top + i * window.dilation_h;
      if (y < 0 || y >= extent.in_h) {
        w += window.kernel_w * tap_size;
        continue;
      }
      if (is_one_run) {
        const std::ptrdiff_t stride = first.pixel_stride;
        const Value* const from = job.memory->template read<Value>(first.first) +
                                  (static_cast<std::ptrdiff_t>(y) * extent.in_w + left) * stride;
        tile.accumulate(simd::Strided<Value>{from, window.stride_w * stride}, window.kernel_w * first.channels, w);
        continue;
      }
      for (std::int32_t j = 0; j < window.kernel_w; ++j) {
        const std::int32_t x = left + j * window.dilation_w;
        const bool inside = x >= 0 && x + (MR - 1) * window.stride_w < extent.in_w;
        for (std::int32_t r = 0; r < job.run_count; ++r) {
          const ChannelRun& run = job.runs[r];
          const std::ptrdiff_t stride = run.pixel_stride;
          const Value* const row =
              job.memory->template read<Value>(run.first) + static_cast<std::ptrdiff_t>(y) * extent.in_w * stride;
          if (inside) {
            tile.accumulate(simd::Strided<Value>{row + x * stride, window.stride_w * stride}, run.channels, w);
          } else {
            const Value* pixels[MR];
            simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
              const std::int32_t at = x + m * window.stride_w;
              pixels[m] = at < 0 || at >= extent.in_w ? static_cast<const Value*>(args.zeros) : row + at * stride;
            });
            tile.accumulate(simd::Gathered<Value>{pixels, 0}, run.channels, w);
          }
        }
      }
    }
    const std::int32_t pixel = job.y * extent.out_w + job.x;
    const std::ptrdiff_t stride = args.output.pixel_stride;
    store_tile(tile, job.residual, args.clamp, *job.memory, pixel,
               job.memory->template write<Value>(args.output.first) + pixel * stride + job.column, stride, job.columns);
  }

  static void run(const ConvolutionArgs& args, const Addresses& memory, TileRange range) {
    static constexpr simd::TileTable<S, Convolution, false> tiles;
    const std::int32_t vectors = (args.outputs + S::lanes - 1) / S::lanes;
    const std::int32_t panels = panel_count(args.outputs, S::lanes, S::max_vectors);
    const std::int64_t inputs = static_cast<std::int64_t>(args.inputs) * args.window.kernel_h * args.window.kernel_w;
    const std::int64_t vector_size = (inputs + 1) * S::lanes;
    for (std::int32_t t = range.first; t < range.last; ++t) {
      const std::int32_t begin = t * args.tile_rows;
      const std::int32_t end = args.extent.out_h - begin < args.tile_rows ? args.extent.out_h : begin + args.tile_rows;
      for (std::int32_t group = 0; group < args.groups; ++group) {
        Job job{};
        job.args = &args;
        job.memory = &memory;
        job.runs = args.runs + args.run_begin[group];
        job.run_count = args.run_begin[group + 1] - args.run_begin[group];
        for (std::int32_t panel = 0; panel < panels; ++panel) {
          const std::int32_t v0 = panel_begin(panel, vectors, panels), v1 = panel_begin(panel + 1, vectors, panels);
          job.panel =
              static_cast<const Value*>(args.packed) + (static_cast<std::int64_t>(group) * vectors + v0) * vector_size;
          job.residual = args.residual == nullptr ? nullptr : args.residual + group * vectors + v0;
          job.column = group * args.outputs + v0 * S::lanes;
          job.columns = (v1 * S::lanes < args.outputs ? v1 * S::lanes : args.outputs) - v0 * S::lanes;
          for (job.y = begin; job.y < end; ++job.y) tiles.run(job, job.x, v1 - v0, false, 0, args.extent.out_w);
        }
      }
    }
  }

  static constexpr ConvolutionKernel kernel(const char* name) {
    return {name, {S::type, S::type, S::type}, S::lanes, S::max_vectors, run};
  }
};

}  // namespace riffle::kernels
