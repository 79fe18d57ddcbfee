#include "engine/passes/passes.hpp"

namespace riffle::passes {

graph::Convolution as_convolution(const graph::FullyConnected& layer) {
  graph::Convolution convolution;
  convolution.outputs = layer.outputs;
  convolution.window.kernel_h = layer.height;
  convolution.window.kernel_w = layer.width;
  convolution.weights = layer.weights;
  convolution.bias = layer.bias;
  convolution.activation = layer.activation;
  return convolution;
}

void lower_fully_connected(Graph& graph) {
  for (graph::Node& node : graph.nodes) {
    const auto* dense = std::get_if<graph::FullyConnected>(&node.operation);
    if (dense == nullptr || (dense->height == 1 && dense->width == 1 && !node.quantization)) continue;
    node.operation = as_convolution(*dense);
  }
}

}  // namespace riffle::passes
