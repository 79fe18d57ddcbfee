// Gradients against central differences of the loss in double (reference.hpp), for every instruction set, on one thread
// and two. For tests.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "models/random.hpp"

namespace riffle::trainer::gradients {

using graph::Activation;
using graph::Graph;
using graph::NodeId;

inline std::vector<float> random(const std::string& name, std::size_t count, float centre = 0.0F, float reach = 1.0F) {
  return models::random_values(1, name, count, {.centre = centre, .reach = reach});
}

/// A graph under construction. Weights are functions of the nodes' names.
class Builder {
 public:
  Builder(std::int32_t h, std::int32_t w, std::int32_t c) {
    graph.name = "test";
    last = graph.add("input", graph::Input{{h, w, c}});
    channels = c;
  }

  NodeId convolution(const std::string& name, std::int32_t outputs, graph::Window window = {}, std::int32_t groups = 1,
                     bool bias = false, Activation activation = Activation::none) {
    graph::Convolution node;
    node.outputs = outputs;
    node.groups = groups;
    node.window = window;
    const std::int32_t fan = channels / groups * window.kernel_h * window.kernel_w;
    const auto reach = static_cast<float>(std::sqrt(3.0 / fan));
    node.weights = graph::Constant(random(name + ".w", static_cast<std::size_t>(outputs * fan), 0.0F, reach));
    if (bias) node.bias = graph::Constant(random(name + ".b", static_cast<std::size_t>(outputs)));
    node.activation = activation;
    channels = outputs;
    return last = graph.add(name, std::move(node), {last});
  }
  NodeId norm(const std::string& name, float scale = 1.0F, float reach = 0.5F) {
    graph::BatchNorm node;
    const auto count = static_cast<std::size_t>(channels);
    node.scale = graph::Constant(random(name + ".s", count, scale, reach));
    node.shift = graph::Constant(random(name + ".t", count, 0.0F, 0.5F));
    node.mean = graph::Constant(std::vector<float>(count, 0.0F));
    node.variance = graph::Constant(std::vector<float>(count, 1.0F));
    return last = graph.add(name, std::move(node), {last});
  }
  NodeId add(const std::string& name, graph::Operation operation, std::vector<NodeId> inputs = {}) {
    return last = graph.add(name, std::move(operation), inputs.empty() ? std::vector{last} : std::move(inputs));
  }
  Graph finish(std::int32_t classes = 5) {
    add("pooled", graph::GlobalAveragePool{});
    graph::FullyConnected dense;
    dense.outputs = classes;
    dense.weights = graph::Constant(random("classifier.w", static_cast<std::size_t>(classes * channels)));
    dense.bias = graph::Constant(random("classifier.b", static_cast<std::size_t>(classes)));
    graph.outputs = {{add("classifier", std::move(dense))}};
    return graph;
  }

  Graph graph;
  NodeId last = 0;
  std::int32_t channels = 0;
};

inline graph::Window window(std::int32_t kernel, std::int32_t stride = 1, std::int32_t dilation = 1) {
  const std::int32_t pad = dilation * (kernel / 2);
  return {kernel, kernel, stride, stride, pad, pad, pad, pad, dilation, dilation};
}

inline const graph::Activate relu{Activation::relu};

/// Every instruction set of this CPU, on one thread and on two: some elements of every parameter that is not frozen.
void check(const Graph& graph, float smoothing = 0.0F, const std::string& freeze = "");

}  // namespace riffle::trainer::gradients
