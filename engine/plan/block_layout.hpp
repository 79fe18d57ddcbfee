// The plan's layout: every node that computes has one block for its results, or two. Where half of a large tensor's
// channels is done with earlier than the rest (the half that V2's next unit takes), the two halves are blocks of their
// own: the memory of the first is soon free.
#pragma once

#include "engine/graph/graph.hpp"
#include "engine/passes/lower_channels.hpp"
#include "engine/plan/layout.hpp"
#include "engine/plan/plan.hpp"

namespace riffle::plan {

/// A part is a block. The graph has `shapes` and was lowered to `lowered`. The
/// network's inputs are in their natural order: the step that reads the caller's planes knows no other.
Layout block_layout(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes,
                    const passes::LoweredChannels& lowered, const Without& without);

}  // namespace riffle::plan
