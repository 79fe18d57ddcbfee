// How much work a graph is, so that a test can leave alone what takes too long.
#pragma once

#include <cstdint>

#include "engine/graph/graph.hpp"

namespace riffle::verify {

/// The numbers that an inference reads and writes: multiply-adds of convolutions and fully connected layers, what lies
/// inside pooling windows (one may be as large as an image and move over it by a pixel), operands, results, and what
/// the caller gets (a node may be any number of outputs). Throws Error if the graph does not verify.
std::int64_t elements_read(const graph::Graph& graph);

/// Small enough for a fuzzer to run and compare hundreds of them a second: larger ones find nothing new. Throws Error
/// if the graph does not verify.
bool is_small(const graph::Graph& graph);

}  // namespace riffle::verify
