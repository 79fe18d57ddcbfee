#include "trainer/network/rounding.hpp"

#include <algorithm>
#include <cmath>

#include "quantise/rounding.hpp"

namespace riffle::trainer {
namespace {

constexpr std::int32_t most_byte = 255;

}  // namespace

RoundedWeights::RoundedWeights(const quantise::WeightGrid& grid, const WeightParameters& exact)
    : grid_(grid), exact_(exact), weights_(exact.weights.size()), bias_(exact.bias.size()) {}

WeightParameters RoundedWeights::parameters() const {
  WeightParameters result = exact_;
  result.weights = weights_;
  result.bias = bias_;
  return result;
}

void set_grid(LayerResult& result, const quantise::Grid& grid) {
  LayerResult::Steps& steps = result.steps.emplace();
  kernels::Clamp counted{static_cast<float>(-grid.zero_point), static_cast<float>(most_byte - grid.zero_point)};
  for (const std::int32_t channel : result.order) {
    const double step = grid.steps[static_cast<std::size_t>(channel)];
    steps.step.push_back(static_cast<float>(step));
    steps.inverse.push_back(static_cast<float>(1.0 / step));
    // Where channels have different steps, no byte of theirs is beyond the activation's bounds
    // (quantise/agreement.hpp).
    counted.lower = std::max(counted.lower, std::nearbyint(result.clamp.lower / steps.step.back()));
    counted.upper = std::min(counted.upper, std::nearbyint(result.clamp.upper / steps.step.back()));
  }
  steps.shift.resize(steps.step.size(), 0.0F);
  result.clamp = counted;
}

void round_input(const quantise::Grid& grid, std::span<float> numbers) {
  const auto step = static_cast<float>(grid.steps[0]);
  const auto lower = static_cast<float>(-grid.zero_point), upper = static_cast<float>(most_byte - grid.zero_point);
  for (float& x : numbers) x = step * quantise::nearest(std::clamp(x / step, lower, upper));
}

}  // namespace riffle::trainer
