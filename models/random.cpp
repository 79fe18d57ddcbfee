#include "models/random.hpp"

namespace riffle::models {

namespace {

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return value;
}

}  // namespace

std::vector<float> random_values(std::uint64_t seed, std::string_view name, std::size_t count, Interval interval) {
  const std::uint64_t key = mix(seed * golden_ratio + fnv1a(name));
  const float scale = interval.reach * 0x1p-23F;
  std::vector<float> values(count);
  std::uint64_t counter = key;
  for (float& value : values) {
    counter += golden_ratio;
    const auto bits = static_cast<std::int32_t>(mix(counter) >> 40) - (1 << 23);
    value = interval.centre + static_cast<float>(bits) * scale;
  }
  return values;
}

}  // namespace riffle::models
