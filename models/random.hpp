// Random numbers that are a function of where they go, not of when they are drawn: reproducible bit for bit on any
// machine and in numpy (tests/golden/networks.py).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace riffle::models {

/// splitmix64 (Steele, Lea, Flood 2014): its counter's step, and what makes bits of the counter.
inline constexpr std::uint64_t golden_ratio = 0x9E3779B97F4A7C15;
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// The interval [centre - reach, centre + reach). The values are exact, with or without fused multiply-adds, where
/// centre is 0 or reach is a power of two.
struct Interval {
  float centre = 0.0F;
  float reach = 1.0F;
};

/// `count` uniform floats; element i depends on (seed, name, i) alone.
std::vector<float> random_values(std::uint64_t seed, std::string_view name, std::size_t count, Interval interval);

}  // namespace riffle::models
