// Backward through a depthwise 3x3 convolution, some rows of an image at a time.
#pragma once

#include "trainer/kernels/prefetcher.hpp"
#include "trainer/kernels/window.hpp"

namespace riffle::trainer {

/// Over the output rows `out`:
///   weights[t * weight_stride + c] += sum of dy[output][c] * x[tap t of output][c], t in [0, 9)
///
/// The loop prefetches what is in the list besides.
using DepthwiseWeightGradient = void (*)(const WindowArgs& args, Rows out, const float* x, const float* dy,
                                         float* weights, std::ptrdiff_t weight_stride, Prefetcher& prefetcher);

/// For the input rows `in`, with a stride_w of 1 or 2, the first of which dx begins with:
///   dx[tap t of output][c] = sum over the outputs that read it of dy[output][c] * weights[t * weight_stride + c]
using DepthwiseInputGradient = void (*)(const WindowArgs& args, Rows in, const float* dy, const float* weights,
                                        std::ptrdiff_t weight_stride, float* dx);

}  // namespace riffle::trainer
