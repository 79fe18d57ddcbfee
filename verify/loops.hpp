// The loops of a network's equations.
#pragma once

#include "verify/interpret.hpp"

namespace riffle::verify {

/// Calls f(n, y, x) for every pixel of the batch.
template <class F>
void for_each_pixel(const Tensor& tensor, F&& f) {
  for (std::int64_t n = 0; n < tensor.batch; ++n) {
    for (std::int64_t y = 0; y < tensor.shape.h; ++y) {
      for (std::int64_t x = 0; x < tensor.shape.w; ++x) f(n, y, x);
    }
  }
}

/// Calls f(y, x, tap) for the taps of the window of output (out_y, out_x) that are inside an image of this size.
template <class F>
void for_each_tap(const kernels::Window& w, std::int64_t height, std::int64_t width, std::int64_t out_y,
                  std::int64_t out_x, F&& f) {
  for (std::int64_t i = 0; i < w.kernel_h; ++i) {
    for (std::int64_t j = 0; j < w.kernel_w; ++j) {
      const std::int64_t y = out_y * w.stride_h - w.pad_top + i * w.dilation_h;
      const std::int64_t x = out_x * w.stride_w - w.pad_left + j * w.dilation_w;
      if (y >= 0 && y < height && x >= 0 && x < width) f(y, x, i * w.kernel_w + j);
    }
  }
}

}  // namespace riffle::verify
