// The body of linear resizing of bytes; see resize.hpp for the equation.
//
// Plain loops without a branch, which compilers make vectors of.
#pragma once

#include "kernels/pool/bytes_body.hpp"
#include "kernels/resize/resize.hpp"

namespace riffle::kernels {

template <class B>
struct ResizingBytes {
  using Byte = typename B::Byte;

  static void run(const ResizeArgs& args, const Addresses& memory, TileRange range) {
    const std::int32_t stop = range.last * args.tile_rows;
    const std::int32_t end = stop < args.extent.out_h ? stop : args.extent.out_h;
    for (std::int32_t y = range.first * args.tile_rows; y < end; ++y) {
      for (std::int32_t r = 0; r < args.run_count; ++r) run_row(args, memory, y, args.runs[r]);
    }
  }

  static RIFFLE_INLINE void run_row(const ResizeArgs& args, const Addresses& memory, std::int32_t y,
                                    const ChannelwiseRun& of) {
    const ChannelRun& run = of.input;
    const Between row = args.rows[y];
    const std::int64_t row_stride = std::int64_t{args.extent.in_w} * run.pixel_stride;
    const Byte* const above = memory.read<Byte>(run.first) + row.first * row_stride;
    const Byte* const below = memory.read<Byte>(run.first) + row.second * row_stride;
    Byte* to = memory.write<Byte>(args.output.first) + of.output_channel +
               static_cast<std::int64_t>(y) * args.extent.out_w * args.output.pixel_stride;
    const std::int32_t lower = parts_of(row.weight), upper = resize_parts - lower;
    const std::int32_t zeros = resize_parts * resize_parts * args.zeros.input, zero = args.zeros.output;
    const Clamp clamp = args.clamp;
    const float factor = args.factor;
    const std::int32_t channels = run.channels;  // a copy, which no store can be taken to change
    for (std::int32_t x = 0; x < args.extent.out_w; ++x, to += args.output.pixel_stride) {
      const Between column = args.columns[x];
      const std::int32_t right = parts_of(column.weight), left = resize_parts - right;
      const std::int64_t first = std::int64_t{column.first} * run.pixel_stride;
      const std::int64_t second = std::int64_t{column.second} * run.pixel_stride;
      const Byte *const a = above + first, *const b = above + second, *const c = below + first,
                        *const d = below + second;
      Byte* __restrict const out = to;
      for (std::int32_t i = 0; i < channels; ++i) {
        const std::int32_t sum = (a[i] * left + b[i] * right) * upper + (c[i] * left + d[i] * right) * lower;
        out[i] = PoolingBytes<B>::finished(sum - zeros, factor, clamp, zero);
      }
    }
  }

  static constexpr ResizeKernel kernel(const char* name) {
    return {name, {B::byte_type, Type::f32, B::byte_type}, B::lanes, run};
  }
};

}  // namespace riffle::kernels
