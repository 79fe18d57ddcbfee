// A model from a .riffle or an .onnx file.
#pragma once

#include <string>

#include "engine/graph/graph.hpp"

namespace riffle::tools {

/// Which of the two it is, the content says (a .riffle file carries its identifier), or else the name's ending. The
/// graph has passed infer_shapes(). Throws Error naming the path.
graph::Graph load_model(const std::string& path);

}  // namespace riffle::tools
