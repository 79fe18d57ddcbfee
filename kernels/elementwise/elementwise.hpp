// Add, activation and copy on channel runs, fp32: out[p][c] = clamp(a[p][c] + b[p][c]), b optional.
//
// This is what remains where nothing could be fused, and the copy that a network outside the family needs when a
// shuffle reaches its output. a and b are cut alike: piece i of `a` and piece i of `b` have the same channels and land
// at a[i].output_channel. Of bytes, out = clamp(round((a - zeros.input + b - zeros.residual) * factor)) + zeros.output,
// where the sum is an integer and the product is f32. Reads nothing outside the runs; writes exactly their channels.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

struct ElementwiseArgs {
  std::int32_t pixels = 0;
  const ChannelwiseRun* a = nullptr;
  const ChannelRun* b = nullptr;  ///< null, or run_count runs
  std::int32_t run_count = 0;
  Clamp clamp;
  ZeroPoints zeros = {};  ///< of bytes: a's, b's, the result's
  float factor = 1.0F;    ///< of bytes
  Block output;
  std::int32_t tile_pixels = 0;
  std::int32_t tiles = 0;  ///< ceil(pixels / tile_pixels)
};

struct ElementwiseKernel {
  static constexpr std::string_view operation = "elementwise";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const ElementwiseArgs&, const Addresses&, TileRange) = nullptr;
};

void elementwise_reference(const ElementwiseArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
