// ONNX to graph: what PyTorch exports for this family of networks, opsets 9 to 23.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/graph/graph.hpp"
#include "io/onnx/ranges.hpp"

namespace riffle::onnx {

/// The opsets that are read. Before 9 some operators broadcast in other ways; after 23 there are types and attributes
/// that have not been looked at.
inline constexpr std::int64_t least_opset = 9, greatest_opset = 23;

/// Reads a serialised ModelProto. The graph has passed infer_shapes(); its inputs and outputs are the model's, in the
/// model's order, by its names and of its types. It computes what the model does at every input size that it accepts:
/// what the model says of its own size is kept as a rule (graph::Window), or other sizes are refused
/// (graph::FullyConnected, graph::Input::only_size). Throws Error for anything that is malformed or outside of what is
/// supported, naming the operation and the node; of operations that are not supported all kinds. Labels and
/// preprocessing come from the model's metadata (metadata.hpp). Makes no copy larger than the weights.
graph::Graph import(std::span<const std::byte> bytes);

/// The same for a file, which may have weights in other files of its folder (external data); the message names the
/// path.
graph::Graph import_file(const std::string& path);

/// Of a quantised model the ranges of its tensors instead of their integers. Throws Error for one that is not
/// quantised.
Ranged import_ranges(std::span<const std::byte> bytes);
Ranged import_ranges_of_file(const std::string& path);

}  // namespace riffle::onnx
