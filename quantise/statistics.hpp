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
  std::vector<float> bias;    ///< by output; empty where there is none
  kernels::Clamp bounds;      ///< of what the patches alone decide: none behind a residual
};

/// By node that computes, and channel.
using Ranges = graph::ById<std::vector<Range>>;

struct Statistics {
  Ranges ranges;          ///< of all samples
  Ranges ranges_of_half;  ///< of those of even number: how good a choice is, the others' patches tell
  graph::ById<std::optional<Layer>> layers;
};

/// `tail`: what part of a channel's numbers is left out of its range, on either side. `progress`: of the nodes.
Statistics collect(const graph::Graph& graph, const Samples& samples, double tail, int threads,
                   const std::function<void(double)>& progress);

}  // namespace riffle::quantise
