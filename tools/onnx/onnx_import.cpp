#include "tools/onnx/onnx_import.hpp"

#include <onnx.pb.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "tools/onnx/importer.hpp"

namespace riffle::onnx {
namespace {

// What protobuf can count, and so the largest file that there is.
constexpr std::uint64_t max_bytes = std::numeric_limits<std::int32_t>::max();

}  // namespace

graph::Graph import(std::span<const std::byte> bytes) {
  if (bytes.size() > max_bytes) throw Error("the ONNX model is larger than 2 GiB");
  ::onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error("it is not an ONNX model, or a damaged one");
  }
  return Importer(model).run();
}

graph::Graph import_file(const std::string& path) {
  try {
    std::error_code code;
    const std::uintmax_t size = std::filesystem::file_size(path, code);
    if (code) throw Error("cannot be read: " + code.message());
    if (size > max_bytes) throw Error("the ONNX model is larger than 2 GiB");
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error("cannot be opened");
    ::onnx::ModelProto model;  // read in pieces: the file is never in memory beside the model
    if (!model.ParseFromIstream(&file)) throw Error("it is not an ONNX model, or a damaged one");
    return Importer(model).run();
  } catch (const Error& error) {
    throw Error(path + ": " + error.what());
  }
}

}  // namespace riffle::onnx
