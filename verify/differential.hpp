// Does every way to run a graph give what the graph means?
//
//   graph --interpret--> the right numbers
//     |--plan, on every instruction set, some threads, a batch --> the same to rounding; on any threads the same bits
//     |--as a .riffle file and back --> the same bits
//     |--as an ONNX file and back --> the same to rounding
//     '--with inputs of another size --> all of this again, or an Error from both sides
//
// That is every output; of another type than float32 it holds what its type makes of a number that is right.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/graph/graph.hpp"

namespace riffle::verify {

/// How close float32 has to come.
enum class Closeness : std::uint8_t {
  usual,    ///< to 1e-4 of the largest number in the network: for weights that keep the size of what they multiply
  certain,  ///< as close as it must whatever the weights are (Tensor::error): never wrong, and of deep networks wide
};

/// How much is tried of one graph.
enum class Ways : std::uint8_t {
  all,
  some,  ///< each with a small chance, by the seed: of the many graphs that a fuzzer makes, others get the others
};

/// The first difference, in words; nothing where there is none. The seed decides about the inputs, the threads and the
/// other size. A graph with numbers that float32 does not hold is run and not compared. Throws Error if the graph does
/// not verify. Any thread, at any time.
std::optional<std::string> find_difference(const graph::Graph& graph, std::uint64_t seed,
                                           Closeness closeness = Closeness::usual, Ways ways = Ways::all);

/// A smaller graph for which `fails` holds, too: nodes, operands, outputs, inputs, types, names and pixels are left out
/// as long as it does. `fails` is called with graphs that verify.
graph::Graph shrink(graph::Graph graph, const std::function<bool(const graph::Graph&)>& fails);

}  // namespace riffle::verify
