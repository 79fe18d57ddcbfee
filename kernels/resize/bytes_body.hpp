// The body of linear resizing of bytes; see resize.hpp for the equation.
//
// Plain loops without a branch, which compilers make vectors of.
#pragma once

#include "kernels/pool/bytes_body.hpp"
#include "kernels/resize/rows.hpp"

namespace riffle::kernels {

template <class B>
struct ResizingBytes {
  using Byte = typename B::Byte;

  static void run(const ResizeArgs& args, const Addresses& memory, TileRange range) {
    for_resized_rows<Byte>(
        args, memory, range, [&](const ResizedRow<Byte>& row) __attribute__((always_inline)) { run_row(args, row); });
  }

  static RIFFLE_INLINE void run_row(const ResizeArgs& args, const ResizedRow<Byte>& row) {
    const std::int32_t lower = parts_of(row.weight), upper = resize_parts - lower;
    const std::int32_t zeros = resize_parts * resize_parts * args.zeros.input, zero = args.zeros.output;
    const Clamp clamp = args.clamp;
    const float factor = args.factor;
    const std::int32_t channels = row.channels;  // a copy, which no store can be taken to change
    Byte* to = row.to;
    for (std::int32_t x = 0; x < args.extent.out_w; ++x, to += args.output.pixel_stride) {
      const Between column = args.columns[x];
      const std::int32_t right = parts_of(column.weight), left = resize_parts - right;
      const std::int64_t first = std::int64_t{column.first} * row.pixel_stride;
      const std::int64_t second = std::int64_t{column.second} * row.pixel_stride;
      const Byte *const a = row.above + first, *const b = row.above + second, *const c = row.below + first,
                        *const d = row.below + second;
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
