// Backward through windows: depthwise 3x3 convolution and pooling, some rows of an image at a time. Rows are whole
// vectors long (columns.hpp); of an image, and of its outputs, a ring of rows is there (kernels/types.hpp).
#pragma once

#include "kernels/types.hpp"
#include "trainer/kernels/prefetcher.hpp"

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

/// Over the output rows `out`:
///   weights[t * weight_stride + c] += sum of dy[output][c] * x[tap t of output][c], t in [0, 9)
///
/// and asks for `ahead` on the way.
using DepthwiseWeightGradient = void (*)(const WindowArgs& args, Rows out, const float* x, const float* dy,
                                         float* weights, std::ptrdiff_t weight_stride, Prefetcher& prefetcher);

/// For the input rows `in`, with a stride_w of 1 or 2, the first of which dx begins with:
///   dx[tap t of output][c] = sum over the outputs that read it of dy[output][c] * weights[t * weight_stride + c]
using DepthwiseInputGradient = void (*)(const WindowArgs& args, Rows in, const float* dy, const float* weights,
                                        std::ptrdiff_t weight_stride, float* dx);

/// dx[p][c] += the sum of dy over the windows, those of the output rows `out`, whose maximum is x[p][c]; of equal
/// values the first in the window's row-major order is the maximum, as in PyTorch. The maximum of a window with a NaN
/// in it is a NaN, which equals nothing: its dy, which is a NaN, too, goes nowhere. Input rows `in`, which are those
/// that no window before `out` reads (and behind the last all others), are written, whatever stands there.
using MaxPoolGradient = void (*)(const WindowArgs& args, Rows out, Rows in, const float* x, const float* dy, float* dx);

/// dx[p][c] += the sum over the windows that hold p, those of `out`, of dy / divisor (kernels/pool/pool.hpp has the
/// divisor).
using AveragePoolGradient = void (*)(const WindowArgs& args, Rows out, const float* dy, float* dx);

}  // namespace riffle::trainer
