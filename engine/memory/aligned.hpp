// Memory that starts at a cache line, or at whatever else it is asked to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>

namespace riffle::memory {

inline constexpr std::size_t cache_line = 64;

struct AlignedDelete {
  std::align_val_t alignment{cache_line};
  void operator()(void* memory) const { ::operator delete(memory, alignment); }
};

template <class T>
using Aligned = std::unique_ptr<T, AlignedDelete>;

/// Uninitialised memory for `count` numbers. Throws std::bad_alloc, also where there are not so many addresses, as in
/// 32 bits: what a plan asks for is counted in 64.
template <class T>
Aligned<T> allocate(std::int64_t count, std::size_t alignment = cache_line) {
  static_assert(std::is_trivially_destructible_v<T>);
  constexpr std::int64_t bytes = sizeof(T), most = std::numeric_limits<std::ptrdiff_t>::max();
  if (count > most / bytes) throw std::bad_alloc();
  const std::align_val_t aligned{alignment};
  return Aligned<T>(static_cast<T*>(::operator new(static_cast<std::size_t>(count * bytes), aligned)), {aligned});
}

}  // namespace riffle::memory
