// NumPy's .npz: a zip archive of tensors, of which "scores" is the file "scores.npy".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "io/npy.hpp"
#include "io/zip.hpp"

namespace riffle::io {

/// An archive in memory, whose tensors are unpacked one by one when they are asked for.
class Npz {
 public:
  /// Throws Error, with `name` in front, where it is no zip archive or a damaged one.
  Npz(std::vector<std::byte> archive, std::string name);
  /// Throws Error naming the path.
  explicit Npz(const std::string& path);
  Npz(const Npz&) = delete;
  Npz& operator=(const Npz&) = delete;

  /// Of the tensors, sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool holds(const std::string& tensor) const;

  /// Throws Error naming archive and tensor where there is none of that name, or what ZipReader::read() and parse_npy()
  /// throw it for.
  [[nodiscard]] Tensor read(const std::string& tensor) const;

 private:
  std::string name_;
  std::vector<std::byte> archive_;
  ZipReader files_;
};

struct NamedTensor {
  std::string name;  ///< of no other
  Tensor tensor;
};

/// In this order, not packed. The archive is made in memory first. Throws Error naming the path, and the tensor where
/// it is one too many or its name is too long (ZipWriter::add).
void write_npz(const std::string& path, std::span<const NamedTensor> tensors);

}  // namespace riffle::io
