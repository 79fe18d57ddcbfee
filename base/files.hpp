// Whole files in and out.
//
// All functions throw an Error that names the path. They may be called by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace riffle {

/// An open file, which the destructor closes.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  /// Negative where there is none.
  [[nodiscard]] int number() const { return number_; }

  /// Closes it now: a file system may report a failed write only here.
  [[nodiscard]] bool close();

 private:
  int number_;
};

/// A regular file, open to be read.
class InputFile {
 public:
  /// Directories, devices, pipes and sockets are refused, and never waited for.
  explicit InputFile(std::string path);

  /// When it was opened; 0 of many files that the system makes as they are read, such as those of /proc.
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] const Descriptor& descriptor() const { return descriptor_; }

  /// Bytes from `offset` on, as many as there are, at most to.size(); returns how many.
  std::size_t read(std::int64_t offset, std::span<std::byte> to) const;

 private:
  std::string path_;
  Descriptor descriptor_;
  std::int64_t bytes_ = 0;
};

/// The bytes of a regular file of at most `max_bytes`.
std::vector<std::byte> read_file(const std::string& path, std::int64_t max_bytes);

/// The first bytes of a regular file, at most `count`.
std::vector<std::byte> read_beginning(const std::string& path, std::size_t count);

/// Writes the parts one behind the other: `path` holds all of them afterwards, also after a power cut, or is left as it
/// was.
///
/// They are written into a file beside it (PATH.riffle-part), which is then renamed. One that was left by a process
/// that was killed is replaced; one that is being written is an error. A file that is replaced keeps its permissions
/// and, where the system allows it, its owner. One that is read-only, and one that has further names (hard links),
/// which would go on to hold what it held, are refused. Of a symbolic link its target is replaced. A device, or a pipe
/// that somebody reads, is written directly. SIGHUP, SIGINT and SIGTERM wait until the file is there, or is not.
void write_file(const std::string& path, std::initializer_list<std::span<const std::byte>> parts);

}  // namespace riffle
