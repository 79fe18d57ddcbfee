// Random numbers that are a function of where they go, not of when they are drawn: reproducible bit for bit on any
// machine and in numpy (tests/golden/networks.py).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace riffle::models {

/// The interval [centre - reach, centre + reach). The values are exact, with or without fused multiply-adds, where
/// centre is 0 or reach is a power of two.
struct Interval {
  float centre = 0.0F;
  float reach = 1.0F;
};

/// `count` uniform floats; element i depends on (seed, name, i) alone.
std::vector<float> random_values(std::uint64_t seed, std::string_view name, std::size_t count, Interval interval);

}  // namespace riffle::models
