// ONNX to graph: what PyTorch exports for this family of networks, opsets 9 to 18.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "engine/graph/graph.hpp"

namespace riffle::onnx {

/// Reads a serialised ModelProto. The graph has passed infer_shapes(). Throws Error, naming the operation and the
/// node, for anything that is malformed or outside of what is supported. Labels and preprocessing come from the model's
/// metadata (metadata.hpp). Makes no copy larger than the weights.
graph::Graph import(std::span<const std::byte> bytes);

/// The same for a file; the message names the path.
graph::Graph import_file(const std::string& path);

}  // namespace riffle::onnx
