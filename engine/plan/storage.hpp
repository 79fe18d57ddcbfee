// What a plan's arguments point to: run lists and packed weights, at addresses that do not change.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/memory/aligned.hpp"
#include "engine/memory/pages.hpp"

namespace riffle::plan {

class Storage {
 public:
  /// The one block of packed weights, on huge pages where it fills some. Throws std::bad_alloc.
  std::span<std::byte> allocate_weights(std::int64_t bytes) {
    const bool huge = bytes >= static_cast<std::int64_t>(memory::huge_page);
    weights_ = memory::allocate<std::byte>(bytes, huge ? memory::huge_page : memory::cache_line);
    const std::span<std::byte> all(weights_.get(), static_cast<std::size_t>(bytes));
    memory::prefer_huge_pages(all);
    return all;
  }

  /// The one block of the network's own numbers; what is not written is 0.
  std::span<std::byte> allocate_literals(std::int64_t bytes) {
    literals_ = memory::allocate<std::byte>(bytes, memory::cache_line);
    const std::span<std::byte> all(literals_.get(), static_cast<std::size_t>(bytes));
    std::fill(all.begin(), all.end(), std::byte{0});
    return all;
  }

  /// Keeps a list and returns where it is kept.
  template <class T>
  std::span<const T> keep(std::vector<T> list) {
    auto kept = std::make_shared<const std::vector<T>>(std::move(list));
    const std::span<const T> items = *kept;
    lists_.push_back(std::move(kept));
    return items;
  }

 private:
  memory::Aligned<std::byte> weights_, literals_;
  std::vector<std::shared_ptr<const void>> lists_;
};

}  // namespace riffle::plan
