// Random quantised graphs (engine/graph/quantization.hpp): every operation that takes integers, zero points other than
// 0, residuals, channels of several producers side by side.
#pragma once

#include "engine/graph/graph.hpp"

namespace riffle::verify {

/// The graph of that seed: it verifies, has one input of f32 or u8, and one or two outputs, of f32, of u8, or both.
graph::Graph random_quantised_graph(std::uint64_t seed);

}  // namespace riffle::verify
