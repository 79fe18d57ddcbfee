#include <algorithm>
#include <cmath>

#include "engine/graph/built.hpp"
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

/// What `second` makes of the result of `first`.
Affine composed(Affine first, const Affine& second) {
  for (std::size_t c = 0; c < second.scale.size(); ++c) {
    first.scale[c] *= second.scale[c];
    first.shift[c] = first.shift[c] * second.scale[c] + second.shift[c];
  }
  return first;
}

graph::Constant folded_bias(const graph::Constant& bias, const Affine& affine) {
  std::vector<float> result(affine.scale.size());
  for (std::size_t o = 0; o < result.size(); ++o) {
    const double before = bias.empty() ? 0.0 : bias.values()[o];
    result[o] = static_cast<float>(before * affine.scale[o] + affine.shift[o]);
  }
  return graph::Constant(std::move(result));
}

/// Folds into anything with weights (outputs, ...) and a bias. The weights are multiplied when they are packed.
template <class Layer>
Layer folded(const Layer& layer, const Affine& affine) {
  Layer result = layer;
  result.weights = layer.weights.scaled(affine.scale);
  result.bias = folded_bias(layer.bias, affine);
  return result;
}

/// Of a transposed convolution an output's weights do not stand in one row.
graph::TransposedConvolution folded(const graph::TransposedConvolution& layer, const Affine& affine) {
  const std::span<const float> before = layer.weights.values();
  const std::size_t taps = static_cast<std::size_t>(layer.window.kernel_h) * layer.window.kernel_w;
  const std::size_t outputs = static_cast<std::size_t>(layer.outputs / layer.groups);
  const std::size_t inputs = before.size() / taps / outputs / static_cast<std::size_t>(layer.groups);
  std::vector<float> weights(before.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t row = i / taps, output = row / outputs / inputs * outputs + row % outputs;
    weights[i] = static_cast<float>(before[i] * affine.scale[output]);
  }
  graph::TransposedConvolution result = layer;
  result.weights = graph::Constant(std::move(weights));
  result.bias = folded_bias(layer.bias, affine);
  return result;
}

graph::Convolution channelwise(const Affine& affine) {
  graph::Convolution result;
  result.outputs = result.groups = static_cast<std::int32_t>(affine.scale.size());
  result.weights = graph::Constant(std::vector<float>(affine.scale.begin(), affine.scale.end()));
  result.bias = graph::Constant(std::vector<float>(affine.shift.begin(), affine.shift.end()));
  return result;
}

/// The layer of scale * x + shift, a column of weights a channel of x.
template <class Layer>
void fold_before(Layer& layer, std::int32_t groups, std::int64_t taps, const Affine& affine) {
  const std::int64_t inputs = static_cast<std::int64_t>(affine.scale.size()) / groups, outputs = layer.outputs / groups;
  const std::span<const float> from = layer.weights.values();
  std::vector<float> weights, bias;
  weights.reserve(from.size());
  for (std::int64_t o = 0; o < layer.outputs; ++o) {
    double sum = layer.bias.empty() ? 0.0 : static_cast<double>(layer.bias.values()[static_cast<std::size_t>(o)]);
    for (std::int64_t i = 0; i < inputs; ++i) {
      const auto channel = static_cast<std::size_t>(o / outputs * inputs + i);
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const double weight = static_cast<double>(from[weights.size()]);
        sum += weight * affine.shift[channel];
        weights.push_back(static_cast<float>(weight * affine.scale[channel]));
      }
    }
    bias.push_back(static_cast<float>(sum));
  }
  layer.weights = graph::Constant(std::move(weights));
  layer.bias = graph::Constant(std::move(bias));
}

/// Does it pad with zeros, which a shift would make others?
bool is_padded(const graph::Window& w) {
  return w.pad_top != 0 || w.pad_left != 0 || w.pad_bottom != 0 || w.pad_right != 0 ||
         w.auto_pad != graph::AutoPad::none;
}

/// Folds into the layer that reads the norm's result, if that is exact.
bool fold_before(graph::Node& reader, graph::NodeId norm, const Affine& affine) {
  const auto is_finite = [](double x) { return std::isfinite(x); };
  const auto is_zero = [](double x) { return x == 0.0; };
  if (reader.inputs[0] != norm || (reader.inputs.size() > 1 && reader.inputs[1] == norm)) return false;
  if (!std::ranges::all_of(affine.scale, is_finite) || !std::ranges::all_of(affine.shift, is_finite)) return false;
  if (auto* convolution = std::get_if<graph::Convolution>(&reader.operation)) {
    const graph::Window& w = convolution->window;
    if (is_padded(w) && !std::ranges::all_of(affine.shift, is_zero)) return false;
    fold_before(*convolution, convolution->groups, std::int64_t{w.kernel_h} * w.kernel_w, affine);
    return true;
  }
  auto* dense = std::get_if<graph::FullyConnected>(&reader.operation);
  if (dense != nullptr) fold_before(*dense, 1, std::int64_t{dense->height} * dense->width, affine);
  return dense != nullptr;
}

}  // namespace

void fold_batch_norm(Graph& graph) {
  const auto readers = graph::reader_counts(graph);
  graph::ById<graph::NodeId> reader(graph.nodes.size(), -1);  // the last of them
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    for (const graph::NodeId input : graph.nodes[id].inputs) reader[input] = id;
  }
  const auto read = graph::numbers_read(graph);
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    graph::Node& node = graph.nodes[id];
    const auto* norm = std::get_if<graph::BatchNorm>(&node.operation);
    if (norm == nullptr) continue;
    Affine affine = affine_of(*norm);
    graph::NodeId before = node.inputs[0];
    while (const auto* first = std::get_if<graph::BatchNorm>(&graph.nodes[before].operation)) {  // left for this one
      affine = composed(affine_of(*first), affine);
      before = graph.nodes[before].inputs[0];
    }
    const graph::Node& producer = graph.nodes[before];
    // A layer of integers keeps its factors, which are positive.
    const bool alone = readers[before] == 1 && producer.inputs.size() == 1 && !read[producer.inputs[0]].integers;
    const auto fold_into = [&]<class Layer>(const Layer* layer) {
      if (!graph::is_built<Layer> || layer == nullptr || layer->activation != graph::Activation::none) return false;
      node.name = producer.name;
      node.inputs = producer.inputs;
      node.operation = folded(*layer, affine);
      return true;
    };
    if (alone && (fold_into(std::get_if<graph::Convolution>(&producer.operation)) ||
                  fold_into(std::get_if<graph::FullyConnected>(&producer.operation)) ||
                  fold_into(std::get_if<graph::TransposedConvolution>(&producer.operation)))) {
      continue;
    }
    if (readers[id] == 1 && reader[id] >= 0 && fold_before(graph.nodes[reader[id]], id, affine)) {
      graph.nodes[reader[id]].inputs[0] = before;
    } else if (readers[id] != 1 || reader[id] < 0 ||
               !std::holds_alternative<graph::BatchNorm>(graph.nodes[reader[id]].operation)) {
      node.operation = channelwise(affine);
      node.inputs = {before};
    }  // else the next norm takes this one along
  }
}

}  // namespace riffle::passes
