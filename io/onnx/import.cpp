#include "io/onnx/import.hpp"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx.pb.h>

#include <filesystem>
#include <limits>
#include <optional>

#include "base/files.hpp"
#include "io/onnx/external_data.hpp"
#include "io/onnx/importer.hpp"

namespace riffle::onnx {
namespace {

// What protobuf can count, and so the largest file that there is.
constexpr std::int64_t max_bytes = std::numeric_limits<std::int32_t>::max();

/// A file in pieces, as protobuf asks for them: it is never in memory beside the model.
class FileStream final : public google::protobuf::io::CopyingInputStream {
 public:
  explicit FileStream(const InputFile& file) : file_(file) {}
  int Read(void* buffer, int size) override {
    try {
      const std::span<std::byte> to(static_cast<std::byte*>(buffer), static_cast<std::size_t>(size));
      const std::size_t got = file_.read(at_, to);
      at_ += static_cast<std::int64_t>(got);
      return static_cast<int>(got);
    } catch (const Error&) {  // which must not pass through protobuf
      failed_ = true;
      return -1;
    }
  }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  const InputFile& file_;
  std::int64_t at_ = 0;
  bool failed_ = false;
};

}  // namespace

graph::Graph import(std::span<const std::byte> bytes) {
  if (bytes.size() > static_cast<std::size_t>(max_bytes)) throw Error("the ONNX model is larger than 2 GiB");
  ::onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error("it is not an ONNX model, or a damaged one");
  }
  read_external_data(model, std::nullopt);
  return Importer(model).run();
}

graph::Graph import_file(const std::string& path) {
  const InputFile file(path);
  try {
    if (file.bytes() > max_bytes) throw Error("the ONNX model is larger than 2 GiB");
    FileStream stream(file);
    google::protobuf::io::CopyingInputStreamAdaptor pieces(&stream);
    ::onnx::ModelProto model;
    const bool parsed = model.ParseFromZeroCopyStream(&pieces);
    if (stream.failed()) throw Error("cannot be read");
    if (!parsed) throw Error("it is not an ONNX model, or a damaged one");
    read_external_data(model, std::filesystem::path(path).parent_path());
    return Importer(model).run();
  } catch (const Error& error) {
    throw Error(path + ": " + error.what());
  }
}

}  // namespace riffle::onnx
