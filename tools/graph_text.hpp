// A graph's nodes in words, and how two graphs differ.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::tools {

/// "convolution, ReLU6".
std::string operation_text(const graph::Operation& operation);

/// What became of the nodes, a line a node, in their order. A node is told by its name:
///
///   - norm: batch norm(stem)                          gone
///   + shuffle.activation0: activation, ReLU(conv)     new
///   ~ stem: convolution(image) -> convolution, bias(image)
///   ~ stem: convolution, bias(image), other weights
///
/// One that does the same with operands that are called something else now is the same.
std::vector<std::string> changes(const graph::Graph& before, const graph::Graph& after);

}  // namespace riffle::tools
