#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

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

std::vector<float> result_of(run::Session& session, const std::vector<float>& input, std::int64_t batch = 1) {
  std::vector<float> output(static_cast<std::size_t>(batch * session.plan().output.size()));
  session.run(input.data(), output.data(), batch);
  return output;
}

TEST(Session, RunningAllocatesNothing) {
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

TEST(Session, TheCountingAllocatorCounts) {
  const long before = allocations.load();
  const std::vector<float> some(100);
  EXPECT_GT(allocations.load(), before);
}

TEST(Session, TwoSessionsOnOnePlanInTwoThreadsGiveTheBitsOfOne) {
  const auto plan = plan::make(testing::small_network());
  run::Session alone(plan);
  std::vector<std::vector<float>> inputs, expected;
  for (std::uint32_t i = 0; i < 4; ++i) {
    inputs.push_back(testing::noise(plan->input.size(), i));
    expected.push_back(result_of(alone, inputs.back()));
  }
  std::vector<std::vector<float>> got[2];
  std::vector<std::thread> threads;
  for (auto& mine : got) {
    threads.emplace_back([&] {
      run::Session session(plan);
      for (const std::vector<float>& input : inputs) mine.push_back(result_of(session, input));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got[0], expected);
  EXPECT_EQ(got[1], expected);
}

TEST(Session, TheNumberOfThreadsChangesNoBit) {
  const auto plan = plan::make(testing::small_network());
  const std::vector<float> input = testing::noise(2 * plan->input.size(), 9);
  run::Session one(plan, 1);
  const std::vector<float> expected = result_of(one, input, 2);
  for (const int threads : {2, 3, 5}) {
    run::Session session(plan, threads);
    EXPECT_EQ(result_of(session, input, 2), expected) << threads;
  }
}

TEST(Session, ABatchIsItsImagesOneByOne) {
  const auto plan = plan::make(testing::small_network());
  run::Session session(plan);
  const std::int64_t size = plan->input.size();
  const std::vector<float> batch = testing::noise(3 * size, 4);
  std::vector<float> expected;
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::vector<float> image(batch.begin() + i * size, batch.begin() + (i + 1) * size);
    const std::vector<float> one = result_of(session, image);
    expected.insert(expected.end(), one.begin(), one.end());
  }
  EXPECT_EQ(result_of(session, batch, 3), expected);
}

TEST(Session, ProfilingGivesTheSameResultAndATimeAStep) {
  const auto plan = plan::make(testing::small_network());
  run::Session session(plan);
  const std::vector<float> input = testing::noise(plan->input.size(), 2);
  std::vector<float> output(static_cast<std::size_t>(plan->output.size()));
  std::vector<double> seconds(plan->steps.size(), -1.0);
  session.run_profiled(input.data(), output.data(), seconds.data());
  EXPECT_EQ(output, result_of(session, input));
  for (const double s : seconds) EXPECT_GE(s, 0.0);
}

}  // namespace
}  // namespace riffle
