// The windows of a convolution as rows of a matrix, and back (im2col, col2im).
//
//   image, 2x2 windows, stride 1      rows: a window each, pixel after pixel, the channels of a pixel side by side
//   a b c                             a b d e
//   d e f                 unfold      b c e f
//   g h i                ------->     d e g h
//                                     e f h i
//
// Of several groups a row has group after group, each with its own channels of the window's pixels.
#pragma once

#include <cstdint>

#include "kernels/types.hpp"

namespace riffle::trainer {

class Im2col {
 public:
  /// Rows are `row_stride` floats apart; an image's pixels have their groups * group_channels floats side by side.
  Im2col(const kernels::Window& window, const kernels::Extent& extent, std::int32_t groups, std::int32_t group_channels,
         std::int64_t row_stride)
      : window_(window),
        extent_(extent),
        groups_(groups),
        group_channels_(group_channels),
        row_stride_(row_stride),
        pixel_stride_(std::int64_t{groups} * group_channels) {}

  [[nodiscard]] std::int64_t image_floats() const { return std::int64_t{extent_.in_h} * extent_.in_w * pixel_stride_; }

  /// Writes the windows of the outputs [pixel, pixel + count) of an image: 0 for what lies outside of it.
  void unfold(const float* image, std::int64_t pixel, std::int32_t count, float* rows) const;

  /// The gradient of unfold(): adds the rows to the image's pixels. Those that several windows hold add up.
  void fold(const float* rows, std::int64_t pixel, std::int32_t count, float* image) const;

 private:
  template <class Row, class Image, class F>
  void for_taps(Row* rows, Image* image, std::int64_t pixel, std::int32_t count, F&& f) const;

  kernels::Window window_;
  kernels::Extent extent_;
  std::int32_t groups_, group_channels_;
  std::int64_t row_stride_, pixel_stride_;
};

}  // namespace riffle::trainer
