// A matrix times weights: the engine's pointwise kernel, with software prefetches in its loops.
#pragma once

#include "kernels/pointwise/pointwise.hpp"
#include "trainer/kernels/prefetcher.hpp"

namespace riffle::trainer {

/// As PointwiseKernel::run. Where tiles are in assembly nothing is prefetched.
using Multiply = void (*)(const kernels::PointwiseArgs& args, const kernels::Addresses& memory,
                          kernels::TileRange range, Prefetcher& prefetcher);

}  // namespace riffle::trainer
