// What is the same for every gradient through windows: an image and its outputs, some rows at a time. Rows are whole
// vectors long (gather_scatter.hpp); of an image, and of its outputs, a ring buffer of rows is there
// (kernels/types.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/types.hpp"

namespace riffle::trainer {

using kernels::Extent;
using kernels::Window;

/// An image as rows of pixels, and its gradient likewise; the outputs.
struct WindowArgs {
  Extent extent;
  Window window;
  std::int32_t channels = 0;
  std::ptrdiff_t in_stride = 0, out_stride = 0;  ///< floats from pixel to pixel
  std::int32_t in_ring = 0, out_ring = 0;        ///< pixels
  bool count_padding = false;                    ///< average pooling
};

/// Neighbouring rows of an image.
struct Rows {
  std::int32_t begin = 0, end = 0;
};

}  // namespace riffle::trainer
