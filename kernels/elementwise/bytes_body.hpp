// The body of the elementwise kernels of bytes; see elementwise.hpp for the equation.
//
// Plain loops without a branch, which compilers make vectors of.
#pragma once

#include "kernels/elementwise/elementwise.hpp"
#include "kernels/pool/bytes_body.hpp"

namespace riffle::kernels {

template <class B>
struct ElementwiseBytes {
  using Byte = typename B::Byte;

  static void run(const ElementwiseArgs& args, const Addresses& memory, TileRange range) {
    const std::int32_t stop = range.last * args.tile_pixels;
    const std::int32_t begin = range.first * args.tile_pixels, end = stop < args.pixels ? stop : args.pixels;
    const Clamp clamp = args.clamp;
    const float factor = args.factor;
    const std::int32_t zero = args.zeros.output;
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& a = args.a[r].input;
      Byte* const out = memory.write<Byte>(args.output.first) + args.a[r].output_channel;
      const Byte* const in = memory.read<Byte>(a.first);
      const Byte* const other = args.b == nullptr ? nullptr : memory.read<Byte>(args.b[r].first);
      const std::int32_t zeros = args.zeros.input + (other == nullptr ? 0 : args.zeros.residual);
      for (std::int64_t p = begin; p < end; ++p) {
        const Byte* const x = in + p * a.pixel_stride;
        Byte* __restrict const to = out + p * args.output.pixel_stride;
        if (other == nullptr) {
          for (std::int32_t c = 0; c < a.channels; ++c) {
            to[c] = PoolingBytes<B>::finished(std::int32_t{x[c]} - zeros, factor, clamp, zero);
          }
        } else {
          const Byte* const y = other + p * args.b[r].pixel_stride;
          for (std::int32_t c = 0; c < a.channels; ++c) {
            to[c] = PoolingBytes<B>::finished(std::int32_t{x[c]} + std::int32_t{y[c]} - zeros, factor, clamp, zero);
          }
        }
      }
    }
  }

  static constexpr ElementwiseKernel kernel(const char* name) {
    return {name, {B::byte_type, Type::f32, B::byte_type}, B::lanes, run};
  }
};

}  // namespace riffle::kernels
