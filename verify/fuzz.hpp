// What the fuzzers of model files do with a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/graph/graph.hpp"

namespace riffle::verify {

/// Runs a small graph in some of the ways there are and compares (find_difference): which, and on which images, depends
/// on the file's bytes. Leaves a larger one alone, and each where the environment's RIFFLE_FUZZ_COMPARE is 0: reading
/// alone is many times as fast. Prints a difference and ends the program, as a fuzzer wants it. Throws Error if the
/// graph does not verify.
void compare_if_small(const graph::Graph& graph, std::span<const std::uint8_t> file);

}  // namespace riffle::verify
