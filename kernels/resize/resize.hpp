// Linear resizing: each pixel of the result lies between two rows and two columns of the operand.
//
//   line(y', x) = in[y'][columns[x].first] * (1 - columns[x].weight) + in[y'][columns[x].second] * columns[x].weight
//   out[y][x] = line(rows[y].first, x) * (1 - rows[y].weight) + line(rows[y].second, x) * rows[y].weight
//
// Of bytes, weights are whole 128ths, parts_of(weight) of them, so that a result is the sum of four integers times
// theirs, exactly: out = clamp(round(sum * factor)) + zeros.output, where the sum is of integers less zeros.input and
// the product is f32.
//
// Reads nothing outside the runs; writes exactly their channels.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// A place between two rows, or columns, of the operand, which may be one.
struct Between {
  std::int32_t first = 0, second = 0;
  float weight = 0.0F;  ///< of the second one, 0 to 1
  bool operator==(const Between&) const = default;
};

/// Of bytes: what weights are whole parts of, and how many of them one is.
inline constexpr std::int32_t resize_parts = 128;
RIFFLE_INLINE std::int32_t parts_of(float weight) { return static_cast<std::int32_t>(weight * resize_parts + 0.5F); }

struct ResizeArgs {
  Extent extent;
  const Between* rows = nullptr;     ///< out_h of them
  const Between* columns = nullptr;  ///< out_w of them
  const ChannelwiseRun* runs = nullptr;
  std::int32_t run_count = 0;
  Clamp clamp = {};       ///< of bytes
  ZeroPoints zeros = {};  ///< of bytes
  float factor = 1.0F;    ///< of bytes: 1 / (the result's scale * resize_parts^2)
  Block output;
  std::int32_t tile_rows = 0;
  std::int32_t tiles = 0;  ///< ceil(out_h / tile_rows)
};

struct ResizeKernel {
  static constexpr std::string_view operation = "resize";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const ResizeArgs&, const Addresses&, TileRange) = nullptr;
};

void resize_reference(const ResizeArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
