// How far a tensor's numbers are from what they should be.
#pragma once

#include <span>
#include <string>

namespace riffle::verify {

struct Deviation {
  std::string tensor;                  ///< a node's name, or an output's
  double difference = 0, largest = 0;  ///< the largest difference, and the largest finite magnitude that is right
};

/// As many numbers as there are right ones. Equal infinities are equal, and so are NaNs; a NaN or an infinity in the
/// place of anything else is off by infinity.
Deviation deviation_of(std::string tensor, std::span<const float> numbers, std::span<const double> right);

}  // namespace riffle::verify
