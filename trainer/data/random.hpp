// Random numbers that are a function of what they are for, not of when or by whom they are drawn.
#pragma once

#include <cstdint>
#include <utility>

#include "models/random.hpp"

namespace riffle::trainer {

/// What a sequence of draws is for: sequences of the same seed are independent.
enum class Purpose : std::uint64_t { order = 1, augmentation, split };

/// splitmix64, begun at a place that (seed, purpose, major, minor) names.
class Random {
 public:
  Random(std::uint64_t seed, Purpose purpose, std::int64_t major, std::int64_t minor = 0) : counter_(seed) {
    for (const std::uint64_t word :
         {static_cast<std::uint64_t>(purpose), static_cast<std::uint64_t>(major), static_cast<std::uint64_t>(minor)}) {
      counter_ = models::mix(counter_ * models::golden_ratio + word);
    }
  }

  std::uint64_t bits() { return models::mix(counter_ += models::golden_ratio); }

  /// In [0, 1), in steps of 2^-53.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// In [0, count). The remainder favours the small ones by count / 2^64, which nobody can see.
  std::int64_t below(std::int64_t count) {
    return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(count));
  }

 private:
  std::uint64_t counter_;
};

/// Fisher-Yates.
template <class Range>
void shuffle(Range& range, Random& random) {
  for (std::int64_t i = static_cast<std::int64_t>(range.size()) - 1; i > 0; --i) {
    std::swap(range[static_cast<std::size_t>(i)], range[static_cast<std::size_t>(random.below(i + 1))]);
  }
}

}  // namespace riffle::trainer
