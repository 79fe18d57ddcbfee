#include <cmath>
#include <functional>
#include <numeric>

#include "models/models.hpp"
#include "models/random.hpp"

namespace riffle::models {

namespace {

/// The square of a weight's bound times its fan-in. 6 (Kaiming) keeps the mean square through a ReLU and 3 without
/// one, which is a depthwise convolution's place in this family. What ends a branch that is added to its unit's
/// input has 1.5, or the sum would grow from unit to unit.
double gain(std::string_view name, std::span<const std::int64_t> shape) {
  if (name.find(".expand.") != std::string_view::npos) return 1.5;
  const bool depthwise = shape.size() == 4 && shape[1] == 1;
  return depthwise ? 3.0 : 6.0;
}

Interval interval_of(std::string_view name, std::span<const std::int64_t> shape) {
  const bool vector = shape.size() <= 1;
  if (name.ends_with("running_var") || (vector && name.ends_with("weight"))) return {.centre = 1.0F, .reach = 0.5F};
  if (vector) return {.reach = 0.2F};
  const double fan_in = std::accumulate(shape.begin() + 1, shape.end(), 1.0, [](double product, std::int64_t n) {
    return product * static_cast<double>(n);
  });
  return {.reach = static_cast<float>(std::sqrt(gain(name, shape) / fan_in))};
}

}  // namespace

WeightSource random_weights(std::uint64_t seed) {
  return [seed](const std::string& name, std::span<const std::int64_t> shape) {
    const std::int64_t count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    return graph::Constant(random_values(seed, name, static_cast<std::size_t>(count), interval_of(name, shape)));
  };
}

}  // namespace riffle::models
