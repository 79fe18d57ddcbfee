#include "trainer/optimizer/average.hpp"

#include <algorithm>

#include "trainer/memory.hpp"
#include "trainer/optimizer/pieces.hpp"

namespace riffle::trainer {
namespace {

void update_one(float* __restrict average, const float* __restrict values, std::size_t count, float share) {
  for (std::size_t i = 0; i < count; ++i) average[i] = flushed(average[i] + share * (values[i] - average[i]));
}

}  // namespace

MovingAverage::MovingAverage(std::span<const Parameter> parameters, std::span<const Statistic> statistics, double decay)
    : decay_(decay) {
  std::vector<std::string> names;
  std::size_t floats = 0;
  const auto follow = [&](const std::string& name, std::span<float> values) {
    names.push_back(name + ".average");
    values_.push_back(values);
    floats += values.size();
  };
  for (const Parameter& parameter : parameters) {
    if (!parameter.frozen) follow(parameter.name, parameter.values);
  }
  for (const Statistic& statistic : statistics) follow(statistic.name, statistic.values);

  with_memory_for("the moving average", static_cast<std::int64_t>(floats * sizeof(float)),
                  [&] { memory_.resize(floats); });
  std::span<float> rest = memory_;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    std::copy(values_[i].begin(), values_[i].end(), rest.begin());
    averages_.push_back({std::move(names[i]), rest.first(values_[i].size())});
    rest = rest.subspan(values_[i].size());
  }
}

void MovingAverage::update(std::int64_t n) {
  const double decay = std::min(decay_, static_cast<double>(1 + n) / static_cast<double>(10 + n));
  for (std::size_t i = 0; i < values_.size(); ++i) {
    update_one(averages_[i].values.data(), values_[i].data(), values_[i].size(), static_cast<float>(1 - decay));
  }
}

std::span<const float> MovingAverage::of(std::span<const float> values) const {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].data() == values.data()) return averages_[i].values;
  }
  return values;
}

}  // namespace riffle::trainer
