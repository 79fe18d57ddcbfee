// The one body of the planes kernels; see planes.hpp for the equations.
//
// Scalar copies: the border has few channels (an image's) or few pixels (a classifier's one), and neither makes a
// transpose in registers worth its code.
#pragma once

#include "kernels/planes/planes.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

template <class S>
struct Planes {
  /// Pixels that are moved channel by channel before the next: their cache lines stay in L1.
  static constexpr std::int32_t chunk = 16;

  static RIFFLE_INLINE std::int32_t smaller(std::int32_t a, std::int32_t b) { return a < b ? a : b; }

  static void from_planes(const FromPlanesArgs& args, const Addresses& memory, TileRange range) {
    const float* const planes = memory.read(args.planes);
    float* const output = memory.write(args.output.first);
    const std::int64_t stride = args.output.pixel_stride;
    const std::int32_t last = smaller(range.last * args.tile_pixels, args.pixels);
    for (std::int32_t begin = range.first * args.tile_pixels; begin < last; begin += chunk) {
      const std::int32_t end = smaller(begin + chunk, last);
      for (std::int32_t c = 0; c < args.channels; ++c) {
        const float* const plane = planes + static_cast<std::int64_t>(c) * args.pixels;
        for (std::int32_t p = begin; p < end; ++p) output[p * stride + c] = plane[p];
      }
    }
  }

  static void to_planes(const ToPlanesArgs& args, const Addresses& memory, TileRange range) {
    float* const planes = memory.write(args.planes);
    const std::int32_t last = smaller(range.last * args.tile_pixels, args.pixels);
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.runs[r].input;
      const float* const from = memory.read(run.first);
      const std::int64_t stride = run.pixel_stride;
      for (std::int32_t begin = range.first * args.tile_pixels; begin < last; begin += chunk) {
        const std::int32_t end = smaller(begin + chunk, last);
        for (std::int32_t c = 0; c < run.channels; ++c) {
          float* const plane = planes + static_cast<std::int64_t>(args.runs[r].output_channel + c) * args.pixels;
          for (std::int32_t p = begin; p < end; ++p) plane[p] = from[p * stride + c];
        }
      }
    }
  }

  static constexpr PlanesKernel kernel(const char* name) { return {name, {}, S::lanes, from_planes, to_planes}; }
};

}  // namespace riffle::kernels
