// How well a network does, measured with the engine that will run it.
#pragma once

#include <functional>
#include <optional>

#include "engine/graph/graph.hpp"
#include "trainer/data/loader.hpp"
#include "trainer/fit/record.hpp"
#include "trainer/ranks/alone.hpp"

namespace riffle::trainer {

struct Evaluation {
  Score score;
  std::vector<std::int32_t> confusion;  ///< (classes, classes): images of class row taken for class column
};

/// Runs the graph on every picture of the loader's epoch 0; `threads` pictures at a time, which the results do not
/// depend on. `go_on` is asked after each batch, with the batches done; where it says no, there is no result. Throws
/// Error where the graph does not classify, or where a label is not one of its classes.
///
/// On several ranks each runs the pictures of its own loader, whose ranks they are, and all have the result of all
/// pictures; where one is told not to go on, there is none on any.
std::optional<Evaluation> evaluate(graph::Graph graph, Loader& loader, int threads,
                                   const std::function<bool(std::int64_t)>& go_on, Ranks& ranks = alone());

}  // namespace riffle::trainer
