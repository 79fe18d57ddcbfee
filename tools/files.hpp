// Whole files in and out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace riffle::tools {

/// A regular file that is open for reading: opening a pipe does not wait for a writer, it is refused. Everything throws
/// Error naming the path.
class InputFile {
 public:
  explicit InputFile(std::string path);
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  /// In bytes, when it was opened.
  [[nodiscard]] std::int64_t size() const { return size_; }
  /// Bytes from `offset` on, as many as there are, at most to.size(); returns how many.
  std::size_t read(std::int64_t offset, std::span<std::byte> to) const;

 private:
  std::string path_;
  int descriptor_;
  std::int64_t size_;
};

/// The bytes of a regular file of at most `max_bytes`. Throws Error naming the path.
std::vector<std::byte> read_file(const std::string& path, std::int64_t max_bytes);

/// The first bytes of a regular file, at most `count`. Throws Error naming the path.
std::vector<std::byte> read_beginning(const std::string& path, std::size_t count);

/// Writes the parts one behind the other into a file beside `path`, then renames it: `path` holds all or is left as it
/// was. A device or pipe is written directly; a symbolic link's target is replaced, not the link. Throws Error naming
/// the path.
void write_file(const std::string& path, std::initializer_list<std::span<const std::byte>> parts);

}  // namespace riffle::tools
