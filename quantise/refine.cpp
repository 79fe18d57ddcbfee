#include "quantise/refine.hpp"

#include <algorithm>
#include <iterator>
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

/// A layer's weights and biases for the operand that the quantised walk is about to give it. Peers share the outputs.
IntegerLayer layer_for(const Walk& walk, NodeId after, const Layer& exact, const passes::ChannelList& operand,
                       const Scales& scales, const std::vector<double>& steps) {
  const Matrix& matrix = exact.matrix;
  const Peers& peers = walk.peers();
  const auto columns = static_cast<std::size_t>(matrix.columns());
  const std::int64_t outputs = std::int64_t{matrix.groups} * matrix.outputs;
  const Patches patches = patches_of(walk, after, matrix);
  const std::size_t group_size = static_cast<std::size_t>(patches.count) * columns;
  const std::vector<double> means = column_means(walk, after, matrix);

  const auto first = peers.share_begin(outputs, peers.rank), end = peers.share_begin(outputs, peers.rank + 1);
  std::vector<std::optional<RowRounding>> roundings(static_cast<std::size_t>(matrix.groups));  // of groups of its share
  for_each_index(matrix.groups, walk.threads(), [&](std::int64_t g, int) {
    if (g * matrix.outputs >= end || (g + 1) * matrix.outputs <= first) return;
    const auto group = static_cast<std::size_t>(g);
    roundings[group].emplace(std::span(patches.numbers).subspan(group * group_size, group_size), columns);
  });
  // Of each output the integers, their factor and the bias.
  const std::size_t width = columns + 2;
  const auto round_output = [&](std::int64_t o, int, std::span<double> result) {
    const auto output = static_cast<std::size_t>(o), group = static_cast<std::size_t>(o / matrix.outputs);
    const std::vector<double> weights = column_weights(matrix, static_cast<std::int32_t>(o), operand, scales);
    double bias = exact.bias.empty() ? 0.0 : static_cast<double>(exact.bias[output]);
    const RoundedRow row = (*roundings[group])(weights, {bias, steps[output]});
    const std::span<const float> real = matrix.row(static_cast<std::int32_t>(o));
    for (std::size_t k = 0; k < columns; ++k) {
      const std::size_t column = group * columns + k;
      bias += static_cast<double>(real[k]) * exact.means[column] - row.factor * row.numbers[k] * means[column];
    }
    std::ranges::copy(row.numbers, result.begin());
    result[columns] = row.factor;
    result[columns + 1] = bias;
  };
  const auto rounded = shared_out<double>(peers, outputs, width, walk.threads(), round_output);

  IntegerLayer layer;
  for (auto from = rounded.begin(); from != rounded.end(); from += static_cast<std::ptrdiff_t>(width)) {
    RoundedRow& row = layer.rows.emplace_back();
    const auto factor = from + static_cast<std::ptrdiff_t>(columns);
    std::transform(from, factor, std::back_inserter(row.numbers), [](double q) { return static_cast<std::int8_t>(q); });
    row.factor = factor[0];
    layer.bias.push_back(factor[1]);
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
