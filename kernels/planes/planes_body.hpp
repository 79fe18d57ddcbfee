// The one body of the planes kernels; see planes.hpp for the equations.
//
// Scalar copies: the border has few channels (an image's) or few pixels (a classifier's one), and neither makes a
// transpose in registers worth its code.
#pragma once

#include <type_traits>

#include "kernels/planes/planes.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

/// Numbers of type `In` become numbers of type `Out`.
template <class S, class In = typename S::Value, class Out = In>
struct Planes {
  /// Pixels that are moved channel by channel before the next: their cache lines stay in L1.
  static constexpr std::int32_t chunk = 16;

  /// Bytes that stand as i8 are those of u8 less 128.
  static RIFFLE_INLINE Out as_out(In x) {
    if constexpr (sizeof(In) == 1 && !std::is_same_v<In, Out>) {
      return static_cast<Out>(x ^ 0x80);
    } else {
      return static_cast<Out>(x);
    }
  }

  static RIFFLE_INLINE std::int32_t smaller(std::int32_t a, std::int32_t b) { return a < b ? a : b; }

  static void from_planes(const FromPlanesArgs& args, const Addresses& memory, TileRange range) {
    const In* const planes = memory.read<In>(args.planes.first);
    Out* const output = memory.write<Out>(args.output.first);
    const std::int64_t stride = args.output.pixel_stride;
    const std::int32_t last = smaller(range.last * args.tile_pixels, args.pixels);
    for (std::int32_t begin = range.first * args.tile_pixels; begin < last; begin += chunk) {
      const std::int32_t end = smaller(begin + chunk, last);
      for (std::int32_t c = 0; c < args.channels; ++c) {
        const In* const plane = planes + static_cast<std::int64_t>(c) * args.pixels;
        for (std::int32_t p = begin; p < end; ++p) output[p * stride + c] = as_out(plane[p]);
      }
    }
  }

  static void to_planes(const ToPlanesArgs& args, const Addresses& memory, TileRange range) {
    Out* const planes = memory.write<Out>(args.planes.first);
    const std::int32_t last = smaller(range.last * args.tile_pixels, args.pixels);
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.runs[r].input;
      const In* const from = memory.read<In>(run.first);
      const std::int64_t stride = run.pixel_stride;
      for (std::int32_t begin = range.first * args.tile_pixels; begin < last; begin += chunk) {
        const std::int32_t end = smaller(begin + chunk, last);
        for (std::int32_t c = 0; c < run.channels; ++c) {
          Out* const plane = planes + static_cast<std::int64_t>(args.runs[r].output_channel + c) * args.pixels;
          for (std::int32_t p = begin; p < end; ++p) plane[p] = as_out(from[p * stride + c]);
        }
      }
    }
  }

  static constexpr PlanesKernel kernel(const char* name) {
    return {name, {simd::type_of<In>, Type::f32, simd::type_of<Out>}, S::lanes, from_planes, to_planes};
  }
};

}  // namespace riffle::kernels
