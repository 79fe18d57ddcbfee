// Rewrites of a graph that leave its mathematics as it is: they change its nodes, and nothing else of it. A pass is a
// file; their order is in optimise.cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::passes {

using graph::Graph;

/// One of the passes that optimise() runs, by the name of its function. It leaves no dead nodes.
struct Pass {
  std::string_view name;
  void (*run)(Graph& graph);
  bool fuses = false;  ///< is it one of those without which more steps compute the same?
};

/// From remove_dead_nodes() to fuse_residual().
std::span<const Pass> in_order();

/// Runs them all, or all but those that fuse. Idempotent. Throws Error if the graph does not verify.
void optimise(Graph& graph, bool fuse);
inline void optimise(Graph& graph) { optimise(graph, true); }

/// Drops the nodes that no output depends on (the inputs stay).
void remove_dead_nodes(Graph& graph);

/// An activation of kind none is passed by: who reads it reads its operand.
void remove_identities(Graph& graph);

/// Batch norm into the convolution or fully connected layer before it, or else into the one behind it, where that is
/// exact: no zeros that it pads with are shifted. One that has neither becomes a depthwise 1x1 convolution.
void fold_batch_norm(Graph& graph);

/// An activation behind a shuffle, slice, gather or concat moves before it: it is element-wise, so they commute. One
/// behind another becomes one with it where that is one activation; where it is not, both stay.
void hoist_activation(Graph& graph);

/// `second` after `first`, as one: the bounds of both. Nothing where a function stands between them.
std::optional<graph::Activation> composed(const graph::Activation& first, const graph::Activation& second);

/// An activation into the node that makes its operand. Of integers, a table alone.
void fuse_activation(Graph& graph);

/// A convolution of all phases of a tensor, which crops with steps have made, becomes one of the tensor itself.
void convolve_phases(Graph& graph);

/// A pointwise convolution behind a resize to more pixels by the nearest moves before it; of a concatenation in which a
/// part is so, one that reads the part before it is resized, whose result is the residual of one that reads the rest.
void convolve_before_enlarging(Graph& graph);

/// add(x, convolution(y)) into the convolution as its residual operand, where nothing else reads the convolution.
void fuse_residual(Graph& graph);

/// The weights of convolutions and fully connected layers become halves, rounded to nearest: half of a model's file.
/// Returns the names of the nodes that have a weight that halves do not hold, and keep theirs.
std::vector<std::string> store_halves(Graph& graph);

/// A fully connected layer of more than one pixel, or one that is quantised, becomes the convolution whose window is as
/// large as its operand: the kernel for a vector knows no pixels, and makes real numbers of integers. Not a part of
/// optimise(), which may stand before a file is written: the layer refuses an operand of another size, the convolution
/// would slide over it.
void lower_fully_connected(Graph& graph);
/// Of one pixel or more: computes the same of an operand of the layer's size.
graph::Convolution as_convolution(const graph::FullyConnected& layer);

/// A resize to the size of another tensor becomes one to that size in numbers, and no longer reads it. When a plan is
/// made: then the size is known.
void fix_sizes(Graph& graph);

/// A transposed convolution becomes convolutions, a rearrangement of what they make and, where they make more than is
/// wanted, a crop. When a plan is made: it depends on the size.
void lower_transposed_convolution(Graph& graph);

}  // namespace riffle::passes
