#include "bench/networks.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "engine/passes/passes.hpp"
#include "models/builder.hpp"

namespace riffle::bench {

namespace {

using models::Flavour;

std::string text(double width) {
  char buffer[16];
  std::snprintf(buffer, sizeof(buffer), width * 10 == static_cast<int>(width * 10) ? "%.1f" : "%.2f", width);
  return buffer;
}

std::string suffix(Flavour flavour) { return flavour == Flavour::study_note ? "-note" : ""; }

Network v1(std::int32_t groups, double width, Flavour flavour) {
  models::V1Spec spec;
  spec.groups = groups;
  spec.width_multiplier = width;
  spec.flavour = flavour;
  if (flavour == Flavour::study_note) spec.in_channels = 1, spec.classes = 10;
  return {"v1-g" + std::to_string(groups) + "-x" + text(width) + suffix(flavour),
          [spec](const models::WeightSource& weights) { return models::shufflenet_v1(spec, weights); }};
}

Network v2(double width, Flavour flavour) {
  models::V2Spec spec;
  spec.width_multiplier = width;
  spec.flavour = flavour;
  if (flavour == Flavour::study_note) spec.in_channels = 1, spec.classes = 10;
  return {"v2-x" + text(width) + suffix(flavour),
          [spec](const models::WeightSource& weights) { return models::shufflenet_v2(spec, weights); }};
}

/// Layers that detectors have beside those of the family, on 28x28 pixels and 96 channels.
Network windows() {
  return {"windows", [](const models::WeightSource& weights) {
            constexpr std::int32_t channels = 96, classes = 4;
            graph::Graph graph;
            models::NetworkBuilder build(graph, weights);
            graph::NodeId y = build.stem({112, 112, 3}, channels, true);
            const auto layer = [&](const std::string& name, models::Layer one) {
              one.inputs = channels;
              if (one.outputs == 0) one.outputs = one.groups = channels;
              y = build.conv_bn_relu(y, name, one);
            };
            layer("depthwise.5", {.kernel = 5});
            layer("depthwise.7", {.kernel = 7});
            layer("depthwise.3.dilated", {.kernel = 3, .dilation = 2});
            layer("dense.3", {.outputs = channels, .kernel = 3});
            layer("depthwise.5.half", {.kernel = 5, .stride = 2});
            layer("few", {.outputs = classes, .kernel = 3});
            graph.outputs = {{build.classifier(y, classes, classes)}};
            return graph;
          }};
}

std::vector<Network> make_networks() {
  std::vector<Network> all;
  for (const Flavour flavour : {Flavour::paper, Flavour::study_note}) {
    for (const std::int32_t groups : {1, 2, 3, 4, 8}) all.push_back(v1(groups, 1, flavour));
    if (flavour == Flavour::paper) {
      for (const double width : {0.25, 0.5, 1.5, 2.0}) all.push_back(v1(3, width, flavour));
    }
    for (const double width : {0.5, 1.0, 1.5, 2.0}) all.push_back(v2(width, flavour));
  }
  all.push_back(windows());
  return all;
}

/// As many weights of i8 as there are, for they take as long to multiply by whatever they are.
graph::Constant in_bytes(const graph::Constant& weights, std::int32_t outputs) {
  auto values = std::make_shared<std::vector<std::int8_t>>(weights.size());
  for (std::size_t i = 0; i < values->size(); ++i) (*values)[i] = static_cast<std::int8_t>(i * 37 % 255) - 127;
  const std::span<const std::byte> bytes = std::as_bytes(std::span(*values));
  const std::vector<double> factors(static_cast<std::size_t>(outputs), 1e-3);
  return graph::Constant(Type::i8, bytes, std::move(values)).scaled(factors);
}

/// The network's layers in integers, which mean nothing: nobody looks at its results.
graph::Graph in_bytes(graph::Graph graph) {
  passes::optimise(graph);
  for (graph::Node& node : graph.nodes) {
    if (auto* layer = std::get_if<graph::FullyConnected>(&node.operation)) {
      layer->weights = in_bytes(layer->weights, layer->outputs);
      continue;
    }
    if (auto* layer = std::get_if<graph::Convolution>(&node.operation)) {
      layer->weights = in_bytes(layer->weights, layer->outputs);
    }
    if (!graph::moves_channels(node.operation)) node.quantization = Quantization{};
    if (auto* input = std::get_if<graph::Input>(&node.operation)) input->type = Type::u8;
  }
  return graph;
}

std::shared_ptr<const plan::Plan> make_plan(const Network& network, const kernels::Kernels& kernels, Numbers numbers,
                                            const models::WeightSource& weights) {
  plan::Options options;
  options.kernels = &kernels;
  if (numbers == Numbers::bytes) return plan::make(in_bytes(network.build(weights)), options);
  options.precision = kernels.type;
  return plan::make(network.build(weights), options);
}

}  // namespace

std::span<const Network> networks() {
  static const std::vector<Network> all = make_networks();
  return all;
}

bool has_layers_of(Numbers numbers, const kernels::Kernels& kernels) {
  if (numbers == Numbers::own) return !is_quantised(kernels.type);
  return std::ranges::any_of(kernels.of<kernels::PointwiseKernel>(),
                             [](const auto& row) { return is_quantised(row.types.input); });
}

std::shared_ptr<const plan::Plan> plan_of(const Network& network, const kernels::Kernels& kernels, Numbers numbers) {
  static std::string key;
  static std::shared_ptr<const plan::Plan> plan;
  const std::string wanted = network.name + " " + kernels.isa + (numbers == Numbers::bytes ? " bytes" : "");
  if (key != wanted) {
    plan = make_plan(network, kernels, numbers, models::random_weights(1));
    key = wanted;
  }
  return plan;
}

std::shared_ptr<const plan::Plan> outline_of(const Network& network, const kernels::Kernels& kernels, Numbers numbers) {
  return make_plan(network, kernels, numbers, [](const std::string&, std::span<const std::int64_t> shape) {
    std::int64_t size = 1;
    for (const std::int64_t extent : shape) size *= extent;
    return graph::Constant(std::vector<float>(static_cast<std::size_t>(size)));
  });
}

}  // namespace riffle::bench
