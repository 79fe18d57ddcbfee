// A few outputs of many inputs: dot products.
//
//   y[p][j] = bias[j] + sum_k x[p][k] * w[j][k]        k < inputs, j < outputs
//
// What a matrix's outputs leave over for a last vector costs as much there as a whole vector, where vectors lie along
// the outputs (multiply.hpp). Along the inputs the last 2 of 50 outputs of 200 inputs cost a sixth of that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace riffle::trainer {

struct DotsArgs {
  const float* x = nullptr;
  std::ptrdiff_t x_stride = 0;
  std::int32_t inputs = 0;  ///< at least a vector's lanes
  std::int32_t outputs = 0;
  const float* packed = nullptr;  ///< pack_dots
  const float* bias = nullptr;    ///< a value an output
  std::int64_t pixels = 0;
  float* y = nullptr;  ///< exactly outputs of a pixel are written
  std::ptrdiff_t y_stride = 0;
};
using Dots = void (*)(const DotsArgs& args);

/// How many of a product's outputs, the last ones, are worth dot products.
std::int32_t dots_among(std::int32_t inputs, std::int32_t outputs, std::int32_t lanes);

/// Floats of packed weights: whole vectors of inputs, outputs in fours.
std::int64_t packed_dots_size(std::int32_t inputs, std::int32_t outputs, std::int32_t lanes);

/// Packs w[row[j] * inputs + order[k]]. An output's last vector holds its last inputs, with zeros for those that the
/// vector before it has, too.
void pack_dots(std::int32_t lanes, std::int32_t inputs, std::span<const float> weights,
               std::span<const std::int64_t> rows, std::span<const std::int32_t> order, std::span<float> packed);

}  // namespace riffle::trainer
