#include "kernels/softmax/softmax.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/reference.hpp"

namespace riffle::kernels {

void softmax_reference(const SoftmaxArgs& args, const Addresses& memory) {
  std::vector<double> power(static_cast<std::size_t>(args.input.channels));
  for (std::int64_t p = 0; p < args.pixels; ++p) {
    double most = element(args.input, p, 0, memory);
    for (std::int32_t c = 1; c < args.input.channels; ++c) most = std::max(most, element(args.input, p, c, memory));
    double sum = 0;
    for (std::size_t c = 0; c < power.size(); ++c) {
      power[c] = std::exp(element(args.input, p, static_cast<std::int32_t>(c), memory) - most);
      sum += power[c];
    }
    for (std::size_t c = 0; c < power.size(); ++c) {
      set_element(args.output, p, static_cast<std::int32_t>(c), memory, power[c] / sum);
    }
  }
}

}  // namespace riffle::kernels
