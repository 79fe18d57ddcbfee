#include "quantise/refine.hpp"

#include <optional>

#include "quantise/parallel.hpp"

namespace riffle::quantise {
namespace {

using graph::NodeId;

/// Of the layers whose columns are too many for it, or too many for so few patches, the rows are rounded number by
/// number.
constexpr std::size_t most_columns = 2048;

/// The rows of one group, by the numbers that its columns read.
class RowRounding {
 public:
  RowRounding(std::span<const float> numbers, std::size_t columns) : moments_(columns, 0.0) {
    if (columns <= most_columns && numbers.size() >= 2 * columns * columns) columns_.emplace(numbers, columns);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      moments_[i % columns] += static_cast<double>(numbers[i]) * static_cast<double>(numbers[i]);
    }
  }

  [[nodiscard]] RoundedRow operator()(std::span<const double> weights, const RowEnds& ends) const {
    return columns_ ? columns_->round_row(weights, ends) : round_row(weights, moments_, ends);
  }

 private:
  std::optional<Columns> columns_;
  std::vector<double> moments_;
};

/// A layer's weights and biases for the operand that the quantised walk is about to give it.
IntegerLayer layer_for(const Walk& walk, NodeId after, const Layer& exact, const passes::ChannelList& operand,
                       const Scales& scales, const std::vector<double>& steps) {
  const Matrix& matrix = exact.matrix;
  const auto columns = static_cast<std::size_t>(matrix.columns()), outputs = static_cast<std::size_t>(matrix.outputs);
  const Patches patches = patches_of(walk, after, matrix);
  const std::size_t group_size = static_cast<std::size_t>(patches.count) * columns;
  const std::vector<double> means = column_means(walk, after, matrix);
  IntegerLayer layer;
  layer.rows.resize(static_cast<std::size_t>(matrix.groups) * outputs);
  layer.bias.resize(layer.rows.size());
  const auto round_output = [&](const RowRounding& rounding, std::size_t group, std::size_t output) {
    const std::vector<double> weights = column_weights(matrix, static_cast<std::int32_t>(output), operand, scales);
    double bias = exact.bias.empty() ? 0.0 : static_cast<double>(exact.bias[output]);
    const RoundedRow row = rounding(weights, {bias, steps[output]});
    const std::span<const float> real = matrix.row(static_cast<std::int32_t>(output));
    for (std::size_t k = 0; k < columns; ++k) {
      const std::size_t column = group * columns + k;
      bias += static_cast<double>(real[k]) * exact.means[column] - row.factor * row.numbers[k] * means[column];
    }
    layer.rows[output] = row;
    layer.bias[output] = bias;
  };
  for (std::size_t g = 0; g < static_cast<std::size_t>(matrix.groups); ++g) {
    const RowRounding rounding(std::span(patches.numbers).subspan(g * group_size, group_size), columns);
    for_each_index(matrix.outputs, walk.threads(),
                   [&](std::int64_t o, int) { round_output(rounding, g, g * outputs + static_cast<std::size_t>(o)); });
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
      const std::vector<double> steps = factor_steps(quantised, before, agreement.makes_integers[before]);
      const IntegerLayer layer =
          layer_for(walk, id, *statistics.layers[before], agreement.lowered.operands[before][0], scales, steps);
      set_layer(quantised.after.nodes[id].operation, layer, quantised.scales[before]);
    }
    walk.step();
  }
}

}  // namespace riffle::quantise
