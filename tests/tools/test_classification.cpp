#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"
#include "tests/tools/encode.hpp"
#include "tests/tools/expect_error.hpp"
#include "tools/classification.hpp"

namespace riffle::tests {
namespace {

using tools::Preprocess;

plan::Plan plan_of(const graph::Shape& input, const graph::Shape& output) {
  plan::Plan plan;
  plan.kernels = kernels::find_kernels("scalar");
  plan.input = input;
  plan.output = output;
  return plan;
}

TEST(Classification, softmax_sums_to_one) {
  std::vector<float> values = {1000.0F, 1001.0F, 999.0F};
  tools::softmax(values);
  const double e = std::exp(1.0), sum = e + 1 + 1 / e;
  EXPECT_NEAR(values[0], 1 / sum, 1e-6);
  EXPECT_NEAR(values[1], e / sum, 1e-6);
  EXPECT_NEAR(values[2], 1 / e / sum, 1e-6);
}

TEST(Classification, largest_first) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values = {0.5F, nan, 2.0F, -1.0F, 2.0F};
  EXPECT_EQ(tools::largest(values, 5), (std::vector<std::int32_t>{2, 4, 0, 3, 1}));
  EXPECT_EQ(tools::largest(values, 1), std::vector<std::int32_t>{2});
  EXPECT_TRUE(tools::largest(values, 0).empty());
}

TEST(Classification, labels) {
  const Folder folder;
  const std::string path = folder.write("labels.txt", bytes_of("T-shirt/top\r\ntrouser\nankle boot"));
  EXPECT_EQ(tools::read_labels(path, 3), (std::vector<std::string>{"T-shirt/top", "trouser", "ankle boot"}));
  EXPECT_TRUE(contains(error_of([&] { tools::read_labels(path, 4); }), "3 names for the model's 4 classes"));
}

TEST(Classification, pictures_are_normalised) {
  const plan::Plan plan = plan_of({1, 2, 3}, {1, 1, 10});
  const Preprocess preprocess(plan, {.mean = {0.5F, 0.25F, 0.0F}, .deviation = {0.5F, 0.25F, 1.0F}});
  std::vector<float> input(6);
  preprocess({2, 1, 3, {255, 0, 51, 0, 255, 102}}, input);
  const std::vector<float> expected = {1, -1, -1, 3, 0.2F, 0.4F};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(input[i], expected[i], 1e-6) << i;
  // A gray picture is one with three equal channels.
  preprocess({2, 1, 1, {255, 0}}, input);
  const std::vector<float> gray = {1, -1, 3, -1, 1, 0};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(input[i], gray[i], 1e-6) << i;
}

TEST(Classification, pictures_are_resized) {
  const plan::Plan plan = plan_of({1, 4, 1}, {1, 1, 10});
  std::vector<float> input(4);
  Preprocess(plan, {})({2, 1, 1, {0, 255}}, input);
  // Half-pixel centres: 0.5 * (d + 0.5) - 0.5, clamped to the border.
  const std::vector<float> expected = {0, 0.25F, 0.75F, 1};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(input[i], expected[i], 1e-6) << i;
}

TEST(Classification, what_does_not_fit_is_named) {
  const plan::Plan color = plan_of({8, 8, 3}, {1, 1, 10});
  EXPECT_TRUE(contains(error_of([&] { Preprocess(color, {.mean = {0, 0}}); }), "mean: 2 values for 3 channels"));
  EXPECT_TRUE(contains(error_of([&] { Preprocess(color, {.deviation = {1, 0, 1}}); }), "std"));
  EXPECT_TRUE(contains(error_of([&] { Preprocess(color, {.mean = {NAN}}); }), "mean: a value is not finite"));
  EXPECT_TRUE(contains(error_of([&] { Preprocess(plan_of({8, 8, 2}, {1, 1, 10}), {}); }), "takes 2 channels"));
  std::vector<float> gray(1);
  EXPECT_TRUE(contains(error_of([&] {
                         Preprocess(plan_of({1, 1, 1}, {1, 1, 10}), {})({1, 1, 3, {1, 2, 3}}, gray);
                       }),
                       "a picture of 3 channels does not become one of 1"));
  EXPECT_TRUE(contains(error_of([&] { tools::require_classifier(plan_of({8, 8, 3}, {2, 2, 10})); }), "10 x 2 x 2"));
}

}  // namespace
}  // namespace riffle::tests
