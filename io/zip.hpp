// Zip archives: files stored or deflated, as large as zip64 allows, read from memory; written stored.
//
// There is no library behind this but zlib, which has the hard part. What is left are a few headers, and that they fit
// each other and the file is to be checked here all the same: nothing overlaps, no size is more than there can be, each
// error names the file in the archive. libzip brings bzip2 and OpenSSL along and has no static library in Debian, which
// the programs for ARM are linked with; minizip is no supported part of zlib, and whoever has zlib seldom has it, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace riffle::io {

/// The files of an archive in memory, which must outlive it. They are unpacked when they are asked for: all of them
/// together are at most max_inflation (inflate.hpp) times as large as the archive.
class ZipReader {
 public:
  /// Throws Error, with `name` in front, where the archive's headers do not fit each other, or the archive.
  ZipReader(std::span<const std::byte> archive, std::string name);

  /// Sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool holds(const std::string& file) const { return files_.contains(file); }

  /// Throws Error naming archive and file where there is no such file, it is encrypted or packed in another way than by
  /// deflate, or it is not what its size and checksum say. Allocates no more than it can become.
  [[nodiscard]] std::vector<std::byte> read(const std::string& file) const;

 private:
  struct File {
    std::span<const std::byte> packed;
    std::uint64_t size = 0;  ///< unpacked, as the archive claims
    std::uint32_t checksum = 0;
    std::uint16_t flags = 0, method = 0;
  };

  std::string name_;
  std::map<std::string, File> files_;
};

/// Makes an archive of at most 4 GiB, the same bytes of the same files.
class ZipWriter {
 public:
  explicit ZipWriter(std::string name) : name_(std::move(name)) {}

  /// The parts one behind the other, under a name that is not there yet. Throws Error naming archive and file where the
  /// archive becomes too large, or where the file's name is longer than 65535 bytes.
  void add(const std::string& file, std::initializer_list<std::span<const std::byte>> parts);

  /// The archive. Nothing may be added to it.
  [[nodiscard]] std::vector<std::byte> finish();

 private:
  std::string name_;
  std::vector<std::byte> archive_, directory_;
  std::uint64_t count_ = 0;
};

}  // namespace riffle::io
