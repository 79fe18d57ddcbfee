// Backward through windows: depthwise 3x3 convolution and pooling, one image of whole rows (see columns.hpp) at a time.
#pragma once

#include "kernels/types.hpp"

namespace riffle::trainer {

using kernels::Extent;
using kernels::Window;

/// An image as rows of pixels, and its gradient likewise.
struct WindowArgs {
  Extent extent;
  Window window;
  std::int32_t channels = 0;
  std::ptrdiff_t in_stride = 0, out_stride = 0;  ///< floats from pixel to pixel
  bool count_padding = false;                    ///< average pooling
};

/// weights[t * weight_stride + c] += sum over output pixels of dy[output][c] * x[tap t of output][c], t in [0, 9)
using DepthwiseWeightGradient = void (*)(const WindowArgs& args, const float* x, const float* dy, float* weights,
                                         std::ptrdiff_t weight_stride);

/// dx[tap t of output][c] = sum over the outputs that read it of dy[output][c] * weights[t * weight_stride + c]
using DepthwiseInputGradient = void (*)(const WindowArgs& args, const float* dy, const float* weights,
                                        std::ptrdiff_t weight_stride, float* dx);

/// dx[p][c] = sum of dy over the windows whose maximum is x[p][c]; of equal values the first in the window's row-major
/// order is the maximum, as in PyTorch.
using MaxPoolGradient = void (*)(const WindowArgs& args, const float* x, const float* dy, float* dx);

/// dx[p][c] = sum over the windows that hold p of dy / divisor (kernels/pool/pool.hpp has the divisor).
using AveragePoolGradient = void (*)(const WindowArgs& args, const float* dy, float* dx);

}  // namespace riffle::trainer
