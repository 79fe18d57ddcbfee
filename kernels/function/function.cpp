#include "kernels/function/function.hpp"

#include <cmath>

namespace riffle::kernels {

double reference_of(Function function, double x) {
  switch (function) {
    case Function::none:
      return x;
    case Function::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Function::hard_swish: {
      const double gate = x / 6 + 0.5;
      return x * (gate < 0 ? 0 : gate > 1 ? 1 : gate);
    }
  }
  return x;
}

void function_reference(Function function, float* values, std::int64_t pixels, std::int32_t channels,
                        std::int32_t pixel_stride) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int32_t c = 0; c < channels; ++c) {
      float& x = values[p * pixel_stride + c];
      x = static_cast<float>(reference_of(function, x));
    }
  }
}

}  // namespace riffle::kernels
