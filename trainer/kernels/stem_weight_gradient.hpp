// The gradient of a first layer's weights: a product over the pixels of one row of outputs.
//
//   gradient[k][n] += sum_p x[taps[k] + p * step] * dy[p][n]       k < tap_count, n < dy.channels
//
// A tap's values in a row of outputs are a row of a picture, from somewhere on, every `step`-th of them: no matrix of
// windows is needed. dy is formed as it is read, for every tile of taps again: that costs less than to write it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/kernels/gather_scatter.hpp"

namespace riffle::trainer {

struct StemWeightGradientArgs {
  const float* x = nullptr;
  const std::ptrdiff_t* taps = nullptr;  ///< floats from x on
  std::int32_t tap_count = 0;
  std::int32_t step = 1;
  GradientColumns dy;  ///< a, b and k are there; whole vectors of the last pixel are read
  std::int32_t pixels = 0;
  float* gradient = nullptr;  ///< exactly dy.channels of a row are written, `gradient_stride` from row to row
  std::ptrdiff_t gradient_stride = 0;
};
using StemWeightGradient = void (*)(const StemWeightGradientArgs& args);

}  // namespace riffle::trainer
