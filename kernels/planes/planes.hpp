// Layout conversion: the caller's NCHW planes to channels-last and back, from one type to another.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// planes[c][p] -> block[p][c]
struct FromPlanesArgs {
  std::int32_t pixels = 0;
  std::int32_t channels = 0;
  Numbers planes;
  Block output;
  std::int32_t tile_pixels = 0;
  std::int32_t tiles = 0;  ///< ceil(pixels / tile_pixels)
};

/// runs -> planes[run.output_channel + c][p]
struct ToPlanesArgs {
  std::int32_t pixels = 0;
  const ChannelwiseRun* runs = nullptr;
  std::int32_t run_count = 0;
  Numbers planes;
  std::int32_t tile_pixels = 0;
  std::int32_t tiles = 0;  ///< ceil(pixels / tile_pixels)
};

struct PlanesKernel {
  static constexpr std::string_view operation = "planes";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*from_planes)(const FromPlanesArgs&, const Addresses&, TileRange) = nullptr;
  void (*to_planes)(const ToPlanesArgs&, const Addresses&, TileRange) = nullptr;
};

void from_planes_reference(const FromPlanesArgs& args, const Addresses& memory);
void to_planes_reference(const ToPlanesArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
