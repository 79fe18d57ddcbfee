// Who writes a channel's gradient first, and who last.
//
// A channel that several layers read gets its gradient from all of them. Going backward, the first one stores it, so
// that nobody has to clear it before; the others add; and the last one, behind which it is complete, applies the
// activation and takes the sums that the batch norm needs (LayerResult::complete). The order of the layers is known,
// and so all of this is decided once, when the program is made.
#pragma once

#include <vector>

#include "trainer/network/operand.hpp"

namespace riffle::trainer {

/// What each layer reads, and behind them what the network's output does.
using Operands = graph::ById<std::vector<Operand>>;

/// Marks the operands' pieces (Piece::add, Piece::last) and cuts those whose channels differ in that. Returns, by
/// layer, the channels whose gradient nobody writes, because nobody reads them: it is zero.
graph::ById<std::vector<Piece>> order_gradients(const Results& results, Operands& operands);

}  // namespace riffle::trainer
