#include "trainer/optimizer/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace riffle::trainer {

double rate_of(const Schedule& schedule, std::int64_t step) {
  const auto [decay, rate, steps, warmup, every, factor] = schedule;
  if (step < warmup) return rate * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const auto falling = static_cast<double>(std::max<std::int64_t>(steps - warmup, 1));
  const double gone = std::min(static_cast<double>(step - warmup) / falling, 1.0);
  switch (decay) {
    case Decay::constant:
      return rate;
    case Decay::step:
      return rate * std::pow(factor, static_cast<double>(step / every));
    case Decay::cosine:
      return rate * (1 + std::cos(std::numbers::pi * gone)) / 2;
    case Decay::linear:
      return rate * (1 - gone);
  }
  return rate;
}

}  // namespace riffle::trainer
