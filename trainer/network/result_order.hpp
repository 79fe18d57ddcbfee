// The order of results' channels: the plan's layout (engine/plan/layout.hpp), of layers instead of nodes. A
// convolution's result is in parts, one for each set of readers, unless they are too narrow (layer_result.hpp). The
// plan's halves would be of no use: training keeps a result until its backward pass, whoever has read it.
#pragma once

#include "engine/plan/layout.hpp"
#include "trainer/network/trace.hpp"

namespace riffle::trainer {

plan::Layout order_results(const Trace& trace);

}  // namespace riffle::trainer
