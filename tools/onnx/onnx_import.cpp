#include "tools/onnx/onnx_import.hpp"

#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx.pb.h>

#include <limits>

#include "base/files.hpp"
#include "tools/onnx/importer.hpp"

namespace riffle::onnx {
namespace {

// What protobuf can count, and so the largest file that there is.
constexpr std::int64_t max_bytes = std::numeric_limits<std::int32_t>::max();

}  // namespace

graph::Graph import(std::span<const std::byte> bytes) {
  if (bytes.size() > static_cast<std::size_t>(max_bytes)) throw Error("the ONNX model is larger than 2 GiB");
  ::onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error("it is not an ONNX model, or a damaged one");
  }
  return Importer(model).run();
}

graph::Graph import_file(const std::string& path) {
  const InputFile file = open_input(path);
  try {
    if (file.bytes > max_bytes) throw Error("the ONNX model is larger than 2 GiB");
    // Read in pieces: the file is never in memory beside the model.
    google::protobuf::io::FileInputStream bytes(file.descriptor.number());
    ::onnx::ModelProto model;
    if (!model.ParseFromZeroCopyStream(&bytes)) throw Error("it is not an ONNX model, or a damaged one");
    return Importer(model).run();
  } catch (const Error& error) {
    throw Error(path + ": " + error.what());
  }
}

}  // namespace riffle::onnx
