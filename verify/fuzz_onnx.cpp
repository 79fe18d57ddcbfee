// libFuzzer: any bytes are a model or an Error; a small model gives what it means, however it is run, and so do all of
// its tensors. One that speaks of other files is read from a folder that has such a file as well.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "io/onnx/import.hpp"
#include "verify/fuzz.hpp"

namespace {

/// The model's own, with a file of numbers that it may name: "weights".
class Folder {
 public:
  Folder() : path_(in_memory() / ("riffle-fuzz-" + std::to_string(::getpid()))) {
    std::filesystem::create_directory(path_);
    std::ofstream weights(path_ / "weights", std::ios::binary);
    for (int i = 0; i < 64; ++i) {
      const float number = static_cast<float>(i) / 64 - 0.5F;
      weights.write(reinterpret_cast<const char*>(&number), sizeof number);
    }
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string write(std::span<const std::uint8_t> model) const {
    const std::filesystem::path path = path_ / "model.onnx";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(model.data()), static_cast<std::streamsize>(model.size()));
    return path;
  }

 private:
  /// A file an execution is no work for a disk.
  static std::filesystem::path in_memory() {
    const std::filesystem::path shared = "/dev/shm";
    return std::filesystem::is_directory(shared) ? shared : std::filesystem::temp_directory_path();
  }

  std::filesystem::path path_;
};

/// Where a model leaves its input's size open it is a small one, so that it is compared and not read alone.
riffle::onnx::ImportOptions options(bool every_tensor) {
  return {.height = 16, .width = 16, .every_tensor = every_tensor};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> file(data, size);
  if (std::string_view(reinterpret_cast<const char*>(data), size).find("location") != std::string_view::npos) {
    static const Folder folder;
    try {
      riffle::verify::compare_if_small(riffle::onnx::import_file(folder.write(file), options(false)), file);
    } catch (const riffle::Error&) {
    }
  }
  for (const bool every_tensor : {false, true}) {
    try {
      riffle::verify::compare_if_small(riffle::onnx::import(std::as_bytes(file), options(every_tensor)), file);
    } catch (const riffle::Error&) {
    }
  }
  return 0;
}
