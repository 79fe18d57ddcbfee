// Adam's step over some neighbouring parameters.
//
//   g = gradient + coupled_decay * p
//   m = average  = beta1 * average + rest1 * g
//   v = square_average = beta2 * square_average + rest2 * g * g
//   p = kept * p - step_size * m / (sqrt(v) * inverse_correction + epsilon)
//
// The averages are zero instead of denormal: a channel that no gradient reaches any more would leave its averages there
// for good, and most processors take a hundred cycles for each such number. A NaN stays one. What comes of a parameter
// does not depend on where it stands.
#pragma once

#include <cstddef>

namespace riffle::trainer {

struct AdamCoefficients {
  float coupled_decay;  ///< of the gradient
  float kept;           ///< of a parameter, where decay is decoupled: 1 - rate * weight_decay
  float beta1, rest1;   ///< rest: 1 - beta
  float beta2, rest2;
  float inverse_correction;  ///< 1 / sqrt(1 - beta2^t)
  float step_size;           ///< rate / (1 - beta1^t)
  float epsilon;
};

/// Four arrays of `count` floats, nothing behind which is touched.
using Adam = void (*)(float* p, const float* gradient, float* average, float* square_average, std::size_t count,
                      const AdamCoefficients& coefficients);

}  // namespace riffle::trainer
