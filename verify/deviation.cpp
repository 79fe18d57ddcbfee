#include "verify/deviation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace riffle::verify {

Deviation deviation_of(std::string tensor, std::span<const float> numbers, std::span<const double> right) {
  Deviation result{std::move(tensor)};
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (std::isfinite(right[i])) result.largest = std::max(result.largest, std::abs(right[i]));
    const auto number = static_cast<double>(numbers[i]);
    if (number == right[i] || (std::isnan(number) && std::isnan(right[i]))) continue;
    const double difference = std::abs(number - right[i]);
    result.difference =
        std::max(result.difference, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
  }
  return result;
}

}  // namespace riffle::verify
