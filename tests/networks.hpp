// The networks of the family that the engine's tests go through.
#pragma once

#include <string>
#include <vector>

#include "models/models.hpp"

namespace riffle::testing {

struct Network {
  std::string name;
  graph::Graph graph;
};

/// Every configuration: V1 at every group count, V2 at several widths with and without residual, both flavours.
inline std::vector<Network> family(std::int32_t size) {
  std::vector<Network> all;
  const models::WeightSource weights = models::random_weights(7);
  for (const models::Flavour flavour : {models::Flavour::paper, models::Flavour::study_note}) {
    const bool paper = flavour == models::Flavour::paper;
    const std::string suffix = paper ? " paper" : " note";
    for (const std::int32_t groups : {1, 2, 3, 4, 8}) {
      models::V1Spec spec;
      spec.groups = groups;
      spec.flavour = flavour;
      spec.in_channels = paper ? 3 : 1;
      spec.classes = 10;
      spec.height = spec.width = size;
      all.push_back({"v1 g" + std::to_string(groups) + suffix, models::shufflenet_v1(spec, weights)});
    }
    for (const double width : {0.5, 1.0, 1.5, 2.0}) {
      for (const bool residual : {false, true}) {
        models::V2Spec spec;
        spec.width_multiplier = width;
        spec.flavour = flavour;
        spec.residual = residual;
        spec.in_channels = paper ? 3 : 1;
        spec.classes = 10;
        spec.height = spec.width = size;
        all.push_back({"v2 " + std::to_string(width).substr(0, 3) + (residual ? " residual" : "") + suffix,
                       models::shufflenet_v2(spec, weights)});
      }
    }
  }
  return all;
}

/// A narrow V2 that runs in no time.
inline graph::Graph small_network() {
  models::V2Spec spec;
  spec.width_multiplier = 0.5;
  spec.classes = 10;
  spec.height = spec.width = 64;
  return models::shufflenet_v2(spec, models::random_weights(1));
}

/// The small network with all that a model may carry beside it.
inline graph::Graph network_with_metadata() {
  graph::Graph graph = small_network();
  for (int i = 0; i < 10; ++i) graph.labels.push_back("class " + std::to_string(i));
  graph.preprocessing = {.resize = graph::Fit::crop,
                         .antialias = false,
                         .resize_size = 12345,
                         .mean = {0.485F, 0.456F, 0.406F},
                         .deviation = {0.25F}};
  return graph;
}

/// Two inputs, of bytes and of floats, and two outputs: the classes, as floats, and a map, as integers of 8 bits.
inline graph::Graph two_headed_network() {
  graph::Graph graph;
  graph.name = "two_headed";
  const auto constant = [](std::size_t size, float value) { return graph::Constant(std::vector<float>(size, value)); };
  const auto pointwise = [&](std::int32_t inputs, std::int32_t outputs) {
    graph::Convolution convolution;
    convolution.outputs = outputs;
    convolution.weights = constant(static_cast<std::size_t>(inputs * outputs), 0.125F);
    return convolution;
  };
  const graph::NodeId image = graph.add("image", graph::Input{{16, 16, 3}, {}, Type::u8, {0.0078125F, 128}});
  const graph::NodeId mask = graph.add("mask", graph::Input{{16, 16, 1}});
  graph::Convolution stem = pointwise(3 * 9, 8);
  stem.window = {.kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
  const graph::NodeId filtered = graph.add("stem", stem, {image});
  const graph::BatchNorm norm{constant(8, 2), constant(8, 1), constant(8, 0), constant(8, 1)};
  const graph::NodeId normal = graph.add("norm", norm, {filtered});
  const graph::NodeId bright = graph.add("relu6", graph::Activate{graph::Activation::relu6}, {normal});
  const graph::NodeId spread = graph.add("spread", pointwise(1, 8), {mask});
  const graph::NodeId gate = graph.add("gate", graph::Activate{graph::Activation::sigmoid}, {spread});
  const graph::NodeId sum = graph.add("sum", graph::Binary{}, {bright, gate});
  const graph::NodeId map = graph.add("to map", pointwise(8, 2), {sum});
  const graph::NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {sum});
  const graph::NodeId dense = graph.add("dense", graph::FullyConnected{5, constant(40, 0.5F), {}}, {mean});
  graph.outputs = {{dense, "classes"}, {map, "map", Type::i8, {0.5F, -3}}};
  return graph;
}

/// Numbers in -1 to 1 that repeat after no period of interest.
inline std::vector<float> noise(std::int64_t count, std::uint32_t seed) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::uint32_t state = seed * 2654435761U + 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) * (2.0F / 16777216.0F) - 1.0F;
  }
  return values;
}

}  // namespace riffle::testing
