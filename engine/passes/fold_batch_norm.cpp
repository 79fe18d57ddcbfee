#include <cmath>

#include "engine/graph/quantization.hpp"
#include "engine/passes/passes.hpp"

namespace riffle::passes {
namespace {

/// Batch norm as x * scale + shift, in double: the folding must not cost what the network is measured by.
struct Affine {
  std::vector<double> scale, shift;
};

Affine affine_of(const graph::BatchNorm& norm) {
  Affine result;
  for (std::size_t c = 0; c < norm.scale.size(); ++c) {
    const double scale =
        norm.scale.values()[c] / std::sqrt(static_cast<double>(norm.variance.values()[c]) + norm.epsilon);
    result.scale.push_back(scale);
    result.shift.push_back(norm.shift.values()[c] - norm.mean.values()[c] * scale);
  }
  return result;
}

/// Folds into anything with weights (outputs, ...) and a bias. The weights are multiplied when they are packed.
template <class Layer>
Layer folded(const Layer& layer, const Affine& affine) {
  const std::size_t outputs = affine.scale.size();
  std::vector<float> bias(outputs);
  for (std::size_t o = 0; o < outputs; ++o) {
    const double before = layer.bias.empty() ? 0.0 : layer.bias.values()[o];
    bias[o] = static_cast<float>(before * affine.scale[o] + affine.shift[o]);
  }
  Layer result = layer;
  result.weights = layer.weights.scaled(affine.scale);
  result.bias = graph::Constant(std::move(bias));
  return result;
}

graph::Convolution channelwise(const Affine& affine) {
  graph::Convolution result;
  result.outputs = result.groups = static_cast<std::int32_t>(affine.scale.size());
  result.weights = graph::Constant(std::vector<float>(affine.scale.begin(), affine.scale.end()));
  result.bias = graph::Constant(std::vector<float>(affine.shift.begin(), affine.shift.end()));
  return result;
}

}  // namespace

void fold_batch_norm(Graph& graph) {
  const auto readers = graph::reader_counts(graph);
  const auto read = graph::numbers_read(graph);
  for (graph::Node& node : graph.nodes) {
    const auto* norm = std::get_if<graph::BatchNorm>(&node.operation);
    if (norm == nullptr) continue;
    const Affine affine = affine_of(*norm);
    const graph::NodeId before = node.inputs[0];
    const graph::Node& producer = graph.nodes[before];
    // A layer of integers keeps its factors, which are positive.
    const bool alone = readers[before] == 1 && !(producer.inputs.size() > 0 && read[producer.inputs[0]].integers);
    const auto* convolution = std::get_if<graph::Convolution>(&producer.operation);
    const auto* dense = std::get_if<graph::FullyConnected>(&producer.operation);
    if (alone && convolution != nullptr && convolution->activation == graph::Activation::none &&
        producer.inputs.size() == 1) {
      node = {producer.name, folded(*convolution, affine), producer.inputs};
    } else if (alone && dense != nullptr && dense->activation == graph::Activation::none) {
      node = {producer.name, folded(*dense, affine), producer.inputs};
    } else {
      node.operation = channelwise(affine);
    }
  }
}

}  // namespace riffle::passes
