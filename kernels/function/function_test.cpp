#include <cmath>
#include <string>
#include <vector>

#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class FunctionOfANumber : public EveryIsa {
 protected:
  /// Everywhere a function bends, far outside, and what is no number.
  static std::vector<float> arguments() {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    std::vector<float> all = {0.0F,   -0.0F,   infinity, std::numeric_limits<float>::quiet_NaN(),
                              1e-30F, -1e-30F, 1e-40F,   88.0F,
                              -88.0F, 104.0F,  -104.0F,  1e4F,
                              -1e4F,  3.0F,    -3.0F};
    for (float x = -20.0F; x <= 20.0F; x += 0.0625F) all.push_back(x);
    return all;
  }
};

TEST_P(FunctionOfANumber, EqualsTheReference) {
  for (const FunctionKernel& row : kernels().of<FunctionKernel>()) {
    for (const FunctionFacts& facts : function_facts) {
      SCOPED_TRACE(std::string(row.name) + ", " + std::string(facts.word));
      const std::vector<float> before = arguments();
      std::vector<float> expected = before, actual = before;
      const auto count = static_cast<std::int32_t>(before.size());
      function_reference(facts.function, expected.data(), 1, count, count);
      row.run(facts.function, actual.data(), 1, count, count);
      for (std::size_t i = 0; i < before.size(); ++i) {
        if (std::isnan(expected[i])) {
          EXPECT_TRUE(std::isnan(actual[i])) << before[i];
        } else if (std::isinf(expected[i])) {
          EXPECT_EQ(actual[i], expected[i]) << before[i];
        } else {
          EXPECT_NEAR(actual[i], expected[i], 4e-7F * std::max(1.0F, std::abs(before[i]))) << before[i];
        }
      }
    }
  }
}

/// Whole and partial vectors, pixels side by side and apart: the channels change, what stands between them does not.
TEST_P(FunctionOfANumber, TouchesItsChannelsAlone) {
  for (const FunctionKernel& row : kernels().of<FunctionKernel>()) {
    for (std::uint32_t seed = 0; seed < 40 && !HasFatalFailure(); ++seed) {
      Scene scene(seed);
      const std::int32_t channels = scene.channels();
      const std::int64_t pixels = scene.integer(1, 9);
      const ChannelRun run = scene.run(pixels, channels, 0);
      const std::vector<float> before = scene.arena();
      std::vector<float> expected = before, actual = before;
      const auto values = [&](std::vector<float>& arena) { return addresses_of(arena).write(run.first); };
      const Function function = seed % 2 == 0 ? Function::sigmoid : Function::hard_swish;
      function_reference(function, values(expected), pixels, channels, run.pixel_stride);
      row.run(function, values(actual), pixels, channels, run.pixel_stride);
      ASSERT_NO_FATAL_FAILURE(expect_matches(before, expected, actual, 1e-6)) << "seed " << seed;
    }
  }
}

RIFFLE_EVERY_ISA(FunctionOfANumber);

}  // namespace
}  // namespace riffle::kernels::testing
