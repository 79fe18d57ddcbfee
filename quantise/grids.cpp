#include "quantise/grids.hpp"

#include <algorithm>
#include <cmath>

namespace riffle::quantise {
namespace {

using graph::Graph;
using graph::NodeId;

/// What a convolution or a fully connected layer has learnt.
struct Learnt {
  std::span<const float> weights, bias;
};

template <class Operation>
Learnt learnt(const Operation& operation) {
  return {operation.weights.values(), operation.bias.empty() ? std::span<const float>{} : operation.bias.values()};
}

/// Nothing of other operations.
std::optional<Learnt> learnt_by(const graph::Operation& operation) {
  if (const auto* convolution = std::get_if<graph::Convolution>(&operation)) return learnt(*convolution);
  if (const auto* dense = std::get_if<graph::FullyConnected>(&operation)) return learnt(*dense);
  return std::nullopt;
}

/// Does it multiply integers?
bool has_integer_weights(const graph::Operation& operation) {
  const auto* convolution = std::get_if<graph::Convolution>(&operation);
  const auto* dense = std::get_if<graph::FullyConnected>(&operation);
  return (convolution != nullptr && convolution->weights.type() == Type::i8) ||
         (dense != nullptr && dense->weights.type() == Type::i8);
}

/// The factor with which the largest of a row's integers is 127, or a little less.
double factor_of(std::span<const float> weights, std::span<const float> steps, const RowEnds& ends) {
  // Several maxima and sums, so that none waits for the one before.
  float largest[4] = {}, sums[4] = {};
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const float weight = std::abs(weights[k] * steps[k]);
    largest[k % 4] = std::max(largest[k % 4], weight);
    sums[k % 4] += weight;
  }
  const float all = std::max({largest[0], largest[1], largest[2], largest[3]});
  const float magnitude = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return fitting_factor(static_cast<double>(all) / 127.0, static_cast<double>(magnitude), ends);
}

}  // namespace

graph::ById<Grid> grids(const Quantised& quantised) {
  const Graph& after = quantised.after;
  graph::ById<NodeId> source(after.nodes.size(), -1);
  graph::ById<Grid> result(quantised.before.nodes.size());
  for (NodeId id = 0; id < result.end_id(); ++id) {
    if (quantised.node[id] < 0) continue;
    source[quantised.node[id]] = id;
    const auto& quantization = after.nodes[quantised.node[id]].quantization;
    if (quantization) result[id] = {quantised.scales[id], quantization->zero_point};
  }
  for (const graph::Node& node : after.nodes) {  // those that make integers of real numbers, in one unit
    if (!std::holds_alternative<graph::Activate>(node.operation) || !node.quantization) continue;
    const NodeId id = source[node.inputs[0]];
    result[id].steps.assign(quantised.scales[id].size(), static_cast<double>(node.quantization->scale));
    result[id].zero_point = node.quantization->zero_point;
  }
  return result;
}

WeightGrid::WeightGrid(const Matrix& matrix, const passes::ChannelList& operand, const graph::ById<Grid>& grids,
                       std::vector<double> factor_steps)
    : outputs_(static_cast<std::size_t>(matrix.outputs)),
      columns_(static_cast<std::size_t>(matrix.columns())),
      factor_steps_(std::move(factor_steps)) {
  for (const passes::Channel& channel : operand) {
    const double step = grids[channel.node].steps[static_cast<std::size_t>(channel.index)];
    steps_.insert(steps_.end(), static_cast<std::size_t>(matrix.taps), static_cast<float>(step));
  }
}

void WeightGrid::round(std::span<const float> weights, std::span<const float> bias, std::span<float> rounded_weights,
                       std::span<float> rounded_bias) const {
  for (std::size_t o = 0; o < weights.size() / columns_; ++o) {
    const std::span<const float> row = weights.subspan(o * columns_, columns_), steps = steps_of(o);
    const std::span<float> rounded = rounded_weights.subspan(o * columns_, columns_);
    const double b = bias.empty() ? 0.0 : static_cast<double>(bias[o]);
    const auto factor = static_cast<float>(factor_of(row, steps, {b, factor_steps_[o]}));
    const float inverse = 1.0F / factor;
    for (std::size_t k = 0; k < columns_; ++k) rounded[k] = nearest(row[k] * steps[k] * inverse) * (factor / steps[k]);
    if (bias.empty()) continue;
    const double unit = static_cast<double>(factor);
    rounded_bias[o] = static_cast<float>(unit * nearest(static_cast<double>(bias[o]) / unit));
  }
}

IntegerLayer WeightGrid::integers(std::span<const float> weights, std::span<const float> bias) const {
  IntegerLayer layer;
  for (std::size_t o = 0; o < weights.size() / columns_; ++o) {
    const std::span<const float> row = weights.subspan(o * columns_, columns_), steps = steps_of(o);
    const double b = bias.empty() ? 0.0 : static_cast<double>(bias[o]);
    RoundedRow rounded{{}, factor_of(row, steps, {b, factor_steps_[o]})};
    const float inverse = 1.0F / static_cast<float>(rounded.factor);
    for (std::size_t k = 0; k < columns_; ++k) {
      rounded.numbers.push_back(static_cast<std::int8_t>(nearest(row[k] * steps[k] * inverse)));
    }
    layer.rows.push_back(std::move(rounded));
    layer.bias.push_back(b);
  }
  return layer;
}

graph::ById<std::optional<WeightGrid>> weight_grids(const Quantised& quantised) {
  const Graph& before = quantised.before;
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(before);
  const passes::LoweredChannels lowered = passes::lower_channels(before, shapes);
  const graph::ById<Grid> of_results = grids(quantised);
  graph::ById<std::optional<WeightGrid>> result(before.nodes.size());
  for (NodeId id = 0; id < result.end_id(); ++id) {
    if (quantised.node[id] < 0 || !has_integer_weights(quantised.after.nodes[quantised.node[id]].operation)) continue;
    const auto matrix = matrix_of(before.nodes[id].operation, shapes[before.nodes[id].inputs[0]]);
    const bool makes_integers = quantised.after.nodes[quantised.node[id]].quantization.has_value();
    result[id].emplace(*matrix, lowered.operands[id][0], of_results, factor_steps(quantised, id, makes_integers));
  }
  return result;
}

Graph with_weights(const Quantised& quantised, const Graph& graph) {
  const passes::LoweredChannels lowered = passes::lower_channels(graph, graph::infer_shapes(graph));
  const graph::ById<std::optional<WeightGrid>> weight_grids = quantise::weight_grids(quantised);
  Graph result = quantised.after;
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const graph::Node& node = graph.nodes[id];
    const std::optional<Learnt> layer = learnt_by(node.operation);
    if (!layer) continue;
    const auto is_finite = [](float x) { return std::isfinite(x); };
    if (!std::ranges::all_of(layer->weights, is_finite) || !std::ranges::all_of(layer->bias, is_finite)) {
      throw Error({"node '", node.name, "': its weights are not finite"});
    }
    graph::Operation& to = result.nodes[quantised.node[id]].operation;
    if (weight_grids[id]) {
      set_layer(to, weight_grids[id]->integers(layer->weights, layer->bias), quantised.scales[id]);
    } else {
      to = node.operation;
      multiply_columns(to, lowered.operands[id][0], quantised.scales);
    }
  }
  return result;
}

}  // namespace riffle::quantise
