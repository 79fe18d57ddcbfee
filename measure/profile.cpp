#include "measure/profile.hpp"

#include <algorithm>

namespace riffle::measure {

double Profile::total_ms() const {
  double total = 0;
  for (const StepTime& time : steps) total += time.ms;
  return total;
}

double Profile::total_limit_ms() const {
  double total = 0;
  for (const StepTime& time : steps) total += time.limit_ms;
  return total;
}

std::int64_t Profile::total_macs() const {
  std::int64_t total = 0;
  for (const StepTime& time : steps) total += time.step->macs;
  return total;
}

StepTime hold_against(const measure::Limits& limits, const plan::Step& step, double ms) {
  const double arithmetic = static_cast<double>(step.macs) / limits.macs_per_second;
  const double bytes = static_cast<double>(step.weight_bytes) / limits.weight_bytes_per_second +
                       static_cast<double>(step.read_bytes + step.write_bytes) / limits.activation_bytes_per_second;
  return {&step, ms, 1e3 * std::max(arithmetic, bytes), bytes > arithmetic};
}

double gmac_per_second(std::int64_t macs, double ms) { return ms > 0 ? static_cast<double>(macs) / 1e6 / ms : 0.0; }

std::int64_t bytes_of(const plan::Step& step) { return step.weight_bytes + step.read_bytes + step.write_bytes; }

}  // namespace riffle::measure
