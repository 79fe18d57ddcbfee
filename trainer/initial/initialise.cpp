#include "trainer/initial/initialise.hpp"

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <numbers>
#include <numeric>
#include <string_view>
#include <vector>

#include "models/random.hpp"

namespace riffle::trainer {
namespace {

using Shape = std::span<const std::int64_t>;

struct Fans {
  double in = 0, out = 0;
};

double product(Shape extents) {
  return std::accumulate(extents.begin(), extents.end(), 1.0,
                         [](double sum, std::int64_t extent) { return sum * static_cast<double>(extent); });
}

Fans fans_of(Shape shape) {
  const double taps = product(shape.subspan(2));
  return {.in = static_cast<double>(shape[1]) * taps, .out = static_cast<double>(shape[0]) * taps};
}

std::vector<float> uniform(std::uint64_t seed, const std::string& name, std::size_t count, double bound) {
  return models::random_values(seed, name, count, {.reach = static_cast<float>(bound)});
}

/// Box and Muller's way, of two uniform numbers an element.
std::vector<float> normal(std::uint64_t seed, const std::string& name, std::size_t count, double deviation) {
  std::vector<float> values = models::random_values(seed, name + ".radius", count, {.centre = 0.5F, .reach = 0.5F});
  const std::vector<float> turns = models::random_values(seed, name + ".angle", count, {});
  for (std::size_t i = 0; i < count; ++i) {
    const double radius = std::sqrt(-2 * std::log1p(-static_cast<double>(values[i])));
    values[i] = static_cast<float>(deviation * radius * std::cos(std::numbers::pi * static_cast<double>(turns[i])));
  }
  return values;
}

/// `weight(name, count, fans)` makes a weight of two dimensions or more.
template <class Weight>
models::WeightSource source(std::uint64_t seed, Weight weight) {
  const auto fans_in = std::make_shared<std::map<std::string, double, std::less<>>>();  // by the layer's name
  return [seed, weight, fans_in](const std::string& name, Shape shape) {
    const auto count = static_cast<std::size_t>(product(shape));
    const std::string_view layer = std::string_view(name).substr(0, name.rfind('.'));
    if (shape.size() > 1) {
      const Fans fans = fans_of(shape);
      (*fans_in)[std::string(layer)] = fans.in;
      return graph::Constant(weight(name, count, fans));
    }
    if (const auto found = fans_in->find(layer); found != fans_in->end()) {
      return graph::Constant(uniform(seed, name, count, 1 / std::sqrt(found->second)));
    }
    const bool one = name.ends_with(".weight") || name.ends_with(".running_var");
    return graph::Constant(std::vector<float>(count, one ? 1.0F : 0.0F));
  };
}

}  // namespace

models::WeightSource xavier_uniform(std::uint64_t seed) {
  return source(seed, [seed](const std::string& name, std::size_t count, const Fans& fans) {
    return uniform(seed, name, count, std::sqrt(6 / (fans.in + fans.out)));
  });
}

models::WeightSource kaiming_uniform(std::uint64_t seed) {
  return source(seed, [seed](const std::string& name, std::size_t count, const Fans& fans) {
    return uniform(seed, name, count, std::sqrt(6 / fans.out));
  });
}

models::WeightSource kaiming_normal(std::uint64_t seed) {
  return source(seed, [seed](const std::string& name, std::size_t count, const Fans& fans) {
    return normal(seed, name, count, std::sqrt(2 / fans.out));
  });
}

}  // namespace riffle::trainer
