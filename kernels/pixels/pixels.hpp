// A choice of pixels, of numbers of any type: out[y][x] = in[rows[y]][columns[x]], or `fill` where either is -1.
//
// Nearest resizing, cropping with or without steps, and padding of every kind are this, and so is what repeats or
// mirrors. Reads nothing outside the runs; writes exactly their channels.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

struct PixelsArgs {
  Extent extent;
  const std::int32_t* rows = nullptr;     ///< out_h of them, each a row of the operand or -1
  const std::int32_t* columns = nullptr;  ///< out_w of them, likewise
  const ChannelwiseRun* runs = nullptr;
  std::int32_t run_count = 0;
  std::uint32_t fill = 0;  ///< the number's bits, the lowest of as many as the type has
  Block output;
  std::int32_t tile_rows = 0;
  std::int32_t tiles = 0;  ///< ceil(out_h / tile_rows)
};

struct PixelsKernel {
  static constexpr std::string_view operation = "pixels";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const PixelsArgs&, const Addresses&, TileRange) = nullptr;
};

void pixels_reference(const PixelsArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
