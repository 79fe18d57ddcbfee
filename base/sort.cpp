#include "base/sort.hpp"

#include <algorithm>
#include <numeric>

namespace riffle {

/// Bottom-up merge sort.
void sort_indices(std::span<std::int32_t> indices, IsBefore is_before) {
  const std::size_t size = indices.size();
  std::vector<std::int32_t> merged(size);
  for (std::size_t width = 1; width < size; width *= 2) {
    for (std::size_t first = 0; first < size; first += 2 * width) {
      const auto at = [&](std::size_t i) { return indices.begin() + static_cast<std::ptrdiff_t>(std::min(i, size)); };
      const auto begin = at(first), middle = at(first + width), end = at(first + 2 * width);
      std::merge(begin, middle, middle, end, merged.begin() + static_cast<std::ptrdiff_t>(first), is_before);
    }
    std::copy(merged.begin(), merged.end(), indices.begin());
  }
}

std::vector<std::int32_t> sorted_indices(std::size_t count, IsBefore is_before) {
  std::vector<std::int32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0);
  sort_indices(indices, is_before);
  return indices;
}

}  // namespace riffle
