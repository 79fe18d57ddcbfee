// A matrix times weights: the engine's pointwise kernel, whose loops ask for memory besides.
#pragma once

#include "kernels/pointwise/pointwise.hpp"
#include "trainer/kernels/prefetcher.hpp"

namespace riffle::trainer {

/// As PointwiseKernel::run. Where tiles are in assembly nothing is asked for.
using Multiply = void (*)(const kernels::PointwiseArgs& args, const kernels::Addresses& memory,
                          kernels::TileRange range, Prefetcher& prefetcher);

}  // namespace riffle::trainer
