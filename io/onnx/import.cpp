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
    } catch (const Error& error) {  // which must not pass through protobuf
      failure_ = error.what();
      return -1;
    }
  }
  /// What the file said, behind its path; empty where it could be read.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  const InputFile& file_;
  std::int64_t at_ = 0;
  std::string failure_;
};

void parse(::onnx::ModelProto& model, std::span<const std::byte> bytes) {
  if (bytes.size() > static_cast<std::size_t>(max_bytes)) throw Error("the ONNX model is larger than 2 GiB");
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error("it is not an ONNX model, or a damaged one");
  }
  read_external_data(model, std::nullopt);
}

void parse(::onnx::ModelProto& model, const InputFile& file, const std::string& path) {
  if (file.bytes() > max_bytes) throw Error("the ONNX model is larger than 2 GiB");
  FileStream stream(file);
  google::protobuf::io::CopyingInputStreamAdaptor pieces(&stream);
  const bool parsed = model.ParseFromZeroCopyStream(&pieces);
  if (!stream.failure().empty()) throw Error(stream.failure().substr(path.size() + 2));  // of_file() names the path
  if (!parsed) throw Error("it is not an ONNX model, or a damaged one");
  read_external_data(model, std::filesystem::path(path).parent_path());
}

/// What f makes of the file's model. What is wrong with it names the path.
template <class F>
auto of_file(const std::string& path, const ImportOptions& options, F&& f) {
  const InputFile file(path);
  try {
    ::onnx::ModelProto model;
    parse(model, file, path);
    Importer importer(model, options);
    return f(importer);
  } catch (const Error& error) {
    throw Error(path + ": " + error.what());
  }
}

}  // namespace

graph::Graph import(std::span<const std::byte> bytes, const ImportOptions& options) {
  ::onnx::ModelProto model;
  parse(model, bytes);
  return Importer(model, options).run();
}

graph::Graph import_file(const std::string& path, const ImportOptions& options) {
  return of_file(path, options, [](Importer& importer) { return importer.run(); });
}

Ranged import_ranges(std::span<const std::byte> bytes, const ImportOptions& options) {
  ::onnx::ModelProto model;
  parse(model, bytes);
  return Importer(model, options).run_as_ranges();
}

Ranged import_ranges_of_file(const std::string& path, const ImportOptions& options) {
  return of_file(path, options, [](Importer& importer) { return importer.run_as_ranges(); });
}

}  // namespace riffle::onnx
