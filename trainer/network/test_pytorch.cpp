// Training in riffle against training in PyTorch: a step's loss, gradients and statistics, ten steps of Adam and SGD.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "tests/golden/golden.hpp"
#include "trainer/network/network.hpp"
#include "trainer/optimizer/optimizer.hpp"

namespace riffle::trainer {
namespace {

using golden::Golden;

constexpr double loss_tolerance = 1e-4;  ///< relative
/// Of a tensor's largest gradient.
constexpr double gradient_tolerance = 1e-4;
/// Of the largest gradient of all: where a sum cancels (a bias before a batch norm has none), what is left is rounding.
constexpr double gradient_floor = 1e-3;
constexpr double statistic_tolerance = 1e-5;  ///< of a tensor's largest element that is looked at

/// A network on an instruction set and a number of threads.
struct Case {
  Golden network;
  const kernels::Kernels* kernels = nullptr;
  int threads = 1;
};

const std::vector<Golden>& goldens() {
  static const std::vector<Golden> all = golden::read_goldens("training.txt");
  return all;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Golden& one : goldens()) {
    if (one.kind != "network") continue;
    for (const kernels::Kernels* kernels : kernels::all_kernels()) {
      if (kernels->supported()) all.push_back({one, kernels, static_cast<int>(all.size() % 2 + 1)});
    }
  }
  return all;
}

std::string text(const Case& one) {
  return one.network.word("case") + "_" + one.kernels->isa + "_" + std::to_string(one.threads);
}
std::ostream& operator<<(std::ostream& stream, const Case& one) { return stream << text(one); }

std::vector<float> elements(std::span<const float> values) {
  std::vector<float> result;
  for (std::size_t i = 0; i < 5; ++i) result.push_back(values[i * (values.size() - 1) / 4]);
  return result;
}

double largest_magnitude(std::span<const float> values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

double norm(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

class PyTorch : public ::testing::TestWithParam<Case> {
 protected:
  PyTorch()
      : golden_(GetParam().network),
        batch_(golden_.integer("batch")),
        network_(golden::shufflenet(golden_.word("kind"), golden_),
                 {.batch = batch_,
                  .threads = GetParam().threads,
                  .label_smoothing = static_cast<float>(golden_.number("smoothing")),
                  .freeze = {},
                  .kernels = GetParam().kernels}),
        images_(golden::make_input(batch_ * golden_.integer("steps"), network_.input())) {}

  Outcome forward(std::int32_t step) {
    std::vector<std::int32_t> labels;
    for (std::int32_t i = step * batch_; i < (step + 1) * batch_; ++i) labels.push_back((7 * i + i / 3) % 10);
    const auto size = static_cast<std::size_t>(batch_ * network_.input().size());
    return network_.forward(std::span(images_).subspan(static_cast<std::size_t>(step) * size, size), labels);
  }

  /// The case's lines of a kind.
  [[nodiscard]] std::vector<Golden> lines(const std::string& kind) const {
    std::vector<Golden> found;
    for (const Golden& one : goldens()) {
      if (one.kind == kind && one.word("case") == golden_.word("case")) found.push_back(one);
    }
    return found;
  }

  void expect_losses(Optimizer& optimizer, const Golden& line) {
    const double rate = line.number("lr");
    for (std::int32_t step = 0; step < golden_.integer("steps"); ++step) {
      const double expected = line.output.at(static_cast<std::size_t>(step));
      EXPECT_NEAR(forward(step).loss, expected, loss_tolerance * expected) << "step " << step;
      network_.backward();
      optimizer.step(rate);
    }
  }

  const Golden& golden_;
  std::int32_t batch_;
  Network network_;
  std::vector<float> images_;
};

TEST_P(PyTorch, a_step_has_its_loss_gradients_and_statistics) {
  const Outcome outcome = forward(0);
  EXPECT_NEAR(outcome.loss, golden_.output.at(0), loss_tolerance * golden_.output.at(0));
  EXPECT_EQ(outcome.correct, static_cast<std::int32_t>(golden_.output.at(1)));
  network_.backward();

  std::map<std::string, std::span<const float>> gradients, statistics;
  for (const Parameter& one : network_.parameters()) gradients[one.name] = one.gradient;
  for (const Statistic& one : network_.statistics()) statistics[one.name] = one.values;

  const std::vector<Golden> expected = lines("gradient");
  EXPECT_EQ(gradients.size(), expected.size());
  double largest_of_all = 0, worst = 0;
  for (const Golden& line : expected) largest_of_all = std::max<double>(largest_of_all, line.output.at(1));
  for (const Golden& line : expected) {
    ASSERT_TRUE(gradients.contains(line.word("name"))) << line.word("name");
    const std::span<const float> gradient = gradients[line.word("name")];
    std::vector<float> actual = elements(gradient);
    actual.insert(actual.begin(),
                  {static_cast<float>(norm(gradient)), static_cast<float>(largest_magnitude(gradient))});
    ASSERT_EQ(actual.size(), line.output.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const double scale = std::max<double>(line.output[i == 0 ? 0 : 1], gradient_floor * largest_of_all);
      const double difference = std::abs(actual[i] - line.output[i]) / scale;
      EXPECT_LE(difference, gradient_tolerance)
          << line.word("name") << ", number " << i << ": " << actual[i] << ", not " << line.output[i];
      worst = std::max(worst, difference);
    }
  }
  RecordProperty("worst_gradient", std::to_string(worst));

  const std::vector<Golden> means = lines("statistic");
  EXPECT_EQ(statistics.size(), means.size());
  for (const Golden& line : means) {
    ASSERT_TRUE(statistics.contains(line.word("name"))) << line.word("name");
    const std::vector<float> actual = elements(statistics[line.word("name")]);
    const double scale = largest_magnitude(line.output);
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_NEAR(actual[i], line.output.at(i), statistic_tolerance * scale) << line.word("name") << ", number " << i;
    }
  }
}

TEST_P(PyTorch, ten_steps_of_Adam_have_its_losses) {
  const std::vector<Golden> found = lines("adam");
  ASSERT_EQ(found.size(), 1U);
  expect_losses(*make_adam(network_.parameters(), {}, {}, GetParam().threads), found[0]);
}

TEST_P(PyTorch, ten_steps_of_SGD_have_its_losses) {
  const std::vector<Golden> found = lines("sgd");
  ASSERT_EQ(found.size(), 1U);
  const SgdOptions options{.momentum = static_cast<float>(found[0].number("momentum"))};
  const DecayOptions decay{.weight_decay = static_cast<float>(found[0].number("weight_decay"))};
  expect_losses(*make_sgd(network_.parameters(), options, decay, GetParam().threads), found[0]);
}

INSTANTIATE_TEST_SUITE_P(Networks, PyTorch, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return text(info.param); });

}  // namespace
}  // namespace riffle::trainer
