// That running allocates nothing. A program of its own, for it replaces operator new, as the sanitizers do.
#include <gtest/gtest.h>

#include "engine/format/format.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/cores.hpp"
#include "engine/run/session.hpp"
#include "riffle/riffle.hpp"
#include "tests/counting_allocator.hpp"
#include "tests/engine/networks.hpp"

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

TEST(Allocation, RunningOnCoresAllocatesNothing) {
  const auto plan = plan::make(testing::small_network());
  run::Session session(plan, {.threads = 2, .cores = run::choose(run::this_machine(), run::Cores::all)});
  const std::vector<float> input = testing::noise(2 * plan->input.size(), 1);
  std::vector<float> output(static_cast<std::size_t>(2 * plan->output.size()));
  const long before = allocations.load();
  for (int i = 0; i < 20; ++i) session.run(input.data(), output.data(), 2);
  EXPECT_EQ(allocations.load(), before);
}

TEST(Allocation, ReadingAFrameAllocatesNothing) {
  const std::vector<std::byte> bytes = format::save(testing::small_network());
  const Session session{Model(std::span<const std::byte>(bytes))};
  const std::vector<std::uint8_t> pixels(100 * 80 * 3 / 2, 128);
  std::vector<float> input(session.input().size);
  riffle_frame frame = {};
  frame.planes[0] = pixels.data();
  frame.planes[1] = pixels.data() + 100 * 80;
  frame.width = 100;
  frame.height = 80;
  frame.format = RIFFLE_NV21;
  frame.rotation = 90;
  const long before = allocations.load();
  session.read_frame(frame, input);
  EXPECT_EQ(allocations.load(), before);
}

TEST(Allocation, TheCountingAllocatorCounts) {
  const long before = allocations.load();
  const std::vector<float> some(100);
  EXPECT_GT(allocations.load(), before);
}

}  // namespace
}  // namespace riffle
