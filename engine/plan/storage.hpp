// What a plan's arguments point to: run lists and packed weights, at addresses that do not change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace riffle::plan {

inline constexpr std::size_t cache_line = 64;

struct AlignedDelete {
  void operator()(float* floats) const { ::operator delete (floats, std::align_val_t{cache_line}); }
};
using AlignedFloats = std::unique_ptr<float, AlignedDelete>;

/// Uninitialised floats on a cache line's start. Throws std::bad_alloc.
inline AlignedFloats allocate_floats(std::size_t count) {
  return AlignedFloats(static_cast<float*>(::operator new (count * sizeof(float), std::align_val_t{cache_line})));
}

class Storage {
 public:
  std::span<float> floats(std::int64_t count) {
    floats_.push_back(allocate_floats(count));
    float_bytes_ += count * static_cast<std::int64_t>(sizeof(float));
    return {floats_.back().get(), static_cast<std::size_t>(count)};
  }

  /// Keeps a list and returns where it is kept.
  template <class T>
  const T* keep(std::vector<T> list) {
    auto kept = std::make_shared<const std::vector<T>>(std::move(list));
    const T* data = kept->data();
    lists_.push_back(std::move(kept));
    return data;
  }

  [[nodiscard]] std::int64_t float_bytes() const { return float_bytes_; }

 private:
  std::vector<AlignedFloats> floats_;
  std::vector<std::shared_ptr<const void>> lists_;
  std::int64_t float_bytes_ = 0;
};

}  // namespace riffle::plan
