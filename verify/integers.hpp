// What nodes that read or make integers compute, by the words of engine/graph/quantization.hpp.
#pragma once

#include <vector>

#include "engine/graph/quantization.hpp"
#include "verify/interpret.hpp"

namespace riffle::verify {

/// A node whose operands are integers: its exact result. `out` has its shape and is 0.
void interpret_integers(const graph::Node& node, const std::vector<const Tensor*>& operands, Tensor& out);

/// Rounds a quantised node's result, real numbers still.
void quantise(const graph::Node& node, Tensor& out);

}  // namespace riffle::verify
