#include <cmath>
#include <string>
#include <vector>

#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class FunctionOfANumber : public EveryRow<FunctionKernel> {
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
  const Type type = row().types.output;
  for (const FunctionFacts& facts : function_facts) {
    SCOPED_TRACE(facts.word);
    const std::vector<float> before = arguments();
    std::vector<std::byte> expected = stored(type, before), actual = expected;
    const auto count = static_cast<std::int32_t>(before.size());
    function_reference(facts.function, {Place{}, count, 0, type}, 1, count, addresses_of(expected));
    row().run(facts.function, actual.data(), 1, count, count);
    const Tolerance tolerance = rounded(type, {4e-7, 0});
    for (std::size_t i = 0; i < before.size(); ++i) {
      const auto result = [&](std::vector<std::byte>& numbers) {
        return number({Place{}, type}, static_cast<std::int64_t>(i), addresses_of(numbers));
      };
      const double x = before[i], y = result(expected);
      if (std::isnan(y)) {
        EXPECT_TRUE(std::isnan(result(actual))) << x;
      } else if (std::isinf(y)) {
        EXPECT_EQ(result(actual), y) << x;
      } else {
        EXPECT_NEAR(result(actual), y,
                    tolerance.absolute * std::max(1.0, std::abs(x)) + tolerance.relative * std::abs(y))
            << x;
      }
    }
  }
}

/// Whole and partial vectors, pixels side by side and apart: the channels change, what stands between them does not.
TEST_P(FunctionOfANumber, TouchesItsChannelsAlone) {
  const Type type = row().types.output;
  for (std::uint32_t seed = 0; seed < 40 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const std::int32_t channels = scene.channels();
    const std::int64_t pixels = scene.integer(1, 9);
    const ChannelRun run = scene.run(pixels, channels, 0, type);
    const std::vector<std::byte> before = scene.arena();
    std::vector<std::byte> expected = before, actual = before;
    const Function function = seed % 2 == 0 ? Function::sigmoid : Function::hard_swish;
    function_reference(function, {run.first, run.pixel_stride, 0, type}, pixels, channels, addresses_of(expected));
    row().run(function, addresses_of(actual).write<std::byte>(run.first), pixels, channels, run.pixel_stride);
    expect_matches(scene.numbers(before), scene.numbers(expected), scene.numbers(actual), rounded(type, 1e-6));
  }
}

RIFFLE_EVERY_ROW(FunctionOfANumber, FunctionKernel);

}  // namespace
}  // namespace riffle::kernels::testing
