// The quantised graph.
#pragma once

#include "quantise/rounding.hpp"
#include "quantise/scales.hpp"

namespace riffle::quantise {

/// A node that has a fused function (sigmoid, hard swish) and could read integers but for it becomes two; those of
/// `keep` stay one.
graph::Graph without_functions(const graph::Graph& graph, const graph::ById<bool>& keep);

/// An output's weights, each times what an integer of its column is worth.
std::vector<double> column_weights(const Matrix& matrix, std::int32_t output, const passes::ChannelList& operand,
                                   const Scales& scales);

/// Weights of a layer of integers: rows that are rounded, and biases in the unit of the layer's results.
struct IntegerLayer {
  std::vector<RoundedRow> rows;
  std::vector<double> bias;
};
/// Puts them into a convolution or a fully connected layer; `units`: by output, what an integer of the result is worth.
void set_layer(graph::Operation& operation, const IntegerLayer& layer, const std::vector<double>& units);

/// By node and channel, what one of its numbers counts.
using Units = graph::ById<std::vector<double>>;

/// A layer in floats that reads numbers in the units of their integers has these in its weights.
void multiply_columns(graph::Operation& operation, const passes::ChannelList& operand, const Units& units);

/// By channel of a layer, the steps of its factors, with which kernels multiply and round at once
/// (kernels::is_exact_factor()): of results that are integers, and twice as large where they are added to others.
std::vector<double> factor_steps(const Quantised& quantised, graph::NodeId id, bool makes_integers);

/// Makes the rest of it of `before`: the graph with quantised nodes, and with nodes that make real numbers of integers
/// and integers of real numbers where the two meet. Weights are rounded as they are.
void rewrite(Quantised& quantised, const Agreement& agreement, const Scales& scales);

}  // namespace riffle::quantise
