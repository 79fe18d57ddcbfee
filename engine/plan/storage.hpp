// What a plan's arguments point to: run lists and packed weights, at addresses that do not change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "engine/memory/pages.hpp"

namespace riffle::plan {

inline constexpr std::size_t cache_line = 64;

struct AlignedDelete {
  std::align_val_t alignment{cache_line};
  void operator()(float* floats) const { ::operator delete(floats, alignment); }
};
using AlignedFloats = std::unique_ptr<float, AlignedDelete>;

/// How many bytes so many floats are. Throws std::bad_alloc where there are not so many addresses, as in 32 bits: what
/// a plan asks for is counted in 64.
inline std::size_t bytes_of_floats(std::int64_t count) {
  constexpr std::int64_t bytes = sizeof(float), most = std::numeric_limits<std::ptrdiff_t>::max();
  if (count > most / bytes) throw std::bad_alloc();
  return static_cast<std::size_t>(count * bytes);
}

/// Uninitialised floats on a cache line's start. Throws std::bad_alloc.
inline AlignedFloats allocate_floats(std::int64_t count, std::size_t alignment = cache_line) {
  const std::align_val_t aligned{alignment};
  return AlignedFloats(static_cast<float*>(::operator new(bytes_of_floats(count), aligned)), {aligned});
}

class Storage {
 public:
  /// The one block of packed weights, on huge pages where it fills some. Throws std::bad_alloc.
  std::span<float> allocate_weights(std::int64_t count) {
    weights_ = allocate_floats(count, bytes_of_floats(count) < memory::huge_page ? cache_line : memory::huge_page);
    const std::span<float> all(weights_.get(), static_cast<std::size_t>(count));
    memory::prefer_huge_pages(std::as_writable_bytes(all));
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
  AlignedFloats weights_;
  std::vector<std::shared_ptr<const void>> lists_;
};

}  // namespace riffle::plan
