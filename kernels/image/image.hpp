// An 8-bit image to a normalised input tensor.
//
//   out[c][y][x] = scale[c] * pixel(y, x, c) + shift[c]
//
// where pixel is the image resized bilinearly to out_h x out_w with half-pixel centres and no antialiasing
// (torch.nn.functional.interpolate with align_corners=False: source = (d + 0.5) * in / out - 0.5, clamped at the
// image's border). PyTorch's Normalize(mean, std) on pixels / 255 is scale = 1 / (255 std), shift = -mean / std.
#pragma once

#include "kernels/types.hpp"

namespace riffle::kernels {

struct ImageArgs {
  const std::uint8_t* pixels = nullptr;  ///< in_h rows of in_w interleaved pixels
  std::int64_t row_stride = 0;           ///< bytes
  std::int32_t channels = 0;             ///< 1 to 4
  std::int32_t in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  float scale[4] = {1, 1, 1, 1};
  float shift[4] = {0, 0, 0, 0};
  float* output = nullptr;  ///< `channels` planes of out_h * out_w floats
};

struct ImageKernel {
  const char* name = nullptr;
  std::int32_t lanes = 0;
  void (*run)(const ImageArgs&) = nullptr;
};

void image_reference(const ImageArgs& args);

}  // namespace riffle::kernels
