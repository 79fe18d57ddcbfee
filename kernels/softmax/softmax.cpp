#include "kernels/softmax/softmax.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/reference.hpp"

namespace riffle::kernels {

void softmax_reference(const SoftmaxArgs& args, const Addresses& memory) {
  const std::int32_t each = args.input.channels / args.groups;
  std::vector<double> power(static_cast<std::size_t>(each));
  for (std::int64_t i = 0; i < std::int64_t{args.pixels} * args.groups; ++i) {
    const std::int64_t p = i / args.groups;
    const auto first = static_cast<std::int32_t>(i % args.groups) * each;
    double most = element(args.input, p, first, memory);
    for (std::int32_t c = 1; c < each; ++c) most = std::max(most, element(args.input, p, first + c, memory));
    double sum = 0;
    for (std::int32_t c = 0; c < each; ++c) {
      double& one = power[static_cast<std::size_t>(c)];
      one = std::exp(element(args.input, p, first + c, memory) - most);
      sum += one;
    }
    for (std::int32_t c = 0; c < each; ++c) {
      set_element(args.output, p, first + c, memory, power[static_cast<std::size_t>(c)] / sum);
    }
  }
}

}  // namespace riffle::kernels
