#include "trainer/network/check_gradients.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "kernels/kernels.hpp"
#include "trainer/network/network.hpp"
#include "trainer/network/reference.hpp"

namespace riffle::trainer::gradients {
namespace {

/// What the reference says of a graph: its loss, and the gradients of those parameters that are asked for, which take
/// most of a test's time and are the same for every instruction set.
class Expected {
 public:
  Expected(const Graph& graph, std::int32_t batch, std::span<const float> images, std::span<const std::int32_t> labels,
           double smoothing)
      : graph_(graph), evaluation_(graph, batch), images_(images), labels_(labels), smoothing_(smoothing) {}

  double loss() { return evaluation_.loss(images_, labels_, smoothing_); }

  /// Some elements of a parameter's gradient, by their places.
  const std::map<std::size_t, double>& gradient(const std::string& parameter) {
    const auto [found, is_new] = gradients_.try_emplace(parameter);
    if (is_new) found->second = differences(values(parameter));
    return found->second;
  }

  /// The reference's values of a parameter.
  std::vector<double>& values(const std::string& parameter) {
    const std::size_t dot = parameter.rfind('.');
    const auto node = std::ranges::find(graph_.nodes, parameter.substr(0, dot), &graph::Node::name);
    return evaluation_.weights.at({static_cast<NodeId>(node - graph_.nodes.begin()), parameter.substr(dot + 1)});
  }

 private:
  std::map<std::size_t, double> differences(std::vector<double>& values) {
    std::map<std::size_t, double> result;
    const std::size_t step = std::max<std::size_t>(1, values.size() / 7);
    for (std::size_t i = 0; i < values.size(); i += step) {
      constexpr double distance = 1e-6;
      const double value = values[i];
      values[i] = value + distance;
      const double above = loss();
      values[i] = value - distance;
      const double below = loss();
      values[i] = value;
      result[i] = (above - below) / (2 * distance);
    }
    return result;
  }

  const Graph& graph_;
  reference::Evaluation evaluation_;
  std::span<const float> images_;
  std::span<const std::int32_t> labels_;
  double smoothing_;
  std::map<std::string, std::map<std::size_t, double>> gradients_;
};

}  // namespace

void check(const Graph& graph, float smoothing, const std::string& freeze) {
  const std::int32_t batch = 3;
  const graph::Shape shape = graph.input_shape();
  const std::vector<float> images = random("images", static_cast<std::size_t>(batch * shape.size()));
  const std::vector<std::int32_t> labels = {4, 0, 2};
  Expected expected(graph, batch, images, labels, static_cast<double>(smoothing));
  const double expected_loss = expected.loss();
  for (const kernels::Kernels* const kernels : kernels::all_kernels()) {
    if (!kernels->supported() || kernels->type != Type::f32) continue;
    for (const int threads : {1, 2}) {
      SCOPED_TRACE(std::string(kernels->isa) + ", " + std::to_string(threads) + " threads");
      NetworkOptions options;
      options.batch = batch + 1;
      options.threads = threads;
      options.label_smoothing = smoothing;
      options.freeze = freeze;
      options.kernels = kernels;
      Network network(graph, options);
      for (int repeat = 0; repeat < 2; ++repeat) {  // nothing is left over from the first
        EXPECT_NEAR(network.forward(images, labels).loss, expected_loss, 1e-5 * std::abs(expected_loss));
        network.backward();
      }
      for (const Parameter& parameter : network.parameters()) {
        if (parameter.frozen) continue;
        const std::size_t size = expected.values(parameter.name).size();
        ASSERT_EQ(size, parameter.values.size());
        ASSERT_EQ(size, parameter.gradient.size());
        double largest =
            0;  // a sum is as exact as its terms are large; a bias before a batch norm has all of them cancel
        for (const float g : parameter.gradient) largest = std::max(largest, std::abs(static_cast<double>(g)));
        for (const auto& [i, derivative] : expected.gradient(parameter.name)) {
          EXPECT_NEAR(static_cast<double>(parameter.gradient[i]), derivative, 2e-5 * largest + 5e-6)
              << parameter.name << "[" << i << "]";
        }
      }
    }
  }
}

}  // namespace riffle::trainer::gradients
