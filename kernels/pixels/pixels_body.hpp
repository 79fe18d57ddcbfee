// The one body of the pixels kernels; see pixels.hpp for the equation. Bits are moved: a body a size of numbers.
#pragma once

#include <type_traits>

#include "kernels/pixels/pixels.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

/// Of numbers of so many bytes.
template <class S, std::int32_t Bytes>
struct Pixels {
  using Number =
      std::conditional_t<Bytes == 1, std::uint8_t, std::conditional_t<Bytes == 2, std::uint16_t, std::uint32_t>>;

  /// A row of the result. Pieces of 16 bytes, of which the last one may overlap the one before; what is less, number by
  /// number.
  static RIFFLE_INLINE void copy(const Number* from, Number* to, std::int32_t count) {
    constexpr std::int32_t piece = 16 / Bytes;
    if (count < piece) {
      for (std::int32_t i = 0; i < count; ++i) to[i] = from[i];
      return;
    }
    for (std::int32_t i = 0; i < count - piece; i += piece) __builtin_memcpy(to + i, from + i, 16);
    __builtin_memcpy(to + count - piece, from + count - piece, 16);
  }

  static void run(const PixelsArgs& args, const Addresses& memory, TileRange range) {
    const auto fill = static_cast<Number>(args.fill);
    const std::int32_t stop = range.last * args.tile_rows;
    const std::int32_t end = stop < args.extent.out_h ? stop : args.extent.out_h;
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.runs[r].input;
      const Number* const input = memory.read<Number>(run.first);
      Number* const output = memory.write<Number>(args.output.first) + args.runs[r].output_channel;
      for (std::int32_t y = range.first * args.tile_rows; y < end; ++y) {
        const std::int64_t row = args.rows[y];
        const Number* const from = input + (row < 0 ? 0 : row * args.extent.in_w * run.pixel_stride);
        Number* to = output + static_cast<std::int64_t>(y) * args.extent.out_w * args.output.pixel_stride;
        for (std::int32_t x = 0; x < args.extent.out_w; ++x, to += args.output.pixel_stride) {
          const std::int64_t column = args.columns[x];
          if (row < 0 || column < 0) {
            for (std::int32_t c = 0; c < run.channels; ++c) to[c] = fill;
          } else {
            copy(from + column * run.pixel_stride, to, run.channels);
          }
        }
      }
    }
  }

  static constexpr PixelsKernel kernel(const char* name, Type type) {
    return {name, {type, Type::f32, type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
