// What the float network's tensors are like on the samples.
#pragma once

#include <optional>
#include <vector>

#include "quantise/layers.hpp"

namespace riffle::quantise {

/// Within which a channel's numbers are.
struct Range {
  double lower = 0.0, upper = 0.0;
};

/// A layer that scales are chosen for, and what it reads.
struct Layer {
  Matrix matrix;
  Patches patches;
  std::vector<double> means;  ///< column_means()
};

struct Statistics {
  graph::ById<std::vector<Range>> ranges;  ///< by channel, of nodes that compute
  graph::ById<std::optional<Layer>> layers;
};

/// `tail`: what part of a channel's numbers is left out of its range, on either side. `progress`: of the nodes.
Statistics collect(const graph::Graph& graph, const Samples& samples, double tail, int threads,
                   const std::function<void(double)>& progress);

}  // namespace riffle::quantise
