#include "kernels/reduce/reduce.hpp"

#include <cmath>
#include <vector>

#include "kernels/reference.hpp"

namespace riffle::kernels {
namespace {

/// The first that none behind it exceeds; a NaN exceeds all.
std::size_t first_largest(std::span<const double> numbers, double sign) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < numbers.size() && !std::isnan(numbers[best]); ++i) {
    if (!(sign * numbers[i] <= sign * numbers[best])) best = i;
  }
  return best;
}

}  // namespace

double reference_of(ReduceKind kind, std::span<const double> numbers) {
  double sum = 0.0, squares = 0.0;
  for (const double x : numbers) {
    sum += x;
    squares += x * x;
  }
  switch (kind) {
    case ReduceKind::sum:
      return sum;
    case ReduceKind::mean:
      return sum / static_cast<double>(numbers.size());
    case ReduceKind::maximum:
      return numbers[first_largest(numbers, 1.0)];
    case ReduceKind::minimum:
      return numbers[first_largest(numbers, -1.0)];
    case ReduceKind::l2:
      return std::sqrt(squares);
    case ReduceKind::arg_max:
      return static_cast<double>(first_largest(numbers, 1.0));
    case ReduceKind::arg_min:
      return static_cast<double>(first_largest(numbers, -1.0));
  }
  return 0.0;
}

void reduce_reference(const ReduceArgs& args, const Addresses& memory) {
  const std::int32_t each = args.input.channels / args.groups;
  std::vector<double> numbers(static_cast<std::size_t>(each));
  for (std::int64_t p = 0; p < args.pixels; ++p) {
    for (std::int32_t g = 0; g < args.groups; ++g) {
      for (std::int32_t c = 0; c < each; ++c) {
        numbers[static_cast<std::size_t>(c)] = element(args.input, p, g * each + c, memory);
      }
      set_element(args.output, p, g, memory, reference_of(args.kind, numbers));
    }
  }
}

}  // namespace riffle::kernels
