// Layers with weights, and averages, as matrices: what the choice of scales and the rounding of weights look at.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "quantise/walk.hpp"

namespace riffle::quantise {

/// A convolution, a fully connected layer, or an average, as a matrix a group: (outputs, inputs * taps),
/// its columns input by input.
struct Matrix {
  kernels::Window window;
  kernels::Extent extent;
  std::int32_t groups = 1, inputs = 0, outputs = 0, taps = 1;  ///< inputs and outputs of one group
  std::vector<float> weights;                                  ///< (groups * outputs, inputs * taps)
  bool is_average = false;                                     ///< its weights are no integers' products

  [[nodiscard]] std::int32_t columns() const { return inputs * taps; }
  [[nodiscard]] std::span<const float> row(std::int32_t output) const {
    const auto size = static_cast<std::size_t>(columns());
    return std::span(weights).subspan(static_cast<std::size_t>(output) * size, size);
  }
};

/// Nothing for other operations. `operand`: the shape of the first one.
std::optional<Matrix> matrix_of(const graph::Operation& operation, const graph::Shape& operand);

/// Calls f(output pixel, input pixel) for every pair that the tap joins; pixels count row by row.
template <class F>
void for_each_joined(const Matrix& matrix, std::int32_t tap, F&& f) {
  const kernels::Window& w = matrix.window;
  const kernels::Extent& e = matrix.extent;
  const std::int32_t i = tap / w.kernel_w, j = tap % w.kernel_w;
  for (std::int32_t out_y = 0; out_y < e.out_h; ++out_y) {
    const std::int32_t y = out_y * w.stride_h - w.pad_top + i * w.dilation_h;
    if (y < 0 || y >= e.in_h) continue;
    for (std::int32_t out_x = 0; out_x < e.out_w; ++out_x) {
      const std::int32_t x = out_x * w.stride_w - w.pad_left + j * w.dilation_w;
      if (x >= 0 && x < e.in_w) f(out_y * e.out_w + out_x, y * e.in_w + x);
    }
  }
}

/// What a layer reads at some of its output pixels: (groups, count, columns of a group). Outside the image it is 0.
struct Patches {
  std::int32_t count = 0;
  std::vector<float> numbers;
};

/// The walk has just computed the node, or is about to. Of the samples of odd number, where there is one; the same ones
/// every time, those of all peers.
Patches patches_of(const Walk& walk, graph::NodeId node, const Matrix& matrix);

/// The means of everything that the columns read, over all output pixels of all pictures, those of peers as well:
/// (groups * inputs, taps).
std::vector<double> column_means(const Walk& walk, graph::NodeId node, const Matrix& matrix);

}  // namespace riffle::quantise
