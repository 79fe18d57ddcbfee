// A moving average of the parameters (arXiv 1803.05407, and TensorFlow's ExponentialMovingAverage): it lies nearer to
// the middle of the valley than any of the points that the steps jump between.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trainer/optimizer/optimizer.hpp"

namespace riffle::trainer {

/// Of the parameters that move and of batch norm's statistics. For one thread at a time.
class MovingAverage {
 public:
  /// Begins at the values as they stand, which outlive it. `decay`: in (0, 1). Throws Exhausted.
  MovingAverage(std::span<const Parameter> parameters, std::span<const Statistic> statistics, double decay);

  /// average = d * average + (1 - d) * value, d = min(decay, (1 + n) / (10 + n)) in update n: what the first steps
  /// leave behind is soon forgotten.
  void update(std::int64_t n);

  /// The average of a parameter's or a statistic's values; the values themselves where they are not followed.
  [[nodiscard]] std::span<const float> of(std::span<const float> values) const;

  /// "units.3.reduce.0.weight.average", for a checkpoint; valid as long as this lives.
  [[nodiscard]] std::span<const OptimizerState> state() const { return averages_; }

 private:
  double decay_;
  std::vector<std::span<float>> values_;
  std::vector<float> memory_;
  std::vector<OptimizerState> averages_;
};

}  // namespace riffle::trainer
