// Numbers to integers, in the loops of a search.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace riffle::quantise {

/// To nearest, ties to even, of less than 2^51: adding this number leaves no room for what is behind the point.
inline double nearest(double x) {
  constexpr double shift = 0x1.8p52;
  return (x + shift) - shift;
}
/// Of less than 2^22.
inline float nearest(float x) {
  constexpr float shift = 0x1.8p23F;
  return (x + shift) - shift;
}

/// What a row's sum begins with, which 32 bits have to hold, and the step of its factor (factor_steps()), 0 for none.
struct RowEnds {
  double bias = 0.0, step = 0.0;
};

/// The factor from this one on that a row can have whose weights' magnitudes are `magnitude` together: its bias is
/// rounded to a 2^28th of itself, and the factor is not denormal. It is a multiple of its step, or, where sums are
/// small enough for it (kernels::exact_step()), of half of it and so on, unless that makes it larger by a thirty-second
/// part.
double fitting_factor(double factor, double magnitude, const RowEnds& ends);

/// A row of weights: integers from -127 to 127, which count `factor` times.
struct RoundedRow {
  std::vector<std::int8_t> numbers;
  double factor = 1.0;
};

/// With the factor, of a few, that leaves the least squared error of the row's results, where column k reads numbers
/// whose mean square is moments[k].
RoundedRow round_row(std::span<const double> weights, std::span<const double> moments, const RowEnds& ends);

/// How the numbers that a row's columns read go together, for rounding its weights one after the other: what one loses
/// those behind it make good, as far as they read the same. With the covariance of the columns as U D U', U upper
/// triangular with a diagonal of ones, the mean squared error of a row's results but for their mean is
///
///   sum over k of D[k] * (lost[k] + sum over j < k of lost[j] * U[j, k]) ^ 2
///
/// whose terms are made as small as rounding allows, from the first on. (Frantar et al., "GPTQ", 2023; in this form
/// Chee et al., "QuIP", 2023.)
class Columns {
 public:
  /// `numbers`: (count, columns), of more patches than columns.
  Columns(std::span<const float> numbers, std::size_t columns);

  /// With the factor, of a few, that leaves the least.
  [[nodiscard]] RoundedRow round_row(std::span<const double> weights, const RowEnds& ends) const;

 private:
  /// The error with this factor. `rounded`: of the weights, in units of the factor.
  double round_by(std::span<const double> weights, double factor, std::vector<double>& rounded) const;

  std::size_t size_;
  std::vector<double> upper_;     // U, column by column
  std::vector<double> diagonal_;  // D
};

}  // namespace riffle::quantise
