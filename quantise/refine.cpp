#include "quantise/refine.hpp"

#include <algorithm>

namespace riffle::quantise {
namespace {

using graph::NodeId;

/// By group and column, of the patches' numbers.
std::vector<double> mean_squares(const Patches& patches, const Matrix& matrix) {
  const auto columns = static_cast<std::size_t>(matrix.columns()), count = static_cast<std::size_t>(patches.count);
  std::vector<double> result(static_cast<std::size_t>(matrix.groups) * columns);
  for (std::size_t i = 0; i < patches.numbers.size(); ++i) {
    const auto x = static_cast<double>(patches.numbers[i]);
    result[i / (count * columns) * columns + i % columns] += x * x / static_cast<double>(count);
  }
  return result;
}

/// A layer's weights and biases for the operand that the quantised walk is about to give it.
IntegerLayer layer_for(const Walk& walk, NodeId after, const Layer& exact, const passes::ChannelList& operand, const Scales& scales) {
  const Matrix& matrix = exact.matrix;
  const auto columns = static_cast<std::size_t>(matrix.columns());
  const std::vector<double> squares = mean_squares(patches_of(walk, after, matrix), matrix);
  const std::vector<double> means = column_means(walk, after, matrix);
  IntegerLayer layer;
  for (std::int32_t o = 0; o < matrix.groups * matrix.outputs; ++o) {
    const auto output = static_cast<std::size_t>(o);
    const auto first = static_cast<std::size_t>(o / matrix.outputs) * columns;  // column of the group
    const std::vector<double> weights = column_weights(matrix, o, operand, scales);
    double bias = exact.bias.empty() ? 0.0 : static_cast<double>(exact.bias[output]);
    RoundedRow row = round_row(weights, std::span(squares).subspan(first, columns), bias);
    const std::span<const float> real = matrix.row(o);
    for (std::size_t k = 0; k < columns; ++k) {
      bias += static_cast<double>(real[k]) * exact.means[first + k] - row.factor * row.numbers[k] * means[first + k];
    }
    layer.rows.push_back(std::move(row));
    layer.bias.push_back(bias);
  }
  return layer;
}

}  // namespace

void refine(Quantised& quantised, const Agreement& agreement, const Scales& scales, const Statistics& statistics,
            const Samples& samples, int threads, const std::function<void(double)>& progress) {
  graph::ById<NodeId> source(quantised.after.nodes.size(), -1);
  for (NodeId id = 0; id < quantised.node.end_id(); ++id) {
    if (quantised.node[id] >= 0) source[quantised.node[id]] = id;
  }
  Walk walk(quantised.after, samples, threads);
  while (!walk.is_done()) {
    const NodeId id = walk.next(), before = source[id];
    progress(static_cast<double>(id) / static_cast<double>(source.size()));
    if (before >= 0 && agreement.reads_integers[before] && statistics.layers[before] &&
        !statistics.layers[before]->matrix.is_average) {
      const IntegerLayer layer = layer_for(walk, id, *statistics.layers[before],
                                           agreement.lowered.operands[before][0], scales);
      set_layer(quantised.after.nodes[id].operation, layer, quantised.scales[before]);
    }
    walk.step();
  }
}

}  // namespace riffle::quantise
