// The grids of a quantised network: the numbers that bytes stand for, and how a layer's weights become integers. For
// training with them in the loop, where weights move from step to step and the grids of the results stay.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "quantise/rewrite.hpp"

namespace riffle::quantise {

/// The bytes of a node: in channel c, q stands for steps[c] * (q - zero_point).
struct Grid {
  std::vector<double> steps;  ///< none where its results are real and nobody reads integers of them
  std::int32_t zero_point = 0;
};

/// By node of Quantised::before.
graph::ById<Grid> grids(const Quantised& quantised);

/// How a layer's weights become integers. Weight k of an output counts steps of what its column reads; the integers are
///
///   round(weights[k] * step[k] / factor)        factor: the output's, with which the largest weight is 127, or a
///   little less
///
/// and what they stand for is these times factor / step[k]. (Weights that move cannot be searched a better factor in
/// every step, as round_row() does for those that stay.)
class WeightGrid {
 public:
  /// `operand`: the channels that the layer reads, with their grids. `factor_steps`: by output.
  WeightGrid(const Matrix& matrix, const passes::ChannelList& operand, const graph::ById<Grid>& grids,
             std::vector<double> factor_steps);

  /// What the weights (outputs, columns) and biases are once they are integers, as real numbers. A bias counts factors.
  /// There may be no bias.
  void round(std::span<const float> weights, std::span<const float> bias, std::span<float> rounded_weights,
             std::span<float> rounded_bias) const;
  /// The integers themselves, of numbers that are finite.
  [[nodiscard]] IntegerLayer integers(std::span<const float> weights, std::span<const float> bias) const;

 private:
  [[nodiscard]] std::span<const float> steps_of(std::size_t output) const {
    return std::span(steps_).subspan(output / outputs_ * columns_, columns_);
  }

  std::size_t outputs_, columns_;     // of a group
  std::vector<float> steps_;          // by group and column
  std::vector<double> factor_steps_;  // by output
};

/// By node of Quantised::before; nothing for what is no layer that reads integers.
graph::ById<std::optional<WeightGrid>> weight_grids(const Quantised& quantised);

/// Quantised::after with other weights and biases: those of `graph`, which is Quantised::before but for these. Throws
/// Error naming a layer with weights that are not finite.
graph::Graph with_weights(const Quantised& quantised, const graph::Graph& graph);

}  // namespace riffle::quantise
