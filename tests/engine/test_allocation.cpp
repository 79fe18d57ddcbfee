// That running allocates nothing. A program of its own, for it replaces operator new, as the sanitizers do.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "tests/engine/networks.hpp"

// A counting allocator: every operator new of this program goes through it.
namespace {
std::atomic<long> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace riffle {
namespace {

TEST(Allocation, RunningAllocatesNothing) {
  for (const testing::Network& network : testing::family(64)) {
    SCOPED_TRACE(network.name);
    run::Session session(plan::make(network.graph));
    const std::vector<float> input = testing::noise(session.plan().input.size(), 1);
    std::vector<float> output(static_cast<std::size_t>(session.plan().output.size()));
    const long before = allocations.load();
    session.run(input.data(), output.data());
    EXPECT_EQ(allocations.load(), before);
  }
}

TEST(Allocation, TheCountingAllocatorCounts) {
  const long before = allocations.load();
  const std::vector<float> some(100);
  EXPECT_GT(allocations.load(), before);
}

}  // namespace
}  // namespace riffle
