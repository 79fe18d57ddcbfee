// In which type each node's numbers stand, and so where they are converted.
#pragma once

#include "engine/graph/graph.hpp"

namespace riffle::passes {

/// The element types of a node: of its weights, f32 where it has none, and of its result.
struct NodeTypes {
  Type weights = Type::f32, result = Type::f32;
};

/// Quantised nodes' results, and the weights of layers that read them, are bytes: i8 weights, and results of type
/// `bytes` (u8 or i8, as the instruction set takes them). Of the others, `precision` (f32, f16, bf16) is what the
/// network is computed in: all nodes' results have that type, but for vectors that only the caller reads and whose sums
/// are floats anyway. Kernels at the ends read and write the caller's f32; a convert step stands where the caller's
/// numbers are of another type. The graph verifies.
graph::ById<NodeTypes> choose_types(const graph::Graph& graph, Type precision, Type bytes);

}  // namespace riffle::passes
