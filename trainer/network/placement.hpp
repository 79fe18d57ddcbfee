// Where results and their gradients stand in the arena.
//
// A result lives from its forward pass to its backward pass, its gradient from the first operation that writes to it,
// going backward, to the one that made the result: the gradients of the last layers stand where results behind them
// stood. And a sum's gradient is its operands' as it stands, so that they may be in one place.
#pragma once

#include <cstdint>

#include "trainer/network/gradient_order.hpp"
#include "trainer/network/trace.hpp"

namespace riffle::trainer {

struct ResultPlaces {
  graph::ById<std::int64_t> y, gradient;  ///< floats from the arena's start on; -1 where there is no gradient
  std::int64_t floats = 0;                ///< of the arena
};

/// For `batch` images. `readers` are those of the layers' channels, the pieces of `operands` in order
/// (gradient_order.hpp). fused_into_reader[i]: does the layer behind i do its work (is_fused_into_reader)?
ResultPlaces place_results(const Trace& trace, const plan::Readers& readers, const Results& results,
                           const Operands& operands, const graph::ById<bool>& fused_into_reader, std::int32_t batch);

}  // namespace riffle::trainer
