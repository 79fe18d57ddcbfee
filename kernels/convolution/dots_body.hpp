// The body of the general convolution that multiplies by dot products; see convolution.hpp for the equation.
//
// All taps of a pixel are gathered side by side (im2col), and are then what a pixel's inputs are to a pointwise
// convolution.
#pragma once

#include "kernels/convolution/convolution.hpp"
#include "kernels/pointwise/dots_body.hpp"

namespace riffle::kernels {

template <class S>
struct ConvolutionDots {
  using Value = typename S::Value;
  using Tiles = DotTiles<S>;

  template <class Inputs>
  static RIFFLE_INLINE void gather(const ConvolutionArgs& args, const Addresses& memory, std::int32_t group,
                                   std::int32_t pixel, Inputs& inputs) {
    const Extent& extent = args.extent;
    const Window& window = args.window;
    const std::int32_t top = pixel / extent.out_w * window.stride_h - window.pad_top;
    const std::int32_t left = pixel % extent.out_w * window.stride_w - window.pad_left;
    for (std::int32_t i = 0; i < window.kernel_h; ++i) {
      const std::int32_t y = top + i * window.dilation_h;
      for (std::int32_t j = 0; j < window.kernel_w; ++j) {
        const std::int32_t x = left + j * window.dilation_w;
        if (y < 0 || y >= extent.in_h || x < 0 || x >= extent.in_w) {
          inputs.add(nullptr, args.inputs);
          continue;
        }
        for (std::int32_t r = args.run_begin[group]; r < args.run_begin[group + 1]; ++r) {
          const ChannelRun& run = args.runs[r];
          inputs.add(memory.read<Value>(run.first) + slot(y * extent.in_w + x, run.ring) * run.pixel_stride,
                     run.channels);
        }
      }
    }
  }

  static void run(const ConvolutionArgs& args, const Addresses& memory, TileRange range) {
    const Extent& extent = args.extent;
    const std::int32_t panels = panel_count(args.outputs, S::lanes, S::max_vectors);
    const std::int32_t first = range.first * args.tile_rows;
    const std::int32_t last = range.last * args.tile_rows < extent.out_h ? range.last * args.tile_rows : extent.out_h;
    const std::int32_t terms = args.window.kernel_h * args.window.kernel_w * args.inputs;
    for (std::int32_t group = 0; group < args.groups; ++group) {
      typename Tiles::Job job{};
      job.memory = &memory;
      job.pixel = first * extent.out_w;
      job.clamp = &args.clamp;
      job.out_stride = args.output.pixel_stride;
      job.out = memory.write<Value>(args.output.first) + job.pixel * job.out_stride + group * args.outputs;
      Tiles::run_panels(
          job, {args.packed, args.residual, group, terms, args.outputs, 0}, 0, panels, (last - first) * extent.out_w,
          {}, [&](std::int32_t pixel, auto& inputs) __attribute__((always_inline)) {
            gather(args, memory, group, first * extent.out_w + pixel, inputs);
          });
    }
  }

  static constexpr ConvolutionKernel kernel(const char* name) {
    return {name, {S::type, S::type, S::type}, S::lanes, S::max_vectors, run, Tiles::form,
            0,    Tiles::most_quads,           S::dot};
  }
};

}  // namespace riffle::kernels
