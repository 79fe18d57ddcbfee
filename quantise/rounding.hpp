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

/// A row of weights: integers from -127 to 127, which count `factor` times.
struct RoundedRow {
  std::vector<std::int8_t> numbers;
  double factor = 1.0;
};

/// With the factor, of a few, that leaves the least squared error of the row's results, where column k reads numbers
/// whose mean square is moments[k]. `bias`: what the row's sum begins with, which 32 bits have to hold.
RoundedRow round_row(std::span<const double> weights, std::span<const double> moments, double bias);

}  // namespace riffle::quantise
