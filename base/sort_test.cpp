#include "base/sort.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

namespace riffle::tests {
namespace {

TEST(SortIndices, is_stable_for_every_length) {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 70; ++size) {
    std::vector<std::int32_t> keys(size), indices(size);
    for (std::int32_t& key : keys) key = static_cast<std::int32_t>(random() % 8);
    std::iota(indices.begin(), indices.end(), 0);
    std::vector<std::int32_t> expected = indices;
    const auto is_before = [&](std::int32_t a, std::int32_t b) {
      return keys[static_cast<std::size_t>(a)] < keys[static_cast<std::size_t>(b)];
    };
    std::stable_sort(expected.begin(), expected.end(), is_before);
    sort_indices(indices, is_before);
    EXPECT_EQ(indices, expected);
  }
}

}  // namespace
}  // namespace riffle::tests
