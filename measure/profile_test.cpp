#include "measure/profile.hpp"

#include <gtest/gtest.h>

#include "draw/roofline_svg.hpp"
#include "tests/count.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

/// 100 GMAC/s, 200 GB/s for activations, 50 GB/s for weights.
constexpr measure::Limits limits = {100e9, 200e9, 50e9, 1 << 18, 1 << 23};

plan::Step step(plan::Task task, std::int64_t macs, std::int64_t weight_bytes, std::int64_t read_bytes,
                std::int64_t write_bytes) {
  plan::Step step;
  step.name = "a <step>";
  step.operation = "an operation";
  step.kernel = "f32-kernel";
  step.task = std::move(task);
  step.in = {14, 14, 58};
  step.out = {14, 14, 116};
  step.macs = macs;
  step.weight_bytes = weight_bytes;
  step.read_bytes = read_bytes;
  step.write_bytes = write_bytes;
  return step;
}

plan::Plan timed_plan() {
  plan::Plan plan;
  plan.name = "<net>";
  plan.kernels = kernels::find_kernels("scalar");
  plan.inputs = {{"image", {16, 16, 3}}, {"mask", {16, 16, 1}, Type::u8, {0.5F, 7}}};
  plan.outputs = {{"classes", {1, 1, 10}}};
  plan.steps = {
      step(plan::Call<kernels::PointwiseArgs>{}, 20'000'000, 50'000, 1'000'000, 1'000'000),
      step(plan::Call<kernels::PointwiseArgs>{}, 20'000'000, 50'000, 1'000'000, 1'000'000),
      step(plan::Call<kernels::PoolArgs>{}, 0, 0, 4'000'000, 1'000'000),
      step(plan::Call<kernels::FullyConnectedArgs>{}, 1'000'000, 4'000'000, 4'000, 4'000),
  };
  plan.steps.back().out = {1, 1, 10};
  return plan;
}

measure::Profile profile_of(const plan::Plan& plan, double ms) {
  measure::Profile profile;
  profile.limits = limits;
  for (const plan::Step& step : plan.steps) profile.steps.push_back(measure::hold_against(limits, step, ms));
  return profile;
}

TEST(Profile, a_limit_is_the_longer_of_multiply_adds_and_bytes) {
  const plan::Plan plan = timed_plan();
  const measure::Profile profile = profile_of(plan, 0.4);
  // 20 M at 100 G; the bytes would take 0.001 + 0.010 ms.
  EXPECT_DOUBLE_EQ(profile.steps[0].limit_ms, 0.2);
  EXPECT_FALSE(profile.steps[0].bytes_bind);
  EXPECT_DOUBLE_EQ(profile.steps[0].share_of_limit(), 0.5);
  // Activations alone: 5 MB at 200 GB/s.
  EXPECT_DOUBLE_EQ(profile.steps[2].limit_ms, 0.025);
  EXPECT_TRUE(profile.steps[2].bytes_bind);
  // 4 MB of weights at 50 GB/s and 8 KB at 200 GB/s; the multiply-adds would take 0.01 ms.
  EXPECT_DOUBLE_EQ(profile.steps[3].limit_ms, 0.08 + 0.00004);
  EXPECT_TRUE(profile.steps[3].bytes_bind);
  EXPECT_DOUBLE_EQ(profile.total_ms(), 1.6);
  EXPECT_DOUBLE_EQ(profile.total_limit_ms(), 0.2 + 0.2 + 0.025 + 0.08004);
  EXPECT_EQ(profile.total_macs(), 41'000'000);
}

TEST(Profile, a_step_that_no_clock_saw) {
  const plan::Plan plan = timed_plan();
  EXPECT_EQ(measure::hold_against(limits, plan.steps[0], 0).share_of_limit(), 0);
  EXPECT_EQ(measure::gmac_per_second(1'000'000, 0), 0);
}

TEST(Profile, limits_are_measured_on_every_instruction_set) {
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    ASSERT_NE(measure::find_loops(kernels->isa), nullptr) << kernels->isa;
    if (!kernels->supported()) continue;
    for (const int threads : {1, 3}) {
      const measure::Limits measured = measure::measure(kernels->isa, threads, 1'000'000);
      EXPECT_GT(measured.macs_per_second, 0) << kernels->isa;
      EXPECT_GT(measured.activation_bytes_per_second, 0) << kernels->isa;
      EXPECT_GT(measured.weight_bytes_per_second, 0) << kernels->isa;
      EXPECT_EQ(measured.weight_bytes, 1'000'000);
    }
  }
  EXPECT_EQ(measure::find_loops("z80"), nullptr);
}

TEST(Profile, weights_that_stay_in_the_cache_come_from_where_activations_do) {
  const measure::Limits measured = measure::measure("scalar", 1, 1000);
  EXPECT_EQ(measured.weight_bytes, measured.activation_bytes);
  EXPECT_EQ(measured.weight_bytes_per_second, measured.activation_bytes_per_second);
}

TEST(Roofline, is_one_whole_file) {
  const plan::Plan plan = timed_plan();
  const std::string svg = draw::roofline_svg(plan, profile_of(plan, 0.4));
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "<circle"), 3 + 2) << "every step with multiply-adds, and the key";
  for (const std::string element : {"text", "title"}) {
    EXPECT_EQ(count(svg, "<" + element), count(svg, "</" + element + ">")) << element;
  }
  for (const std::string bad : {"nan", "inf", "width=\"-", "height=\"-", "r=\"-", "href", "<step>"}) {
    EXPECT_EQ(count(svg, bad), 0) << bad;
  }
  for (const std::string words : {"&lt;net&gt;", "100.0 GMAC/s", "200.0 GB/s", "50.0 GB/s", "not drawn"}) {
    EXPECT_TRUE(contains(svg, words));
  }
  for (const std::string tensor : {">image 3 × 16 × 16<", ">mask 1 × 16 × 16 u8<", ">classes 10 × 1 × 1<"}) {
    EXPECT_EQ(count(svg, tensor), 1) << tensor;
  }
  EXPECT_EQ(count(svg, ">an operation, 58 → 116, 14 × 14<"), 1) << "steps of one shape share a line";
  EXPECT_TRUE(contains(svg, "2 steps, 0.800 ms, 50.0 %; at 50 % of the limit"));
}

TEST(Roofline, of_next_to_nothing) {
  plan::Plan plan = timed_plan();
  plan.steps.erase(plan.steps.begin(), plan.steps.begin() + 2);
  plan.steps.pop_back();
  for (const double ms : {0.0, 1.0}) {
    const std::string svg = draw::roofline_svg(plan, profile_of(plan, ms));
    EXPECT_EQ(count(svg, "nan") + count(svg, "inf") + count(svg, "<circle"), 0);
  }
}

}  // namespace
}  // namespace riffle::tests
