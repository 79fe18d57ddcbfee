// What training in integers begins with: a network in floats, calibrated on pictures that it is trained on.
#pragma once

#include <functional>

#include "quantise/quantise.hpp"
#include "trainer/data/loader.hpp"

namespace riffle::trainer {

/// On the first `count` pictures of the loader's epoch 0, or fewer where there are not as many, or where their tensors
/// would take too much memory (quantise::most_samples). Throws Error for a network that cannot be quantised.
quantise::Quantised calibrate(graph::Graph graph, Loader& pictures, std::int64_t count, int threads,
                              const std::function<void(double)>& progress);

/// Of all grids that results are rounded to. Those of another number are others.
std::uint32_t checksum_of_grids(const quantise::Quantised& quantised);

}  // namespace riffle::trainer
