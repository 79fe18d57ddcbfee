// Weights that lie in files beside a model.
#pragma once

#include <filesystem>
#include <optional>

namespace onnx {
class ModelProto;
}

namespace riffle::onnx {

/// Brings the data of all tensors that lie in other files into the model. Such a file must be in `folder`, the model's,
/// or below it: no absolute path, no "..", no symbolic link that leads out. Throws Error that names the files which are
/// not, are missing, or do not hold what the model says; and all of them where there is no folder, because the model
/// came from memory.
void read_external_data(::onnx::ModelProto& model, const std::optional<std::filesystem::path>& folder);

}  // namespace riffle::onnx
