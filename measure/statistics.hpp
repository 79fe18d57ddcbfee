// What a list of measured times says.
#pragma once

#include <span>

namespace riffle::measure {

struct Statistics {
  double min = 0, median = 0, mean = 0, p95 = 0;
};

/// Of at least one value. The median and the 95th percentile lie between two values by linear interpolation.
Statistics summarise(std::span<const double> values);

}  // namespace riffle::measure
