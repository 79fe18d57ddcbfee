// The networks: a spec in, a graph out. Sources: ShuffleNet (arXiv 1707.01083), ShuffleNet V2 (arXiv 1807.11164),
// Xception (arXiv 1610.02357), ResNeXt (arXiv 1611.05431).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "engine/graph/graph.hpp"

namespace riffle::models {

enum class Flavour : std::uint8_t { paper, study_note };

/// ShuffleNet V1. Units a stage: (4, 8, 4) in the paper flavour, (2, 4, 2) in the note's.
struct V1Spec {
  std::int32_t groups = 3;  ///< 1, 2, 3, 4 or 8
  double width_multiplier = 1.0;
  Flavour flavour = Flavour::paper;
  std::int32_t in_channels = 3, classes = 1000, height = 224, width = 224;
};

/// ShuffleNet V2.
struct V2Spec {
  double width_multiplier = 1.0;  ///< paper flavour: 0.5, 1.0, 1.5 or 2.0
  Flavour flavour = Flavour::paper;
  bool residual = false;
  std::int32_t in_channels = 3, classes = 1000, height = 224, width = 224;
};

/// Where weights come from: called with the parameter's name (as PyTorch's state_dict has it in the reference
/// networks, for example "units.3.reduce.0.weight") and its shape, outermost first; returns as many floats.
using WeightSource = std::function<graph::Constant(const std::string& name, std::span<const std::int64_t> shape)>;

/// Seeded random weights that keep activations at an even scale: element i of parameter `name` is a function of
/// (seed, name, i) alone, so that a network's weights do not depend on the order in which they are made.
WeightSource random_weights(std::uint64_t seed);

/// Batch norm is left unfolded, as the network is defined. Throws Error naming the layer where channels do not divide
/// by groups or a width leaves none, and naming the field of the spec that is out of range. Whether the input's size
/// fits is left to graph::infer_shapes().
graph::Graph shufflenet_v1(const V1Spec& spec, const WeightSource& weights);
graph::Graph shufflenet_v2(const V2Spec& spec, const WeightSource& weights);

/// Xception's separable convolution: depthwise k x k (padding = dilation * (k / 2)), then pointwise; no batch norm, no
/// activation. Parameters "<prefix>.depthwise.weight", "<prefix>.pointwise.weight". Returns the node of the result.
graph::NodeId separable_convolution(graph::Graph& graph, graph::NodeId input, const std::string& prefix,
                                    std::int32_t inputs, std::int32_t outputs, std::int32_t kernel, std::int32_t stride,
                                    std::int32_t dilation, const WeightSource& weights);

/// The ResNeXt block: pointwise to `middle`, k x k in groups, pointwise to `outputs`, plus identity or, where the shape
/// changes, a pointwise shortcut; ReLU. Each convolution has a batch norm. Parameters "<prefix>.reduce.0.weight" (the
/// convolution) and "<prefix>.reduce.1.weight" ... (its batch norm); likewise "grouped", "expand" and "shortcut".
graph::NodeId resnext_block(graph::Graph& graph, graph::NodeId input, const std::string& prefix, std::int32_t inputs,
                            std::int32_t middle, std::int32_t outputs, std::int32_t kernel, std::int32_t groups,
                            std::int32_t stride, const WeightSource& weights);

}  // namespace riffle::models
