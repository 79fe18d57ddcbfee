// A model from a .riffle or an .onnx file, and into one.
#pragma once

#include <string>

#include "engine/graph/graph.hpp"

namespace riffle::tools {

/// Which of the two it is, the content says (a .riffle file carries its identifier), or else the name's ending. The
/// graph has passed infer_shapes(). Throws Error naming the path.
graph::Graph load_model(const std::string& path);

/// As the name's ending says: .onnx, or else .riffle. Batch norm stays as the graph has it. Written beside `path` and
/// renamed (write_file). Throws Error naming the path, or the graph where that is what is wrong.
void save_model(const graph::Graph& graph, const std::string& path);

}  // namespace riffle::tools
