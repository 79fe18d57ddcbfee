// ONNX to graph: what exporters write of small vision networks, opsets 7 to 24.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "engine/graph/graph.hpp"
#include "io/onnx/ranges.hpp"

namespace riffle::onnx {

/// The opsets that are read. Before 7 operators broadcast in other ways; after 24 there are types and attributes that
/// have not been looked at.
inline constexpr std::int64_t least_opset = 7, greatest_opset = 24;

struct ImportOptions {
  /// Of inputs whose height or width the model leaves open; 0: the default. A size that the model has stays.
  std::int32_t height = 0, width = 0;
  /// Gets a sentence for the user where a default was taken, or something left out.
  std::function<void(const std::string&)> say = {};
  /// Every tensor that a node of the model makes of the inputs is an output, in the order of the model's nodes and by
  /// its name there, as the model has it; numbers of those that are no outputs of the model are floats, and of a model
  /// that is quantised the integers alone. What exporters spell out in several nodes (spelt_out.hpp) is one node all
  /// the same, and what is between them is missing. The graph has no metadata.
  bool every_tensor = false;
};
/// What an open height or width is where nobody says it: what networks for pictures are trained on.
inline constexpr std::int32_t default_extent = 224;

/// Reads a serialised ModelProto. The graph has passed infer_shapes(); its inputs and outputs are the model's, in the
/// model's order, by its names and of its types. It computes what the model does at every input size that it accepts:
/// what the model says of its own size is kept as a rule (graph::Window), or other sizes are refused
/// (graph::FullyConnected, graph::Input::only_size). Throws Error for anything that is malformed or outside of what is
/// supported, naming the operation and the node; of operations that are not supported all kinds. Labels and
/// preprocessing come from the model's metadata (metadata.hpp). Makes no copy larger than the weights.
graph::Graph import(std::span<const std::byte> bytes, const ImportOptions& options = {});

/// The same for a file, which may have weights in other files of its folder (external data); the message names the
/// path.
graph::Graph import_file(const std::string& path, const ImportOptions& options = {});

/// Of a quantised model the ranges of its tensors instead of their integers. Throws Error for one that is not
/// quantised.
Ranged import_ranges(std::span<const std::byte> bytes, const ImportOptions& options = {});
Ranged import_ranges_of_file(const std::string& path, const ImportOptions& options = {});

}  // namespace riffle::onnx
