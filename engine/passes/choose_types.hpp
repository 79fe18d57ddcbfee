// In which type each node's numbers stand, and so where they are converted.
#pragma once

#include "engine/graph/graph.hpp"

namespace riffle::passes {

/// The element type of each node's result. A convert step stands where two that meet differ: between the
/// caller's input and its node, between a node and the caller's output. Today every node is f32, so that there is none
/// but at the ends. The graph verifies.
graph::ById<Type> choose_types(const graph::Graph& graph);

}  // namespace riffle::passes
