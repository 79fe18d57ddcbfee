// Numbers of one type to numbers of another, channel-wise on channel runs:
//
//   out[p][c] = to(from(in[p][c]))
//
//   from: of f16 and bf16 the value, of i8 and u8 from.scale * (q - from.zero_point), of i32 the nearest
//   to:   f16 and bf16 the nearest, ties to even, infinity where it is too large; a NaN stays one, with
//         the upper bits of its own;
//         i8 and u8 round(x / to.scale) + to.zero_point, ties to even, the nearest of those that there are; a NaN
//         becomes the smallest (ONNX QuantizeLinear, which says nothing of NaNs);
//         i32 likewise, without a scale
//
// One of the two types is f32. Every instruction set computes the same bits, in the rounding mode that programs start
// with. Reads nothing outside the runs; writes exactly their channels; the two do not overlap.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

struct ConvertArgs {
  std::int32_t pixels = 0;
  const ChannelwiseRun* runs = nullptr;
  std::int32_t run_count = 0;
  Quantization from, to;
  Block output;
  std::int32_t tile_pixels = 0;
  std::int32_t tiles = 0;  ///< ceil(pixels / tile_pixels)
};

struct ConvertKernel {
  static constexpr std::string_view operation = "convert";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const ConvertArgs&, const Addresses&, TileRange) = nullptr;
};

/// The equations in double, of any two types.
void convert_reference(const ConvertArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
