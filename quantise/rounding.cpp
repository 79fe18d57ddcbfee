#include "quantise/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace riffle::quantise {

RoundedRow round_row(std::span<const double> weights, std::span<const double> moments, double bias) {
  double largest = 0.0;
  for (const double w : weights) largest = std::max(largest, std::abs(w));
  // So that the bias is rounded to a 2^28th of itself at least, and no factor is denormal.
  const double least = std::max(std::abs(bias) * 0x1p-28, 0x1p-100);
  RoundedRow best{std::vector<std::int8_t>(weights.size()), std::max(largest / 127.0, least)};
  double least_error = std::numeric_limits<double>::infinity();
  for (const double part : {1.0, 0.97, 0.94, 0.91, 0.88, 0.84, 0.8, 0.75, 0.7}) {
    const double factor = std::max(part * largest / 127.0, least), inverse = 1.0 / factor;
    double error = 0.0;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const double lost = weights[k] - factor * std::clamp(nearest(weights[k] * inverse), -127.0, 127.0);
      error += moments[k] * lost * lost;
    }
    if (error < least_error) least_error = error, best.factor = factor;
  }
  for (std::size_t k = 0; k < weights.size(); ++k) {
    best.numbers[k] = static_cast<std::int8_t>(std::clamp(nearest(weights[k] / best.factor), -127.0, 127.0));
  }
  return best;
}

}  // namespace riffle::quantise
