#include "kernels/function/function.hpp"

namespace riffle::kernels {

void function_reference(Function function, float* values, std::int64_t pixels, std::int32_t channels,
                        std::int32_t pixel_stride) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int32_t c = 0; c < channels; ++c) {
      float& x = values[p * pixel_stride + c];
      x = static_cast<float>(facts_of(function).reference(x));
    }
  }
}

}  // namespace riffle::kernels
