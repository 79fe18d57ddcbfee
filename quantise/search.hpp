// The choice of scales by what they cost.
#pragma once

#include <functional>

#include "quantise/scales.hpp"

namespace riffle::quantise {

/// Chooses clip and spread of every group, one after the other: of a few candidates those with which the layers that
/// read its numbers lose the least (best), or the numbers themselves (mse, the clip alone).
void search(Scales& scales, const graph::Graph& graph, const Agreement& agreement, const Statistics& statistics,
            Method method, int threads, const std::function<void(double)>& progress);

}  // namespace riffle::quantise
