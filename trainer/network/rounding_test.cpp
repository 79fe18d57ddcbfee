// Gradients of a network in integers, beside a plain reference in double.
//
// The straight-through estimator is the gradient of the network in which every rounding adds what it added this time,
// whatever it rounds. That network the reference computes, so that central differences are what backward() should give.
#include "trainer/network/rounding.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "models/random.hpp"
#include "trainer/network/network.hpp"

namespace riffle::trainer::straight_through {
namespace {

using graph::NodeId;

constexpr std::int32_t side = 4, pixels = side * side, planes = 2, channels = 5, classes = 3, batch = 3;
const std::vector<std::int32_t> labels = {0, 2, 1};

std::vector<float> random(const std::string& name, std::size_t count, float reach = 1.0F) {
  return models::random_values(1, name, count, {.reach = reach});
}

/// first -> second, to which the first is added -> mean -> classifier
graph::Graph small() {
  graph::Graph graph;
  const auto convolution = [&](const std::string& name, std::size_t inputs, std::int32_t kernel) {
    graph::Convolution node;
    node.outputs = channels;
    node.window = {.kernel_h = kernel,
                   .kernel_w = kernel,
                   .pad_top = kernel / 2,
                   .pad_left = kernel / 2,
                   .pad_bottom = kernel / 2,
                   .pad_right = kernel / 2};
    const auto weights = static_cast<std::size_t>(channels * kernel * kernel) * inputs;
    node.weights = graph::Constant(random(name + ".weight", weights, 0.5F));
    node.bias = graph::Constant(random(name + ".bias", channels, 0.2F));
    return node;
  };
  const NodeId input = graph.add("input", graph::Input{{side, side, planes}});
  graph::Convolution relu = convolution("first", planes, 3);
  relu.activation = graph::Activation::relu;
  const NodeId first = graph.add("first", relu, {input});
  const NodeId second = graph.add("second", convolution("second", channels, 1), {first, first});
  const NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {second});
  graph::FullyConnected dense{classes, graph::Constant(random("classifier.weight", classes * channels)),
                              graph::Constant(random("classifier.bias", classes))};
  graph.outputs = {{graph.add("classifier", dense, {mean})}};
  return graph;
}

class Reference {
 public:
  explicit Reference(const quantise::Quantised& quantised) : rounding_(quantised) {
    for (NodeId id = 0; id < quantised.before.nodes.end_id(); ++id) {
      const graph::Node& node = quantised.before.nodes[id];
      ids_[node.name] = id;
      std::vector<float> weights, bias;
      graph::for_each_constant(
          node.operation, [&](std::string_view word, const graph::Constant& constant, const auto&) {
            (word == "weight" ? weights : bias).assign(constant.values().begin(), constant.values().end());
          });
      if (weights.empty()) continue;
      std::vector<float> rounded_weights(weights.size()), rounded_bias(bias.size());
      rounding_.weights[id]->round(weights, bias, rounded_weights, rounded_bias);
      numbers[node.name + ".weight"].assign(rounded_weights.begin(), rounded_weights.end());
      numbers[node.name + ".bias"].assign(rounded_bias.begin(), rounded_bias.end());
    }
  }

  double loss(std::span<const float> images) {
    next_ = 0;
    double total = 0;
    for (std::int32_t n = 0; n < batch; ++n) {
      const auto size = static_cast<std::size_t>(planes * pixels);
      const std::vector<double> logits = classify(images.subspan(static_cast<std::size_t>(n) * size, size));
      double sum = 0;
      for (const double logit : logits) sum += std::exp(logit);
      total += std::log(sum) - logits[static_cast<std::size_t>(labels[static_cast<std::size_t>(n)])];
    }
    return total / batch;
  }

  /// Of each parameter, rounded: a change of one is a change of the other.
  std::map<std::string, std::vector<double>> numbers;
  int saturated = 0;

 private:
  /// The nearest number of a node's grid, or, when it is asked again, the same distance from x as it was then.
  double rounded(const std::string& node, std::int32_t channel, double x, bool relu = false) {
    const quantise::Grid& grid = rounding_.results[ids_.at(node)];
    const double step = grid.steps[static_cast<std::size_t>(channel)], steps = x / step;
    const double least = relu ? 0.0 : -grid.zero_point, most = 255.0 - grid.zero_point;
    const double held = std::fmin(std::fmax(steps, least), most);
    if (next_ == added_.size()) {
      added_.push_back(std::nearbyint(held) - held);
      saturated += !relu && held != steps ? 1 : 0;
    }
    return step * (held + added_[next_++]);
  }

  std::vector<double> classify(std::span<const float> image) {
    const std::vector<double>&first_weight = numbers["first.weight"], &first_bias = numbers["first.bias"],
          &second_weight = numbers["second.weight"], &second_bias = numbers["second.bias"],
          &classifier_weight = numbers["classifier.weight"];
    std::vector<double> x, first(channels * pixels), mean(channels), logits = numbers["classifier.bias"];
    for (const float number : image) x.push_back(rounded("input", 0, static_cast<double>(number)));
    for (std::int32_t c = 0; c < channels; ++c) {
      for (std::int32_t p = 0; p < pixels; ++p) {
        double sum = first_bias[static_cast<std::size_t>(c)];
        for (std::int32_t tap = 0; tap < planes * 9; ++tap) {
          const std::int32_t row = p / side + tap / 3 % 3 - 1, column = p % side + tap % 3 - 1;
          if (row < 0 || row >= side || column < 0 || column >= side) continue;
          sum += first_weight[static_cast<std::size_t>(c * planes * 9 + tap)] *
                 x[static_cast<std::size_t>(tap / 9 * pixels + row * side + column)];
        }
        first[static_cast<std::size_t>(c * pixels + p)] = rounded("first", c, sum, true);
      }
    }
    for (std::int32_t c = 0; c < channels; ++c) {
      for (std::int32_t p = 0; p < pixels; ++p) {
        double sum = second_bias[static_cast<std::size_t>(c)] + first[static_cast<std::size_t>(c * pixels + p)];
        for (std::int32_t k = 0; k < channels; ++k) {
          sum += second_weight[static_cast<std::size_t>(c * channels + k)] *
                 first[static_cast<std::size_t>(k * pixels + p)];
        }
        mean[static_cast<std::size_t>(c)] += rounded("second", c, sum) / pixels;
      }
      mean[static_cast<std::size_t>(c)] = rounded("mean", c, mean[static_cast<std::size_t>(c)]);
      for (std::size_t k = 0; k < classes; ++k) {
        logits[k] += classifier_weight[k * channels + static_cast<std::size_t>(c)] * mean[static_cast<std::size_t>(c)];
      }
    }
    return logits;
  }

  Rounding rounding_;
  std::map<std::string, NodeId> ids_;
  std::vector<double> added_;
  std::size_t next_ = 0;
};

TEST(Rounding, gradients_pass_straight_through_and_stop_where_bytes_end) {
  const std::vector<float> calibration = random("calibration", 20 * planes * pixels);
  const auto quantised =
      std::make_shared<const quantise::Quantised>(quantise::quantise(small(), {{calibration}, 20, {}}));
  // Larger than what calibrated, so that some results saturate.
  const std::vector<float> images = random("images", batch * planes * pixels, 1.6F);
  Reference reference(*quantised);
  const double loss = reference.loss(images);
  EXPECT_GT(reference.saturated, 10);
  std::map<std::string, std::vector<double>> expected;
  for (auto& [name, numbers] : reference.numbers) {
    for (double& number : numbers) {
      constexpr double distance = 1e-6;
      const double kept = number;
      number = kept + distance;
      const double above = reference.loss(images);
      number = kept - distance;
      expected[name].push_back((above - reference.loss(images)) / (2 * distance));
      number = kept;
    }
  }
  for (const kernels::Kernels* const kernels : kernels::all_kernels()) {
    if (!kernels->supported() || kernels->type != Type::f32) continue;
    Network network(quantised, {.batch = batch, .kernels = kernels});
    EXPECT_NEAR(network.forward(images, labels).loss, loss, 1e-5 * loss) << kernels->isa;
    network.backward();
    for (const Parameter& parameter : network.parameters()) {
      ASSERT_EQ(expected.at(parameter.name).size(), parameter.gradient.size());
      for (std::size_t i = 0; i < parameter.gradient.size(); ++i) {
        EXPECT_NEAR(static_cast<double>(parameter.gradient[i]), expected.at(parameter.name)[i], 2e-5)
            << kernels->isa << ", " << parameter.name << "[" << i << "]";
      }
    }
  }
}

}  // namespace
}  // namespace riffle::trainer::straight_through
