// A model from a .riffle or an .onnx file, and into one.
#pragma once

#include <cstdint>
#include <string>

#include "engine/graph/graph.hpp"
#include "io/onnx/import.hpp"

namespace riffle::io {

enum class ModelFormat : std::uint8_t { riffle, onnx };

/// Which of the two a file is: the content says it (a .riffle file carries its identifier), or else the name's ending,
/// in whatever case. Throws Error naming the path.
ModelFormat format_of(const std::string& path);

/// The graph has passed infer_shapes(). Throws Error naming the path. The options are for an .onnx file, whose height
/// and width may be open.
graph::Graph load_model(const std::string& path, const onnx::ImportOptions& options = {});

/// The same for who brings floats and reads floats, as pictures and answers are: of inputs and outputs f16 and bf16
/// become f32.
graph::Graph load_model_of_floats(const std::string& path, const onnx::ImportOptions& options = {});

/// What the ending of a path says, in whatever case. Throws Error naming the path where it is neither.
ModelFormat format_to_save(const std::string& path);

/// In the format of the path's ending; batch norm stays as the graph has it. Written beside `path` and renamed
/// (write_file). Throws Error naming the path, or the graph where that is what is wrong.
void save_model(const graph::Graph& graph, const std::string& path);

}  // namespace riffle::io
