// A quantised network in training: it computes with the numbers that its integers will stand for.
//
//   Quantised::before, in floats            what is trained: its weights and biases, batch norm folded into them
//     results are read through their grids    (LayerResult::steps; rounded as they are gathered, gather_scatter.hpp)
//     weights are read through theirs         (RoundedWeights; rounded before they are packed)
//   quantise::with_weights                  what comes out: the same numbers as integers
//
// Backward, rounding is passed through as if it were not there, for its slope is zero wherever it has one: the
// straight-through estimator (Bengio et al., arXiv 1308.3432). What a byte has no room for is a bound like that of an
// activation, and no gradient passes it. The grids of results stay as they were calibrated; those of weights follow the
// weights.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "quantise/grids.hpp"
#include "trainer/network/operation.hpp"

namespace riffle::trainer {

/// The grids of a network, by its nodes.
struct Rounding {
  graph::ById<quantise::Grid> results;
  graph::ById<std::optional<quantise::WeightGrid>> weights;

  explicit Rounding(const quantise::Quantised& quantised)
      : results(quantise::grids(quantised)), weights(quantise::weight_grids(quantised)) {}
};

/// Weights as a layer of integers has them: what its operation reads in their stead.
class RoundedWeights {
 public:
  /// The grid, and what `exact` views, outlive it.
  RoundedWeights(const quantise::WeightGrid& grid, const WeightParameters& exact);

  /// Takes the weights as they are now.
  void round() { grid_.round(exact_.weights, exact_.bias, weights_, bias_); }
  /// The rounded ones; their gradients are those of the exact ones.
  [[nodiscard]] WeightParameters parameters() const;

 private:
  const quantise::WeightGrid& grid_;
  WeightParameters exact_;
  std::vector<float> weights_, bias_;
};

/// Makes a result one that readers round.
void set_grid(LayerResult& result, const quantise::Grid& grid);

/// Rounds numbers of the network's input where they stand, as the network in integers does.
void round_input(const quantise::Grid& grid, std::span<float> numbers);

}  // namespace riffle::trainer
