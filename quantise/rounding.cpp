#include "quantise/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace riffle::quantise {

namespace {

/// Of the factor with which the row's largest weight is 127.
constexpr double parts[] = {1.0, 0.97, 0.94, 0.91, 0.88, 0.84, 0.8, 0.75, 0.7};

/// Of the columns' mean variance, what each has beside its own: what samples say of the rest is not quite so.
constexpr double damping = 0.01;

double largest_of(std::span<const double> weights) {
  double largest = 0.0;
  for (const double w : weights) largest = std::max(largest, std::abs(w));
  return largest;
}

double magnitude_of(std::span<const double> weights) {
  double sum = 0.0;
  for (const double w : weights) sum += std::abs(w);
  return sum;
}

double rounded_weight(double in_units) { return std::clamp(nearest(in_units), -127.0, 127.0); }

}  // namespace

double fitting_factor(double factor, double magnitude, const RowEnds& ends) {
  const double fitting = std::max({factor, std::abs(ends.bias) * 0x1p-28, 0x1p-100});
  if (ends.step == 0.0) return fitting;
  // What rounding adds to the weights is far less than a sixteenth part.
  const double most = (128.0 * magnitude + std::abs(ends.bias)) * (17.0 / 16.0);
  double step = ends.step;
  while (fitting < 32.0 * step && most <= step * 0x1p23 && step > ends.step * 0x1p-4) step /= 2.0;
  return fitting < 32.0 * step ? fitting : std::ceil(fitting / step) * step;
}

RoundedRow round_row(std::span<const double> weights, std::span<const double> moments, const RowEnds& ends) {
  const double largest = largest_of(weights), magnitude = magnitude_of(weights);
  RoundedRow best{std::vector<std::int8_t>(weights.size()), fitting_factor(0.0, magnitude, ends)};
  double least_error = std::numeric_limits<double>::infinity();
  for (const double part : parts) {
    const double factor = fitting_factor(part * largest / 127.0, magnitude, ends), inverse = 1.0 / factor;
    double error = 0.0;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const double lost = weights[k] - factor * rounded_weight(weights[k] * inverse);
      error += moments[k] * lost * lost;
    }
    if (error < least_error) least_error = error, best.factor = factor;
  }
  for (std::size_t k = 0; k < weights.size(); ++k) {
    best.numbers[k] = static_cast<std::int8_t>(rounded_weight(weights[k] / best.factor));
  }
  return best;
}

Columns::Columns(std::span<const float> numbers, std::size_t columns)
    : size_(columns), upper_(columns * columns, 0.0), diagonal_(columns) {
  const std::size_t count = numbers.size() / size_;
  std::vector<double> means(size_, 0.0);
  for (std::size_t i = 0; i < numbers.size(); ++i) means[i % size_] += static_cast<double>(numbers[i]);
  std::vector<float> products(size_ * size_, 0.0F), centred(size_);
  for (std::size_t p = 0; p < count; ++p) {
    for (std::size_t k = 0; k < size_; ++k) {
      centred[k] = numbers[p * size_ + k] - static_cast<float>(means[k] / static_cast<double>(count));
    }
    for (std::size_t j = 0; j < size_; ++j) {
      float* const row = products.data() + j * size_;
      for (std::size_t k = j; k < size_; ++k) row[k] += centred[j] * centred[k];
    }
  }
  double mean_variance = 0.0;
  for (std::size_t k = 0; k < size_; ++k) {
    mean_variance += static_cast<double>(products[k * size_ + k]) / static_cast<double>(size_);
  }
  const double more = std::max(damping * mean_variance, 0x1p-40);
  // From the last column to the first: column k of U is what is left of the covariance's once those behind it are gone.
  for (std::size_t k = size_; k-- > 0;) {
    double* const u = upper_.data() + k * size_;
    for (std::size_t j = 0; j <= k; ++j) u[j] = static_cast<double>(products[j * size_ + k]);
    u[k] += more;
    for (std::size_t m = k + 1; m < size_; ++m) {
      const double* const behind = upper_.data() + m * size_;
      const double part = diagonal_[m] * behind[k];
      for (std::size_t j = 0; j <= k; ++j) u[j] -= part * behind[j];
    }
    diagonal_[k] = std::max(u[k], more);
    for (std::size_t j = 0; j < k; ++j) u[j] /= diagonal_[k];
  }
}

double Columns::round_by(std::span<const double> weights, double factor, std::vector<double>& rounded) const {
  std::vector<double> lost(size_);
  double error = 0.0;
  for (std::size_t k = 0; k < size_; ++k) {
    const double* const u = upper_.data() + k * size_;
    double wanted = weights[k];
    for (std::size_t j = 0; j < k; ++j) wanted += lost[j] * u[j];
    rounded[k] = rounded_weight(wanted / factor);
    lost[k] = weights[k] - factor * rounded[k];
    const double left = wanted - factor * rounded[k];
    error += diagonal_[k] * left * left;
  }
  return error;
}

RoundedRow Columns::round_row(std::span<const double> weights, const RowEnds& ends) const {
  const double largest = largest_of(weights), magnitude = magnitude_of(weights);
  RoundedRow best{std::vector<std::int8_t>(size_), fitting_factor(0.0, magnitude, ends)};
  double least_error = std::numeric_limits<double>::infinity();
  std::vector<double> rounded(size_);
  for (const double part : parts) {
    const double factor = fitting_factor(part * largest / 127.0, magnitude, ends);
    const double error = round_by(weights, factor, rounded);
    if (error >= least_error) continue;
    least_error = error;
    best.factor = factor;
    std::ranges::transform(rounded, best.numbers.begin(), [](double q) { return static_cast<std::int8_t>(q); });
  }
  return best;
}

}  // namespace riffle::quantise
