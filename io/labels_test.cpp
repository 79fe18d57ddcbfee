#include "io/labels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

plan::Plan plan_of(const graph::Shape& input, const graph::Shape& output) {
  plan::Plan plan;
  plan.kernels = kernels::find_kernels("scalar");
  plan.inputs = {{"image", input}};
  plan.outputs = {{"classes", output}};
  return plan;
}

TEST(Classification, softmax_sums_to_one) {
  std::vector<float> values = {1000.0F, 1001.0F, 999.0F};
  io::softmax(values);
  const double e = std::exp(1.0), sum = e + 1 + 1 / e;
  EXPECT_NEAR(values[0], 1 / sum, 1e-6);
  EXPECT_NEAR(values[1], e / sum, 1e-6);
  EXPECT_NEAR(values[2], 1 / e / sum, 1e-6);
}

TEST(Classification, largest_first) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values = {0.5F, nan, 2.0F, -1.0F, 2.0F};
  EXPECT_EQ(io::largest(values, 5), (std::vector<std::int32_t>{2, 4, 0, 3, 1}));
  EXPECT_EQ(io::largest(values, 1), std::vector<std::int32_t>{2});
  EXPECT_TRUE(io::largest(values, 0).empty());
}

TEST(Classification, labels) {
  const Folder folder;
  const std::string path = folder.write("labels.txt", bytes_of("T-shirt/top\r\ntrouser\nankle boot"));
  EXPECT_EQ(io::read_labels(path, 3), (std::vector<std::string>{"T-shirt/top", "trouser", "ankle boot"}));
  EXPECT_TRUE(contains(error_of([&] { io::read_labels(path, 4); }), "3 names for the model's 4 classes"));
}

TEST(Classification, an_image_is_no_class) {
  const auto fault = [](const plan::Plan& plan) { return error_of([&] { io::require_classifier(plan); }); };
  EXPECT_EQ(fault(plan_of({8, 8, 3}, {2, 2, 10})),
            "the model's first output is classes 10 x 2 x 2, not one f32 value a class");
  plan::Plan plan = plan_of({8, 8, 3}, {1, 1, 10});
  plan.outputs.push_back({"map", {4, 4, 2}, Type::u8});
  io::require_classifier(plan);  // what there is beside the classes is no matter
  plan.outputs[0].type = Type::i8;
  plan.outputs[0].quantization = {0.25F, 3};
  EXPECT_EQ(fault(plan),
            "the model's first output is classes 10 x 1 x 1 i8 (scale 0.25, zero point 3), not one f32 value "
            "a class");
  plan.inputs[0].type = Type::f16;
  EXPECT_EQ(fault(plan), "the model's input is image 3 x 8 x 8 f16, not f32 or u8, as pictures become");
  plan.inputs.push_back({"mask", {8, 8, 1}});
  EXPECT_EQ(fault(plan), "the model takes 2 inputs (image 3 x 8 x 8 f16, mask 1 x 8 x 8), not one picture");
}

}  // namespace
}  // namespace riffle::tests
