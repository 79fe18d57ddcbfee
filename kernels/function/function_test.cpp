#include <cmath>
#include <string>
#include <vector>

#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Every function, with parameters of several kinds where it has some.
std::vector<FunctionArgs> all_functions(const float* slopes) {
  std::vector<FunctionArgs> all;
  for (const FunctionFacts& facts : function_facts) {
    if (facts.function == Function::table) continue;  // of bytes
    if (facts.function == Function::power) {
      for (const float a : {-2.0F, -1.0F, -0.5F, 0.0F, 0.3F, 0.5F, 1.0F, 1.7F, 2.0F, 3.0F, 7.0F}) {
        all.push_back({facts.function, a});
      }
      continue;
    }
    all.push_back({facts.function, 0.25F, 0.5F, slopes});
    if (facts.parameters > 0) all.push_back({facts.function, 1.75F, 1.0625F});
  }
  return all;
}

std::string text(const FunctionArgs& f) {
  return std::string(facts_of(f.function).word) + ' ' + std::to_string(f.a) + ' ' + std::to_string(f.b);
}

class FunctionOfANumber : public EveryRow<FunctionKernel> {
 protected:
  /// Everywhere a function bends, far outside, and what is no number.
  static std::vector<float> arguments() {
    std::vector<float> all = {0.0F,    -0.0F,   infinity, -infinity, std::numeric_limits<float>::quiet_NaN(),
                              1e-30F,  -1e-30F, 88.0F,    -88.0F,    104.0F,
                              -104.0F, 1e4F,    -1e4F,    3.0F,      -3.0F,
                              1e-6F,   -1e-6F,  0.625F,   -0.92F};
    for (float x = -20.0F; x <= 20.0F; x += 0.0625F) all.push_back(x + 1e-3F);
    for (float x = -8.0F; x <= 8.0F; x += 0.5F) all.push_back(x);
    return all;
  }
};

TEST_P(FunctionOfANumber, EqualsTheReference) {
  const Type type = row().types.output;
  const std::vector<float> before = arguments();
  const auto count = static_cast<std::int32_t>(before.size());
  std::vector<float> slopes;
  for (std::int32_t i = 0; i < count; ++i) slopes.push_back(static_cast<float>(i % 7) / 4.0F - 0.5F);
  for (const FunctionArgs& function : all_functions(slopes.data())) {
    SCOPED_TRACE(text(function));
    std::vector<std::byte> expected = stored(type, before), actual = expected;
    function_reference(function, {Place{}, count, 0, type}, 1, count, addresses_of(expected));
    row().run(function, actual.data(), 1, count, count);
    for (std::size_t i = 0; i < before.size(); ++i) {
      const auto result = [&](std::vector<std::byte>& numbers) {
        return number({Place{}, type}, static_cast<std::int64_t>(i), addresses_of(numbers));
      };
      const double x = nearest(type, before[i]), y = result(expected);
      // What function.hpp states, and what the number loses where it is stored.
      double error = 1e-6 * std::max(1.0, std::abs(y));
      if (function.function == Function::power && std::isfinite(y) && std::isfinite(x) && x > 0) {
        error += std::abs(static_cast<double>(function.a) * std::log(x) * y) / (1 << 23);
      }
      error += rounded(type, {0, 0}).relative * std::abs(y) + rounded(type, {0, 0}).absolute;
      if (std::isnan(y)) {
        EXPECT_TRUE(std::isnan(result(actual))) << x;
      } else if (std::isinf(y)) {
        EXPECT_EQ(result(actual), y) << x;
      } else {
        EXPECT_NEAR(result(actual), y, error) << x;
      }
    }
  }
}

/// Near 0, where a result is as small as its argument, it is as good as elsewhere.
TEST_P(FunctionOfANumber, IsRightNearZero) {
  if (row().types.output != Type::f32) GTEST_SKIP() << "of floats alone";
  for (const Function function : {Function::tanh, Function::erf, Function::softsign, Function::elu, Function::silu}) {
    SCOPED_TRACE(facts_of(function).word);
    for (const float x : {1e-20F, -1e-9F, 3e-5F, -1e-3F, 0.02F, -0.3F}) {
      const FunctionArgs args{function, 1.0F};
      float y = x;
      row().run(args, &y, 1, 1, 1);
      const double expected = reference_of(args, static_cast<double>(x));
      EXPECT_NEAR(y, expected, 1e-6 * std::abs(expected)) << x;
    }
  }
}

/// A result is no further off than `spread` says of numbers that are so far apart.
TEST(FunctionsSpread, HoldsWhatLiesInTheInterval) {
  const float slope = -1.5F;
  for (const FunctionArgs& function : all_functions(&slope)) {
    SCOPED_TRACE(text(function));
    for (const double error : {1e-6, 1e-3, 0.1}) {
      for (double x = -4.0; x <= 4.0; x += 0.0417) {
        const double far = spread(function, x, error), y = reference_of(function, x);
        for (double other = x - error; other <= x + error; other += error / 8) {
          const double apart = std::abs(reference_of(function, other) - y);
          EXPECT_FALSE(apart > far * (1 + 1e-9) + 1e-15) << x << " and " << other;
        }
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
    const std::vector<float> slopes = scene.values(channels);
    const FunctionArgs function{scene.pick({Function::sigmoid, Function::mish, Function::prelu}), 0, 0, slopes.data()};
    function_reference(function, {run.first, run.pixel_stride, 0, type}, pixels, channels, addresses_of(expected));
    row().run(function, addresses_of(actual).write<std::byte>(run.first), pixels, channels, run.pixel_stride);
    expect_matches(scene.numbers(before), scene.numbers(expected), scene.numbers(actual), rounded(type, 1e-6));
  }
}

RIFFLE_EVERY_ROW(FunctionOfANumber, FunctionKernel);

class TableOfBytes : public EveryRow<FunctionKernel> {};

TEST_P(TableOfBytes, EqualsTheReference) {
  const Type type = row().types.output;
  for (std::uint32_t seed = 0; seed < 60 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const std::int32_t channels = scene.channels();
    const std::int64_t pixels = scene.integer(1, 40);
    const ChannelRun run = scene.run(pixels, channels, 0, type);
    std::vector<std::uint8_t> table;
    for (std::int32_t i = 0; i < 256 * channels; ++i) table.push_back(static_cast<std::uint8_t>(scene.integer(0, 255)));
    FunctionArgs function{Function::table};
    function.table = table.data();
    function.table_step = scene.coin() ? 0 : 256;
    const Block block{run.first, run.pixel_stride, 0, type};
    check_bytes(
        scene, 1, [&](const Addresses& memory) { function_reference(function, block, pixels, channels, memory); },
        [&](const Addresses& memory, TileRange) {
          row().run(function, memory.write<std::byte>(run.first), pixels, channels, run.pixel_stride);
        });
  }
}

RIFFLE_EVERY_BYTE_ROW(TableOfBytes, FunctionKernel);

}  // namespace
}  // namespace riffle::kernels::testing
