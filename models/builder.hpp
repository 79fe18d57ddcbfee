// The vocabulary that the networks are written in: one call a layer, one parameter name a tensor of PyTorch's
// state_dict. Every call checks its channels before it asks for weights, so that a spec that makes no sense costs no
// memory, and throws Error naming the layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/models.hpp"

namespace riffle::models {

/// A convolution of the reference networks: square kernel, padding = dilation * (kernel / 2).
struct Layer {
  std::int32_t inputs = 0, outputs = 0;
  std::int32_t kernel = 1, stride = 1, groups = 1, dilation = 1;
  bool bias = false;
};

/// Appends layers to a graph. Each returns the node of its result. Nodes carry the names of PyTorch's modules.
class NetworkBuilder {
 public:
  /// Both outlive the builder.
  NetworkBuilder(graph::Graph& graph, const WeightSource& weights) : graph_(graph), weights_(weights) {}

  /// Parameters "<name>.weight", (outputs, inputs / groups, kernel, kernel), and "<name>.bias" where it has one.
  graph::NodeId convolution(graph::NodeId input, const std::string& name, const Layer& layer);

  /// The convolution "<prefix>.0" and the batch norm "<prefix>.1".
  graph::NodeId conv_bn(graph::NodeId input, const std::string& prefix, const Layer& layer);

  /// conv_bn and the ReLU "<prefix>.2".
  graph::NodeId conv_bn_relu(graph::NodeId input, const std::string& prefix, const Layer& layer);

  graph::NodeId relu(graph::NodeId input, const std::string& name);

  /// 3x3, stride 2, padding 1, which counts in a mean.
  graph::NodeId pool(graph::NodeId input, const std::string& name, graph::PoolKind kind);

  /// `channels` are the input's.
  graph::NodeId shuffle(graph::NodeId input, const std::string& name, std::int32_t channels, std::int32_t groups);

  graph::NodeId concat(graph::NodeId first, graph::NodeId second, const std::string& name);
  graph::NodeId add(graph::NodeId first, graph::NodeId second, const std::string& name);
  graph::NodeId slice(graph::NodeId input, const std::string& name, std::int32_t first, std::int32_t count);

  /// The input "input" of images of this shape, the convolution "stem.0" and the pooling "stem.1", each of stride 2.
  graph::NodeId stem(const graph::Shape& image, std::int32_t outputs, bool bias);

  /// Global average pooling and the fully connected layer "classifier" of `features` to `classes`.
  graph::NodeId classifier(graph::NodeId input, std::int32_t features, std::int32_t classes);

 private:
  graph::Constant parameter(const std::string& name, const std::vector<std::int64_t>& shape);

  graph::Graph& graph_;
  const WeightSource& weights_;
};

}  // namespace riffle::models
