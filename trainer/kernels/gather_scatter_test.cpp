// Rounding as values are gathered, and its gradient, beside plain loops, on every instruction set.
#include "trainer/kernels/gather_scatter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "models/random.hpp"
#include "trainer/kernels/kernels.hpp"

namespace riffle::trainer::gathering {
namespace {

constexpr std::int64_t pixels = 11;
constexpr std::int32_t most_channels = 70;

/// Numbers of channels with fewer lanes than a vector, with some vectors, with a last one that is not whole.
constexpr std::int32_t channel_counts[] = {1, 3, 8, 16, 37, most_channels};

struct Numbers {
  std::vector<float> values = models::random_values(1, "values", pixels* most_channels, {.reach = 3.0F});
  std::vector<float> rows = models::random_values(2, "rows", pixels* most_channels, {.reach = 1.0F});
  std::vector<float> step, inverse, zero = std::vector<float>(most_channels, 0.0F);

  Numbers() {
    for (int c = 0; c < most_channels; ++c) {
      step.push_back(0.0078125F * static_cast<float>(1 + c % 5));  // so that some values are half-way between two
      inverse.push_back(1.0F / step.back());
    }
    for (std::size_t i = 0; i < values.size(); i += 7) values[i] = 0.5F * step[i % most_channels];
    values[5] = std::numeric_limits<float>::quiet_NaN();
  }
};

template <class F>
void on_every_instruction_set(F&& f) {
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (!kernels->supported() || kernels->type != Type::f32) continue;
    for (const std::int32_t channels : channel_counts) {
      SCOPED_TRACE(std::string(kernels->isa) + ", " + std::to_string(channels) + " channels");
      f(training_kernels(*kernels), channels);
    }
  }
}

TEST(Rounding, gathers_whole_steps_that_a_byte_counts) {
  const Numbers n;
  on_every_instruction_set([&](const TrainingKernels& kernels, std::int32_t channels) {
    for (const bool adds : {false, true}) {
      ColumnRun run;
      run.first = n.values.data();
      run.pixel_stride = run.channels = channels;
      run.scale = n.inverse.data();
      run.shift = n.zero.data();
      run.step = n.step.data();
      run.clamp = {-100.0F, 155.0F};
      run.add = adds;
      run.total = {-1.0F, 2.0F};
      std::vector<float> rows = n.rows;
      kernels.gather(run, pixels, rows.data(), most_channels);
      for (std::int64_t p = 0; p < pixels; ++p) {
        for (std::int32_t c = 0; c < channels; ++c) {
          const float x = n.values[static_cast<std::size_t>(p * channels + c)];
          const float step = n.step[static_cast<std::size_t>(c)];
          const float steps = std::nearbyint(std::fmin(std::fmax(x / step, -100.0F), 155.0F));
          const auto at = static_cast<std::size_t>(p * most_channels + c);
          if (std::isnan(x)) {
            EXPECT_TRUE(std::isnan(rows[at]));
          } else if (adds) {
            EXPECT_FLOAT_EQ(rows[at], std::fmin(std::fmax(n.rows[at] + step * steps, -1.0F), 2.0F));
          } else {
            EXPECT_EQ(rows[at], step * steps) << "pixel " << p << ", channel " << c << " of " << x / step << " steps";
          }
        }
      }
    }
  });
}

TEST(Rounding, its_gradient_is_that_of_the_bounds_alone) {
  Numbers n;
  n.values[5] = -1.0F;
  on_every_instruction_set([&](const TrainingKernels& kernels, std::int32_t channels) {
    for (const bool adds : {false, true}) {
      const std::vector<float> before =
          models::random_values(3, "gradient", static_cast<std::size_t>(pixels * channels), {.reach = 1.0F});
      std::vector<float> gradient = before;
      Completion run;
      run.to = {gradient.data(), channels, channels, adds};
      run.y = n.values.data();
      run.clamp = {0.0F, 155.0F};
      run.scale = n.inverse.data();
      run.shift = n.zero.data();
      kernels.complete(run, pixels, n.rows.data(), most_channels);
      int passed = 0, stopped = 0;
      for (std::int64_t p = 0; p < pixels; ++p) {
        for (std::int32_t c = 0; c < channels; ++c) {
          const auto at = static_cast<std::size_t>(p * channels + c);
          const float steps = n.values[at] * n.inverse[static_cast<std::size_t>(c)];
          const float all = n.rows[static_cast<std::size_t>(p * most_channels + c)] + (adds ? before[at] : 0.0F);
          const bool passes = steps > 0.0F && steps < 155.0F;
          EXPECT_EQ(gradient[at], passes ? all : 0.0F);
          ++(passes ? passed : stopped);
        }
      }
      EXPECT_GT(passed, 0);
      EXPECT_GT(stopped, 0);
    }
  });
}

}  // namespace
}  // namespace riffle::trainer::gathering
