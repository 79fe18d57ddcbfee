// The body of the general convolution of bytes; see convolution.hpp for the equation and the packing.
//
// The taps of a few output pixels are copied side by side (im2col), up to 32 KiB of them; the register tile of
// pointwise.hpp then reads each pixel's as one run.
#pragma once

#include "kernels/convolution/convolution.hpp"
#include "kernels/pointwise/bytes_body.hpp"

namespace riffle::kernels {

template <class B, class Out = typename B::Byte>
struct ConvolutionBytes {
  using Byte = typename B::Byte;
  using Tiles = PointwiseBytes<B, Out>;

  static constexpr std::int32_t buffer_bytes = ConvolutionKernel::most_terms + 4;

  /// Taps are copied in pieces of so many bytes. What is behind a tap's last channel the next tap overwrites, or the
  /// next pixel.
  static constexpr std::int32_t piece = 16;

  /// All taps of output (y, x) of a group, in the order of the packed weights.
  static RIFFLE_INLINE void copy_taps(const ConvolutionArgs& args, const Addresses& memory, std::int32_t group,
                                      std::int32_t y, std::int32_t x, Byte* to) {
    const Extent& extent = args.extent;
    const Window& window = args.window;
    const int zero = args.byte_zeros.input;
    for (std::int32_t i = 0; i < window.kernel_h; ++i) {
      const std::int32_t in_y = y * window.stride_h - window.pad_top + i * window.dilation_h;
      for (std::int32_t j = 0; j < window.kernel_w; ++j) {
        const std::int32_t in_x = x * window.stride_w - window.pad_left + j * window.dilation_w;
        if (in_y < 0 || in_y >= extent.in_h || in_x < 0 || in_x >= extent.in_w) {
          Byte zeros[piece];
          for (Byte& one : zeros) one = static_cast<Byte>(zero);
          for (std::int32_t c = 0; c < args.inputs; c += piece) __builtin_memcpy(to + c, zeros, piece);
          to += args.inputs;
          continue;
        }
        const std::int32_t pixel = in_y * extent.in_w + in_x;
        for (std::int32_t r = args.run_begin[group]; r < args.run_begin[group + 1]; ++r) {
          const ChannelRun& run = args.runs[r];
          const Byte* const from = memory.read<Byte>(run.first) + slot(pixel, run.ring) * run.pixel_stride;
          for (std::int32_t c = 0; c < run.channels; c += piece) __builtin_memcpy(to + c, from + c, piece);
          to += run.channels;
        }
      }
    }
  }

  static void run(const ConvolutionArgs& args, const Addresses& memory, TileRange range) {
    const Extent& extent = args.extent;
    const std::int32_t terms = args.window.kernel_h * args.window.kernel_w * args.inputs;
    const std::int32_t quads = filled_quads(B::form, (terms + 3) / 4);
    const std::int32_t panels = panel_count(args.outputs, B::lanes, B::max_vectors);
    alignas(64) Byte buffer[buffer_bytes + 64];  // by-lane loads reach behind the last pixel's end
    const std::int32_t at_once = buffer_bytes / (quads * 4);
    const ChannelRun copied{{}, quads * 4, terms, 0, B::byte_type};
    Addresses buffered;
    buffered.arena = reinterpret_cast<std::byte*>(buffer);
    typename Tiles::Job job{};
    job.memory = &buffered;
    job.residual_memory = &memory;
    job.runs = &copied;
    job.run_count = 1;
    job.clamp = &args.clamp;
    job.zeros = &args.byte_zeros;
    job.out_stride = args.output.pixel_stride;
    const std::int32_t end_row =
        range.last * args.tile_rows < extent.out_h ? range.last * args.tile_rows : extent.out_h;
    const std::int32_t end = end_row * extent.out_w;
    for (std::int32_t group = 0; group < args.groups; ++group) {
      for (std::int32_t first = range.first * args.tile_rows * extent.out_w; first < end; first += at_once) {
        const std::int32_t count = end - first < at_once ? end - first : at_once;
        for (std::int32_t p = 0; p < count; ++p) {
          const std::int32_t pixel = first + p;
          copy_taps(args, memory, group, pixel / extent.out_w, pixel % extent.out_w, buffer + p * quads * 4);
        }
        job.residual_pixel = first;
        job.out = memory.write<Out>(args.output.first) + first * job.out_stride + group * args.outputs;
        Tiles::run_panels(job, {args.packed, args.residual, args.groups, group, quads, args.outputs, 0}, 0, panels, 0,
                          count);
      }
    }
  }

  static constexpr ConvolutionKernel kernel(const char* name) {
    return {name,
            {B::byte_type, Type::i8, simd::type_of_result<B, Out>},
            B::lanes,
            B::max_vectors,
            run,
            B::form,
            Tiles::fewest_quads,
            Tiles::most_quads};
  }
};

}  // namespace riffle::kernels
