#include "trainer/initial/initialise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace riffle::trainer {
namespace {

using Shape = std::vector<std::int64_t>;

struct Moments {
  double largest = 0, mean = 0, deviation = 0, fourth = 0;
};

Moments moments(const graph::Constant& constant) {
  Moments result;
  const double share = 1.0 / static_cast<double>(constant.size());
  for (const float value : constant.values()) {
    result.largest = std::max(result.largest, std::abs(static_cast<double>(value)));
    result.mean += share * value;
  }
  for (const float value : constant.values()) {
    result.deviation += share * std::pow(value - result.mean, 2);
    result.fourth += share * std::pow(value - result.mean, 4);
  }
  result.fourth /= result.deviation * result.deviation;
  result.deviation = std::sqrt(result.deviation);
  return result;
}

/// Large enough a sample of it comes near to the bound and never beyond, and spreads as a uniform distribution does.
void expect_uniform(const graph::Constant& constant, double bound) {
  const Moments found = moments(constant);
  EXPECT_LE(found.largest, bound * (1 + 1e-6));
  EXPECT_GT(found.largest, bound * 0.99);
  EXPECT_NEAR(found.mean, 0, bound * 0.05);
  EXPECT_NEAR(found.deviation, bound / std::sqrt(3.0), bound * 0.03);
}

// The bounds are those that PyTorch 1.13's torch.nn.init computes for these shapes.
TEST(Initialise, xavier_uniform_has_PyTorchs_bounds) {
  const auto weights = xavier_uniform(3);
  expect_uniform(weights("pointwise.weight", Shape{64, 32, 1, 1}), 0.25);          // sqrt(6 / (32 + 64))
  expect_uniform(weights("grouped.weight", Shape{240, 60, 1, 1}), 0.1414213562);   // sqrt(6 / (60 + 240))
  expect_uniform(weights("depthwise.weight", Shape{200, 1, 3, 3}), 0.0575887347);  // sqrt(6 / (9 + 1800))
  expect_uniform(weights("kernel.weight", Shape{24, 3, 3, 3}), 0.1571348403);      // sqrt(6 / (27 + 216))
  expect_uniform(weights("dense.weight", Shape{10, 1024}), 0.0761749929);          // sqrt(6 / (1024 + 10))
}

TEST(Initialise, kaiming_has_PyTorchs_bounds) {
  expect_uniform(kaiming_uniform(3)("pointwise.weight", Shape{96, 32, 1, 1}), 0.25);  // sqrt(6 / 96)
  const Moments found = moments(kaiming_normal(3)("kernel.weight", Shape{64, 16, 3, 3}));
  const double deviation = std::sqrt(2.0 / (64 * 9));
  EXPECT_NEAR(found.deviation, deviation, deviation * 0.02);
  EXPECT_NEAR(found.mean, 0, deviation * 0.03);
  EXPECT_NEAR(found.fourth, 3, 0.2);  // a normal distribution's kurtosis; a uniform one's is 1.8
}

TEST(Initialise, the_rest_is_as_PyTorchs_layers_start) {
  const auto weights = xavier_uniform(3);
  weights("dense.weight", Shape{500, 64});
  expect_uniform(weights("dense.bias", Shape{500}), 0.125);  // 1 / sqrt(64)
  weights("norm.weight", Shape{4});
  const auto all_of = [&](const std::string& name) {
    const graph::Constant constant = weights(name, Shape{4});
    return std::vector<float>(constant.values().begin(), constant.values().end());
  };
  EXPECT_EQ(all_of("norm.weight"), std::vector<float>(4, 1.0F));
  EXPECT_EQ(all_of("norm.bias"), std::vector<float>(4, 0.0F));
  EXPECT_EQ(all_of("norm.running_mean"), std::vector<float>(4, 0.0F));
  EXPECT_EQ(all_of("norm.running_var"), std::vector<float>(4, 1.0F));
}

TEST(Initialise, depends_on_seed_and_name_and_not_on_order) {
  const auto first = kaiming_normal(1), second = kaiming_normal(1), other = kaiming_normal(2);
  const Shape shape{8, 4, 1, 1};
  const auto values = [&](const models::WeightSource& source, const std::string& name) {
    const graph::Constant constant = source(name, shape);
    return std::vector<float>(constant.values().begin(), constant.values().end());
  };
  const auto a = values(first, "a.weight"), b = values(first, "b.weight");
  EXPECT_EQ(values(second, "b.weight"), b);
  EXPECT_EQ(values(second, "a.weight"), a);
  EXPECT_NE(a, b);
  EXPECT_NE(values(other, "a.weight"), a);
}

TEST(Initialise, a_network_begins_with_it) {
  const graph::Graph graph = models::shufflenet_v1(
      {.groups = 2, .flavour = models::Flavour::study_note, .in_channels = 1, .classes = 10}, xavier_uniform(0));
  for (const graph::Node& node : graph.nodes) {
    const auto* convolution = std::get_if<graph::Convolution>(&node.operation);
    if (node.name != "stem.0.0" || convolution == nullptr) continue;
    const Moments weights = moments(convolution->weights), bias = moments(convolution->bias);
    EXPECT_LE(weights.largest, std::sqrt(6.0 / (9 + 216)));
    EXPECT_LE(bias.largest, 1.0 / 3);
    EXPECT_GT(bias.largest, 0.2);
    return;
  }
  FAIL() << "no stem";
}

}  // namespace
}  // namespace riffle::trainer
