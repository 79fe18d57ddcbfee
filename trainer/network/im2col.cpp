#include "trainer/network/im2col.hpp"

namespace riffle::trainer {

/// Calls f(floats of the matrix, floats of the image or null outside it, how many) for what the windows read: a row of
/// a window at once where it lies inside and side by side, else a tap's channels of a group.
template <class Row, class Image, class F>
void Im2col::for_taps(Row* rows, Image* image, std::int64_t pixel, std::int32_t count, F&& f) const {
  const kernels::Window& w = window_;
  const std::int32_t inputs = w.kernel_h * w.kernel_w * group_channels_;  // of a group
  std::int32_t out_y = static_cast<std::int32_t>(pixel / extent_.out_w);
  std::int32_t out_x = static_cast<std::int32_t>(pixel % extent_.out_w);
  const std::int32_t reach = (w.kernel_w - 1) * w.dilation_w;
  for (std::int32_t p = 0; p < count; ++p, rows += row_stride_) {
    const std::int32_t top = out_y * w.stride_h - w.pad_top, left = out_x * w.stride_w - w.pad_left;
    const bool whole_rows = groups_ == 1 && w.dilation_w == 1 && left >= 0 && left + reach < extent_.in_w;
    for (std::int32_t i = 0; i < w.kernel_h; ++i) {
      const std::int32_t y = top + i * w.dilation_h;
      const bool inside = y >= 0 && y < extent_.in_h;
      Row* row = rows + i * w.kernel_w * group_channels_;
      if (whole_rows) {
        Image* const there = image + (static_cast<std::int64_t>(y) * extent_.in_w + left) * pixel_stride_;
        f(row, inside ? there : nullptr, w.kernel_w * group_channels_);
        continue;
      }
      for (std::int32_t j = 0; j < w.kernel_w; ++j, row += group_channels_) {
        const std::int32_t x = left + j * w.dilation_w;
        const bool tap_inside = inside && x >= 0 && x < extent_.in_w;
        Image* const there = image + (static_cast<std::int64_t>(y) * extent_.in_w + x) * pixel_stride_;
        for (std::int32_t h = 0; h < groups_; ++h) {
          f(row + h * inputs, tap_inside ? there + h * group_channels_ : nullptr, group_channels_);
        }
      }
    }
    if (++out_x == extent_.out_w) out_x = 0, ++out_y;
  }
}

void Im2col::unfold(const float* image, std::int64_t pixel, std::int32_t count, float* rows) const {
  for_taps(rows, image, pixel, count, [](float* to, const float* from, std::int32_t floats) {
    if (from == nullptr) {
      for (std::int32_t c = 0; c < floats; ++c) to[c] = 0.0F;
    } else {
      for (std::int32_t c = 0; c < floats; ++c) to[c] = from[c];
    }
  });
}

void Im2col::fold(const float* rows, std::int64_t pixel, std::int32_t count, float* image) const {
  for_taps(rows, image, pixel, count, [](const float* from, float* to, std::int32_t floats) {
    if (to == nullptr) return;
    for (std::int32_t c = 0; c < floats; ++c) to[c] += from[c];
  });
}

}  // namespace riffle::trainer
