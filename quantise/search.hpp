// The choice of scales by what they cost.
#pragma once

#include <functional>

#include "quantise/scales.hpp"

namespace riffle::quantise {

/// Chooses clip and spread of every group, one after the other: of a few candidates those with which the layers that
/// read its numbers lose the least (best), or the numbers themselves (mse, the clip alone). The ranges are those of
/// half of the samples, and what is lost is measured on the others: or else the range that just holds what has occurred
/// would seem to be enough for what will. Peers, who have the same statistics, share what is to be tried.
Scales search(const graph::Graph& graph, const Agreement& agreement, const Statistics& statistics, Method method,
              const Peers& peers, int threads, const std::function<void(double)>& progress);

}  // namespace riffle::quantise
