#include "io/npz.hpp"

#include <string_view>
#include <utility>

#include "base/files.hpp"

namespace riffle::io {
namespace {

constexpr std::string_view npy_ending = ".npy";

std::string file_of(const std::string& tensor) { return tensor + std::string(npy_ending); }

}  // namespace

Npz::Npz(std::vector<std::byte> archive, std::string name)
    : name_(std::move(name)), archive_(std::move(archive)), files_(archive_, name_) {}

Npz::Npz(const std::string& path) : Npz(read_file(path, max_npy_bytes), path) {}

std::vector<std::string> Npz::names() const {
  std::vector<std::string> names;
  for (const std::string& file : files_.names()) {
    if (file.ends_with(npy_ending)) names.push_back(file.substr(0, file.size() - npy_ending.size()));
  }
  return names;
}

bool Npz::holds(const std::string& tensor) const { return files_.holds(file_of(tensor)); }

Tensor Npz::read(const std::string& tensor) const {
  const std::string file = file_of(tensor);
  return parse_npy(files_.read(file), name_ + ": '" + file + "'");
}

void write_npz(const std::string& path, std::span<const NamedTensor> tensors) {
  ZipWriter archive(path);
  for (const auto& [name, tensor] : tensors) {
    const std::string header = npy_header(tensor);
    archive.add(file_of(name), {std::as_bytes(std::span(header)), tensor.bytes});
  }
  write_file(path, {archive.finish()});
}

}  // namespace riffle::io
