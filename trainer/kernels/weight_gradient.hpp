// The gradient of weights: a product over pixels.
//
//   gradient[k][n] += sum_p x[p][k] * dy[p][n]        k < inputs, n < outputs
//
// The register tile of the engine turned by 90 degrees: its rows are input columns k, its depth is the pixels, and
// every step multiplies a few values of a row of x into a few vectors of the same row of dy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/kernels/prefetcher.hpp"

namespace riffle::trainer {

struct WeightGradientArgs {
  const float* x = nullptr;   ///< pixel 0's column 0; up to 3 columns behind the last are read and not used
  const float* dy = nullptr;  ///< likewise; whole vectors of outputs are read
  std::ptrdiff_t x_stride = 0, dy_stride = 0;
  std::int32_t inputs = 0, outputs = 0;
  std::int64_t pixels = 0;
  float* gradient = nullptr;  ///< exactly inputs x outputs are written, `gradient_stride` from row to row
  std::ptrdiff_t gradient_stride = 0;
};
using WeightGradient = void (*)(const WeightGradientArgs& args, Prefetcher& prefetcher);

}  // namespace riffle::trainer
