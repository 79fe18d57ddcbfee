// Weights of one network for another: what fine-tuning begins with.
#pragma once

#include <cstdint>

#include "engine/graph/graph.hpp"
#include "models/models.hpp"

namespace riffle::trainer {

/// The graph with another number of classes: its last layer, the fully connected one that makes the output (a softmax
/// may follow), is replaced by a fresh one under the same name, with a bias if the old one has one; it has no labels
/// any more. Throws Error if the graph does not end so, or for classes outside of 1 to graph::max_extent.
graph::Graph with_classes(graph::Graph graph, std::int32_t classes, const models::WeightSource& weights);

/// The graph with the parameters and statistics of `from`, by name: each node's weights, bias and batch norm come from
/// the node of the same name. Throws Error naming the first ones if the two do not have the same parameters in the same
/// shapes, or where a graph does not verify. A graph of `riffle build` or `riffle convert` has its batch norm folded,
/// and so is none from which a graph with batch norm could be filled; the message says so.
graph::Graph with_weights(graph::Graph graph, const graph::Graph& from);

}  // namespace riffle::trainer
