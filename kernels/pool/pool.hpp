// Max, average and global average pooling, fp32, channel-wise on channel runs.
//
//   max:      out[y][x][c] = clamp(max of the window's pixels inside the image)
//   average:  out[y][x][c] = clamp(sum of the window's pixels inside the image / divisor); the divisor is the window's
//             size where the padding counts (and only the part inside image + padding counts), else the number of
//             pixels inside the image
//   global:   out[c] = clamp(mean over all pixels)
//
// Every window holds at least one pixel of the image. A NaN anywhere in a window is its maximum, and its mean. Reads
// nothing outside the runs; writes exactly their channels. The runs of max and average pooling may be rings.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

struct PoolArgs {
  Extent extent;
  Window window;
  bool count_padding = false;  ///< average only
  const ChannelwiseRun* runs = nullptr;
  std::int32_t run_count = 0;
  Clamp clamp;
  ZeroPoints zeros = {};  ///< of bytes; a maximum's are the same
  float scale = 1.0F;     ///< of bytes: what a mean is divided by
  Block output;
  std::int32_t tile_rows = 0;
  std::int32_t tiles = 0;  ///< ceil(out_h / tile_rows)
};

struct GlobalAveragePoolArgs {
  std::int32_t pixels = 0;
  const ChannelwiseRun* runs = nullptr;
  std::int32_t run_count = 0;
  Clamp clamp;
  ZeroPoints zeros = {};  ///< of bytes
  float scale = 1.0F;     ///< of bytes: what a mean is divided by
  Block output;
  std::int32_t tiles = 0;  ///< each takes an even share of the output vectors, run after run
};

struct PoolKernel {
  static constexpr std::string_view operation = "pool";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*max)(const PoolArgs&, const Addresses&, TileRange) = nullptr;
  void (*average)(const PoolArgs&, const Addresses&, TileRange) = nullptr;
  void (*global_average)(const GlobalAveragePoolArgs&, const Addresses&, TileRange) = nullptr;
};

// Of bytes: a mean is clamp(round(sum * factor)) + zeros.output with the sum of the bytes less zeros.input, an integer,
// and factor = 1 / (scale * divisor) in double, rounded to f32.

/// The factor of a mean of bytes.
RIFFLE_INLINE float mean_factor(float scale, std::int32_t divisor) {
  return static_cast<float>(1.0 / (static_cast<double>(scale) * divisor));
}

void max_pool_reference(const PoolArgs& args, const Addresses& memory);
void average_pool_reference(const PoolArgs& args, const Addresses& memory);
void global_average_pool_reference(const GlobalAveragePoolArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
