#include "kernels/function/function.hpp"

#include <cmath>

#include "kernels/reference.hpp"

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

void function_reference(Function function, const Block& values, std::int64_t pixels, std::int32_t channels,
                        const Addresses& memory) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int32_t c = 0; c < channels; ++c) {
      const Numbers numbers{values.first, values.type};
      const std::int64_t at = p * values.pixel_stride + c;
      set_number(numbers, at, memory, reference_of(function, number(numbers, at, memory)));
    }
  }
}

}  // namespace riffle::kernels
