#include "engine/run/session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>

#include "engine/memory/aligned.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/cores.hpp"
#include "tests/fork.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

std::vector<float> result_of(run::Session& session, const std::vector<float>& input, std::int64_t batch = 1) {
  std::vector<float> output(static_cast<std::size_t>(batch * session.plan().outputs[0].shape.size()));
  session.run(input.data(), output.data(), batch);
  return output;
}

/// Bytes are counted in 64 bits: of as many floats as this, 0 would be left where sizes have fewer.
TEST(Aligned, WhatHasNoAddressesIsALackOfMemory) {
  EXPECT_THROW((void)memory::allocate<float>(std::int64_t{1} << 62), std::bad_alloc);
}

TEST(Session, TwoSessionsOnOnePlanInTwoThreadsGiveTheBitsOfOne) {
  const auto plan = plan::make(testing::small_network());
  run::Session alone(plan);
  std::vector<std::vector<float>> inputs, expected;
  for (std::uint32_t i = 0; i < 4; ++i) {
    inputs.push_back(testing::noise(plan->inputs[0].shape.size(), i));
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
  const std::vector<float> input = testing::noise(2 * plan->inputs[0].shape.size(), 9);
  run::Session one(plan, 1);
  const std::vector<float> expected = result_of(one, input, 2);
  for (const int threads : {2, 3, 5}) {
    run::Session session(plan, threads);
    EXPECT_EQ(result_of(session, input, 2), expected) << threads;
  }
}

/// What sessions are asked for: none, those of this machine, one of them, one that does not exist.
std::vector<std::vector<int>> choices_of_cores() {
  std::vector<std::vector<int>> choices = {{}, {1023}};
  const std::vector<int> all = run::choose(run::this_machine(), run::Cores::all);
  if (!all.empty()) {
    choices.push_back(all);
    choices.push_back({all.back()});
    choices.push_back({all.front(), 1023});
  }
  return choices;
}

TEST(Session, NeitherThreadsNorCoresChangeABit) {
  models::V1Spec spec;
  spec.groups = 3;
  spec.width_multiplier = 0.5;
  spec.classes = 10;
  spec.height = spec.width = 64;
  for (const auto& plan :
       {plan::make(testing::small_network()), plan::make(models::shufflenet_v1(spec, models::random_weights(3)))}) {
    const std::vector<float> input = testing::noise(3 * plan->inputs[0].shape.size(), 11);
    run::Session alone(plan);
    EXPECT_FALSE(alone.pinned());
    const std::vector<float> expected = result_of(alone, input, 3);
    for (const std::vector<int>& cores : choices_of_cores()) {
      for (const int threads : {1, 2, 3, 4}) {
        run::Session session(plan, {.threads = threads, .cores = cores});
        EXPECT_EQ(session.threads(), threads);
        EXPECT_EQ(result_of(session, input, 3), expected) << threads << " threads, " << cores.size() << " cores";
      }
    }
  }
}

TEST(Session, IsPinnedIfAllItsThreadsAre) {
  const std::vector<int> all = run::choose(run::this_machine(), run::Cores::all);
  if (!run::affinity() || all.empty()) GTEST_SKIP() << "this system does not tell its cores";
  const auto plan = plan::make(testing::small_network());
  EXPECT_FALSE(run::Session(plan, 2).pinned());
  EXPECT_TRUE(run::Session(plan, {.threads = 2, .cores = all}).pinned());
  EXPECT_TRUE(run::Session(plan, {.threads = 1, .cores = {all.front()}}).pinned());
  EXPECT_FALSE(run::Session(plan, {.threads = 1, .cores = {1023}}).pinned());
  EXPECT_FALSE(run::Session(plan, {.threads = 2, .cores = {all.front(), 1023}}).pinned());
}

TEST(Session, CoresAreOfItsOwnThreadsAlone) {
  const std::vector<int> all = run::choose(run::this_machine(), run::Cores::all);
  if (all.empty()) GTEST_SKIP() << "this system does not tell its cores";
  const auto plan = plan::make(testing::small_network());
  const std::vector<float> input = testing::noise(plan->inputs[0].shape.size(), 1);
  const auto caller = run::affinity();
  run::Session usual(plan, 3);
  for (int i = 0; i < 3; ++i) {
    run::Session session(plan, {.threads = 3, .cores = {all.back()}});
    result_of(session, input);
    result_of(usual, input);
    EXPECT_EQ(run::affinity(), caller);
  }
  EXPECT_EQ(run::affinity(), caller);
}

TEST(Session, ManyRunsOneAfterTheOther) {
#ifdef RIFFLE_EMULATED
  constexpr std::size_t many = 8;
#else
  constexpr std::size_t many = 40;
#endif
  const auto plan = plan::make(testing::small_network());
  std::vector<std::vector<float>> inputs, expected;
  run::Session alone(plan);
  for (std::uint32_t i = 0; i < 3; ++i) {
    inputs.push_back(testing::noise(2 * plan->inputs[0].shape.size(), i));
    expected.push_back(result_of(alone, inputs.back(), 2));
  }
  for (const std::vector<int>& cores : choices_of_cores()) {
    run::Session session(plan, {.threads = 2, .cores = cores});
    for (std::size_t i = 0; i < many; ++i) {
      ASSERT_EQ(result_of(session, inputs[i % 3], 2), expected[i % 3]) << i << ", " << cores.size() << " cores";
    }
    // Elsewhere, as what is moved into takes the place of what it was.
    run::Session moved(plan, {.threads = 3, .cores = cores});
    moved = std::move(session);
    EXPECT_EQ(moved.threads(), 2);
    EXPECT_EQ(result_of(moved, inputs[0], 2), expected[0]);
  }
}

TEST(Session, AChildOfForkRunsItsParentsSessionsAndItsOwn) {
  if (const char* reason = testing::why_no_threads_in_a_child()) GTEST_SKIP() << reason;
  const auto plan = plan::make(testing::small_network());
  const std::vector<float> input = testing::noise(2 * plan->inputs[0].shape.size(), 12);
  run::Session alone(plan);
  const std::vector<float> expected = result_of(alone, input, 2);
  for (const std::vector<int>& cores : choices_of_cores()) {
    for (const int threads : {1, 2, 3}) {
      SCOPED_TRACE(std::to_string(threads) + " threads, " + std::to_string(cores.size()) + " cores");
      run::Session has_run(plan, {.threads = threads, .cores = cores});
      auto has_not = std::make_unique<run::Session>(plan, run::SessionOptions{.threads = threads, .cores = cores});
      auto never_runs = std::make_unique<run::Session>(plan, run::SessionOptions{.threads = threads, .cores = cores});
      EXPECT_EQ(result_of(has_run, input, 2), expected);
      const auto all_is_well = [&] {
        never_runs.reset();  // with threads that are not in this process
        run::Session its_own(plan, {.threads = threads, .cores = cores});
        for (run::Session* session : {&has_run, has_not.get(), &its_own, &has_run}) {
          if (result_of(*session, input, 2) != expected || session->pinned() != has_run.pinned()) return false;
        }
        // Its child has none of its threads either.
        const bool again = testing::holds_in_a_child([&] { return result_of(has_run, input, 2) == expected; });
        has_not.reset();
        return again && result_of(has_run, input, 2) == expected;
      };
      EXPECT_TRUE(testing::holds_in_a_child(all_is_well));
      EXPECT_EQ(result_of(has_run, input, 2), expected) << "the parent's threads are still there";
    }
  }
}

TEST(Session, SessionsOnTheSameCoresDoNotMeet) {
  const auto plan = plan::make(testing::small_network());
  const std::vector<int> all = run::choose(run::this_machine(), run::Cores::all);
  run::Session alone(plan);
  const std::vector<float> inputs[] = {testing::noise(plan->inputs[0].shape.size(), 1),
                                       testing::noise(plan->inputs[0].shape.size(), 2)};
  const std::vector<float> expected[] = {result_of(alone, inputs[0]), result_of(alone, inputs[1])};
  std::vector<float> got[2];
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      run::Session session(plan, {.threads = 2, .cores = all});
      for (int run = 0; run < 10; ++run) got[i] = result_of(session, inputs[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got[0], expected[0]);
  EXPECT_EQ(got[1], expected[1]);
}

TEST(Session, NoImageIsNoRun) {
  const auto plan = plan::make(testing::small_network());
  const std::vector<int> all = run::choose(run::this_machine(), run::Cores::all);
  for (const std::vector<int>& cores : {std::vector<int>(), all}) {
    run::Session session(plan, {.threads = 2, .cores = cores});
    float nothing = 7;
    session.run(&nothing, &nothing, 0);
    session.run(&nothing, &nothing, -1);
    EXPECT_EQ(nothing, 7);
  }
}

/// The message of the Error, or "" where there is none.
std::string error_of(const std::shared_ptr<const plan::Plan>& plan, int threads, std::span<std::byte> memory) {
  try {
    const run::Session session(plan, {.threads = threads, .memory = memory});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Session, WorksInTheCallersMemory) {
  const auto plan = plan::make(testing::small_network());
  const std::vector<float> input = testing::noise(plan->inputs[0].shape.size(), 8);
  run::Session alone(plan);
  for (const int threads : {1, 2, 4}) {
    const auto bytes = static_cast<std::size_t>(run::Session::memory_bytes(*plan, threads));
    // A line on either side, which is not the session's.
    const std::size_t floats = bytes / sizeof(float) + 32;
    const memory::Aligned<float> mine = memory::allocate<float>(floats);
    std::fill_n(mine.get(), floats, 3.0F);
    for (const std::vector<int>& cores : choices_of_cores()) {
      const std::span<std::byte> memory = std::as_writable_bytes(std::span(mine.get() + 16, bytes / sizeof(float)));
      run::Session session(plan, {.threads = threads, .cores = cores, .memory = memory});
      EXPECT_EQ(result_of(session, input), result_of(alone, input));
    }
    for (std::size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(mine.get()[i], 3.0F);
      EXPECT_EQ(mine.get()[floats - 1 - i], 3.0F);
    }
  }
}

TEST(Session, MemoryThatDoesNotDoIsAnError) {
  const auto plan = plan::make(testing::small_network());
  const auto bytes = static_cast<std::size_t>(run::Session::memory_bytes(*plan, 2));
  const memory::Aligned<float> mine = memory::allocate<float>(bytes / sizeof(float) + 16);
  auto* first = reinterpret_cast<std::byte*>(mine.get());
  const std::string wants = "'" + plan->name + "' works in " + std::to_string(bytes) +
                            " bytes of memory at a multiple of 64 on 2 threads; it was given ";
  EXPECT_EQ(error_of(plan, 2, {first, bytes}), "");
  EXPECT_EQ(error_of(plan, 2, {first, bytes + 64}), "");
  EXPECT_EQ(error_of(plan, 2, {first, bytes - 1}), wants + std::to_string(bytes - 1) + " bytes");
  EXPECT_EQ(error_of(plan, 2, {first, 1}), wants + "1 bytes");
  EXPECT_EQ(error_of(plan, 2, {first + 4, bytes}), wants + std::to_string(bytes) + " bytes, not at such a place");
  EXPECT_EQ(error_of(plan, 2, {first + 32, 1}), wants + "1 bytes, not at such a place");
  EXPECT_LT(run::Session::memory_bytes(*plan, 1), run::Session::memory_bytes(*plan, 2)) << "each worker has rows";
}

TEST(Session, ABatchIsItsImagesOneByOne) {
  const auto plan = plan::make(testing::small_network());
  run::Session session(plan);
  const std::int64_t size = plan->inputs[0].shape.size();
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
  const std::vector<float> input = testing::noise(plan->inputs[0].shape.size(), 2);
  std::vector<float> output(static_cast<std::size_t>(plan->outputs[0].shape.size()));
  std::vector<double> seconds(plan->steps.size(), -1.0);
  session.run_profiled(input.data(), output.data(), seconds.data());
  EXPECT_EQ(output, result_of(session, input));
  for (const double s : seconds) EXPECT_GE(s, 0.0);
  for (const std::vector<int>& cores : choices_of_cores()) {
    run::Session several(plan, {.threads = 2, .cores = cores});
    std::fill(output.begin(), output.end(), 0.0F);
    std::fill(seconds.begin(), seconds.end(), -1.0);
    several.run_profiled(input.data(), output.data(), seconds.data());
    EXPECT_EQ(output, result_of(session, input));
    for (const double s : seconds) EXPECT_GE(s, 0.0);
  }
}

TEST(Session, ATraceHoldsEveryTileOnce) {
  const auto plan = plan::make(testing::small_network());
  const std::size_t steps = plan->steps.size();
  run::Session alone(plan);
  const std::vector<float> input = testing::noise(plan->inputs[0].shape.size(), 2), expected = result_of(alone, input);
  std::vector<float> output(expected.size());
  const void* const from = input.data();
  void* const to = output.data();
  for (const int threads : {1, 3}) {
    for (const std::vector<int>& cores : choices_of_cores()) {
      run::Session session(plan, {.threads = threads, .cores = cores});
      std::vector<run::TraceSlice> slices(static_cast<std::size_t>(threads) * steps);
      for (int again = 0; again < 5; ++again) {  // into what the run before has left
        std::fill(output.begin(), output.end(), 0.0F);
        const auto began = std::chrono::steady_clock::now();
        session.run_traced(&from, &to, slices.data());
        auto before = began;  // the end of the step before
        EXPECT_EQ(output, expected);
        for (std::size_t s = 0; s < steps; ++s) {
          std::int32_t tiles = 0;
          auto last = before;
          for (std::size_t worker = 0; worker < static_cast<std::size_t>(threads); ++worker) {
            const run::TraceSlice& slice = slices[worker * steps + s];
            tiles += slice.tiles;
            if (slice.tiles == 0) continue;
            EXPECT_GE(slice.begin, before) << "a step begins when the one before is over";
            EXPECT_GE(slice.end, slice.begin);
            last = std::max(last, slice.end);
          }
          EXPECT_EQ(tiles, plan->steps[s].tiles) << plan->steps[s].name;
          before = last;
        }
        EXPECT_LE(before, std::chrono::steady_clock::now());
      }
    }
  }
}

}  // namespace
}  // namespace riffle
