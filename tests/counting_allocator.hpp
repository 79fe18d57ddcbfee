// Counts what a program allocates, and lets an allocation fail: every operator new goes through here. For one source
// file of a test program of its own; the sanitizers replace operator new themselves.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

namespace {
std::atomic<long> allocations{0};  ///< so far
std::atomic<long> allocated{0};    ///< and not yet given back
/// The allocation that fails, counted from where it is set: 0 is the next one. It alone fails, those behind it do not.
std::atomic<long> failing_allocation{std::numeric_limits<long>::max()};

void* counted(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (failing_allocation.fetch_sub(1, std::memory_order_relaxed) == 0) throw std::bad_alloc();
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  allocated.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

// Not inlined: where GCC sees free() and not the aligned_alloc() that it belongs to, it takes them for a mismatch.
[[gnu::noinline]] void give_back(void* memory) noexcept {
  if (memory != nullptr) allocated.fetch_sub(1, std::memory_order_relaxed);
  std::free(memory);
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }
