#include "engine/passes/passes.hpp"

namespace riffle::passes {

void lower_fully_connected(Graph& graph) {
  for (graph::Node& node : graph.nodes) {
    const auto* dense = std::get_if<graph::FullyConnected>(&node.operation);
    if (dense == nullptr || (dense->height == 1 && dense->width == 1)) continue;
    graph::Convolution convolution;
    convolution.outputs = dense->outputs;
    convolution.window.kernel_h = dense->height;
    convolution.window.kernel_w = dense->width;
    convolution.weights = dense->weights;
    convolution.bias = dense->bias;
    convolution.activation = dense->activation;
    node.operation = std::move(convolution);
  }
}

}  // namespace riffle::passes
