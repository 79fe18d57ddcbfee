#include <gtest/gtest.h>

#include <thread>

#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "tests/engine/networks.hpp"

namespace riffle {
namespace {

std::vector<float> result_of(run::Session& session, const std::vector<float>& input, std::int64_t batch = 1) {
  std::vector<float> output(static_cast<std::size_t>(batch * session.plan().output.size()));
  session.run(input.data(), output.data(), batch);
  return output;
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
