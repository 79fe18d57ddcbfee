// Union-find.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace riffle::quantise {

/// The numbers 0 to size - 1 in sets, each of which goes by its least number.
class DisjointSets {
 public:
  explicit DisjointSets(std::size_t size) : parents_(size) {
    std::iota(parents_.begin(), parents_.end(), std::int32_t{0});
  }

  [[nodiscard]] std::int32_t set_of(std::int32_t x) {
    while (parent(x) != x) x = parent(x) = parent(parent(x));
    return x;
  }

  /// Returns whether they were two.
  bool join(std::int32_t a, std::int32_t b) {
    a = set_of(a), b = set_of(b);
    if (a > b) std::swap(a, b);
    parent(b) = a;
    return a != b;
  }

 private:
  std::int32_t& parent(std::int32_t x) { return parents_[static_cast<std::size_t>(x)]; }
  std::vector<std::int32_t> parents_;
};

}  // namespace riffle::quantise
