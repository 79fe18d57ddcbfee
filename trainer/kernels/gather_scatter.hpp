// Gather and scatter: from channel runs of layers' results to the columns of a matrix, and back.
//
// A layer's result (trainer/network/layer_result.hpp) is what its operation computed, before batch norm and activation:
// those are applied by whoever reads it, to each value on its way (gather). So no tensor is written twice on the way
// forward, and what an operation then works on is a matrix of its own, pixels x columns, small enough for the
// second-level cache:
//
//   result A   | a0 a1 a2 a3 |  a pixel     gather      column 0 1 2 3 4       row_stride, a multiple of 16:
//   result B   | b0 b1 b2 b3 |            --------->    pixel  a2 a3 b0 b1 b2  every row starts where a vector does
//
// Distances are in floats. Rows are a whole number of vectors long, so that reading a whole vector is always allowed;
// what stands behind the last column is any number.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/types.hpp"

namespace riffle::trainer {

using kernels::Clamp;

/// Neighbouring channels of one result and where they are in a row of the matrix.
struct ColumnRun {
  const float* first = nullptr;  ///< the first pixel's first channel
  std::ptrdiff_t pixel_stride = 0;
  std::int32_t channels = 0;
  std::int32_t column = 0;
  const float* scale = nullptr;  ///< a value a channel, or null: 1
  const float* shift = nullptr;  ///< likewise, null where scale is: 0
  Clamp clamp;
  const float* step = nullptr;  ///< likewise, null: nothing is rounded; where it is not, scale is there
  bool add = false;
  Clamp total;  ///< with `add`
};

/// rows[p * row_stride + run.column + c] = clamp(scale[c] * run.first[p * pixel_stride + c] + shift[c]) = z
/// or, with `step`,                        step[c] * round(z) = z, to nearest, ties to even, z within 22 bits
/// and then, with `add`,                   total(rows[p * row_stride + run.column + c] + z)
///
/// With a step, scale is its inverse: a result is rounded to whole steps, as many as a byte counts.
using Gather = void (*)(const ColumnRun& run, std::int64_t pixels, float* rows, std::ptrdiff_t row_stride);

/// Where a part of the gradient with respect to what readers read goes.
struct GradientRun {
  float* first = nullptr;
  std::ptrdiff_t pixel_stride = 0;
  std::int32_t channels = 0;
  bool add = false;  ///< to what is there
};

/// to[p * pixel_stride + c] = (or, with `add`, +=) rows[p * row_stride + c], c in [0, channels)
using Scatter = void (*)(const GradientRun& to, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride);

/// The last part of a gradient: what is there then is the gradient with respect to what stands before the activation,
/// and the sums over the batch that the norm's own gradient needs are taken on the way:
///
///   total  = rows (with `add`, + to)
///   to     = total where lower < scale[c] * y + shift[c] < upper, else 0
///   sum[c] += to, product[c] += to * (y - mean[c])
///
/// Where scale is null it is 1, and shift 0; without batch norm (sum null) there are no sums. Rounding is passed
/// through as if it were not there: a small step changes the result by as much, on the average. `rows` may be where
/// `to` is.
struct Completion {
  GradientRun to;
  const float* y = nullptr;  ///< as strided as `to`
  Clamp clamp;
  const float *scale = nullptr, *shift = nullptr, *mean = nullptr;
  float *sum = nullptr, *product = nullptr;
};
using Complete = void (*)(const Completion& run, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride);

/// The gradient with respect to what an operation computed, from that with respect to what stands behind the norm:
///
///   rows[p][c] = a[c] * gradient[p][c] + b[c] * y[p][c] + k[c]
///
/// With batch norm over N pixels, mean m, 1 / standard deviation v, scale g, and with the means over the batch s = mean
/// of gradient and t = mean of gradient * (y - m) * v (arXiv 1502.03167, section 3): a = g v, b = -g v v t, k = -g v s
/// - b m. Without it (a null) rows = gradient.
struct GradientColumns {
  const float* gradient = nullptr;  ///< of the result's first pixel; as strided as y
  const float* y = nullptr;
  std::ptrdiff_t pixel_stride = 0;
  std::int32_t channels = 0;
  const float *a = nullptr, *b = nullptr, *k = nullptr;
};
using GatherGradient = void (*)(const GradientColumns& from, std::int64_t pixels, float* rows,
                                std::ptrdiff_t row_stride);

/// Over the pixels of a result, adds to a channel's sums: sum += y - shift, square += (y - shift)^2. Shifted by one of
/// the values themselves, the squares lose nothing to a mean far from zero.
using Moments = void (*)(const float* y, std::ptrdiff_t pixel_stride, std::int32_t channels, std::int64_t pixels,
                         const float* shift, float* sum, float* square);

}  // namespace riffle::trainer
