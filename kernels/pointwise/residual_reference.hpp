// The residual operand as the references of pointwise and convolution read it.
#pragma once

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {

/// The residual of output `o`, counted over all groups of `outputs`, at a pixel; 0 where there is none.
inline double residual_element(const ResidualVector* residual, std::int32_t outputs, std::int32_t o, std::int64_t pixel,
                               std::int32_t lanes, const Addresses& memory) {
  if (residual == nullptr) return 0.0;
  const std::int32_t vectors = (outputs + lanes - 1) / lanes, group = o / outputs, n = o % outputs;
  const ResidualVector& vector = residual[group * vectors + n / lanes];
  if (vector.run.channels != 0) return element(vector.run, pixel, n % lanes, memory);
  return element(vector.columns[n % lanes], pixel, 0, memory);
}

}  // namespace riffle::kernels
