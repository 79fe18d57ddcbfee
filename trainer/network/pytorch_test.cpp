// Training in riffle against training in PyTorch: a step's loss, gradients and statistics, the first steps of Adam and
// SGD. What training.txt holds and why, make_training_goldens.py says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <memory>
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
/// Of the largest gradient of all: where a sum cancels (a bias before a batch norm has none), what is left is rounding.
constexpr double gradient_rounding = 5e-6;
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
      if (kernels->supported() && kernels->type == Type::f32)
        all.push_back({one, kernels, static_cast<int>(all.size() % 2 + 1)});
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
        graph_(golden::shufflenet(golden_.word("kind"), golden_)),
        images_(golden::make_input(batch_ * golden_.integer("steps"), graph_.input_shape())) {}

  [[nodiscard]] Network network() const {
    NetworkOptions options;
    options.batch = batch_;
    options.threads = GetParam().threads;
    options.label_smoothing = static_cast<float>(golden_.number("smoothing"));
    options.kernels = GetParam().kernels;
    return Network(graph_, options);
  }

  Outcome forward(Network& network, std::int32_t step) const {
    std::vector<std::int32_t> labels;
    for (std::int32_t i = step * batch_; i < (step + 1) * batch_; ++i) labels.push_back((7 * i + i / 3) % 10);
    const auto size = static_cast<std::size_t>(batch_ * network.input().size());
    return network.forward(std::span(images_).subspan(static_cast<std::size_t>(step) * size, size), labels);
  }

  /// The case's lines of a kind.
  [[nodiscard]] std::vector<Golden> lines(const std::string& kind) const {
    std::vector<Golden> found;
    for (const Golden& one : goldens()) {
      if (one.kind == kind && one.word("case") == golden_.word("case")) found.push_back(one);
    }
    return found;
  }

  /// Of every line of a kind. `make` gives a network its optimizer.
  template <class Make>
  void expect_losses(const std::string& kind, Make make) const {
    const std::vector<Golden> found = lines(kind);
    if (found.empty()) GTEST_SKIP() << "not even PyTorch's float32 follows its float64 here";
    for (const Golden& line : found) {
      const double rate = line.number("lr");
      Network trained = network();
      const std::unique_ptr<Optimizer> optimizer = make(trained, line);
      for (std::int32_t step = 0; step < static_cast<std::int32_t>(line.output.size()); ++step) {
        const double expected = line.output[static_cast<std::size_t>(step)];
        EXPECT_NEAR(forward(trained, step).loss, expected, loss_tolerance * expected)
            << "rate " << rate << ", step " << step;
        trained.backward();
        optimizer->step(rate);
      }
    }
  }

  const Golden& golden_;
  std::int32_t batch_;
  graph::Graph graph_;
  std::vector<float> images_;
};

TEST_P(PyTorch, a_step_has_its_loss_gradients_and_statistics) {
  Network trained = network();
  const Outcome outcome = forward(trained, golden_.integer("step"));
  EXPECT_NEAR(outcome.loss, golden_.output.at(0), loss_tolerance * golden_.output.at(0));
  EXPECT_EQ(outcome.correct, static_cast<std::int32_t>(golden_.output.at(1)));
  trained.backward();

  std::map<std::string, std::span<const float>> gradients, statistics;
  for (const Parameter& one : trained.parameters()) gradients[one.name] = one.gradient;
  for (const Statistic& one : trained.statistics()) statistics[one.name] = one.values;

  const std::vector<Golden> expected = lines("gradient");
  EXPECT_EQ(gradients.size(), expected.size());
  const double within = golden_.number("within");
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
      const double allowed = within * line.output[i == 0 ? 0 : 1] + gradient_rounding * largest_of_all;
      const double share = std::abs(actual[i] - line.output[i]) / allowed;
      EXPECT_LE(share, 1) << line.word("name") << ", number " << i << ": " << actual[i] << ", not " << line.output[i];
      worst = std::max(worst, share);
    }
  }
  RecordProperty("share_of_the_tolerance", std::to_string(worst));

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

TEST_P(PyTorch, steps_of_Adam_have_its_losses) {
  expect_losses("adam",
                [](const Network& of, const Golden&) { return make_adam(of.parameters(), {}, {}, of.threads()); });
}

TEST_P(PyTorch, steps_of_SGD_have_its_losses) {
  expect_losses("sgd", [](const Network& of, const Golden& line) {
    const SgdOptions options{.momentum = static_cast<float>(line.number("momentum"))};
    const DecayOptions decay{.weight_decay = static_cast<float>(line.number("weight_decay"))};
    return make_sgd(of.parameters(), options, decay, of.threads());
  });
}

INSTANTIATE_TEST_SUITE_P(Networks, PyTorch, ::testing::ValuesIn(cases()),
                         [](const auto& one) { return text(one.param); });

}  // namespace
}  // namespace riffle::trainer
