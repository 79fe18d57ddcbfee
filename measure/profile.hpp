// What each step of a plan took, beside what it would take if its multiply-adds or its bytes were all there is to it.
//
// A step's limit is the longer of two times: its multiply-adds at the CPU's peak, and its bytes, each once:
// weights at the rate at which as much as all of the plan's weights is read over and over, as inference after inference
// does, activations read and written at the rate of a buffer in the second-level cache. That writes cost what reads do,
// and that the two times overlap, is the model's optimism; that no activation is still in the first-level cache is its
// pessimism, for which small steps may come out above their limit.
#pragma once

#include <vector>

#include "engine/plan/plan.hpp"
#include "measure/peak.hpp"

namespace riffle::measure {

struct StepTime {
  const plan::Step* step = nullptr;
  double ms = 0;
  double limit_ms = 0;
  bool bytes_bind = false;  ///< or else multiply-adds

  [[nodiscard]] double share_of_limit() const { return ms > 0 ? limit_ms / ms : 0.0; }
};

struct Profile {
  std::vector<StepTime> steps;
  measure::Limits limits;
  int threads = 1;

  [[nodiscard]] double total_ms() const;
  [[nodiscard]] double total_limit_ms() const;
  [[nodiscard]] std::int64_t total_macs() const;
};

/// `step` outlives the result.
StepTime hold_against(const measure::Limits& limits, const plan::Step& step, double ms);

/// 0 where no time was measured.
double gmac_per_second(std::int64_t macs, double ms);

/// A step's bytes: weights, activations read and written.
std::int64_t bytes_of(const plan::Step& step);

}  // namespace riffle::measure
