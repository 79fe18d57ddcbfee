// madvise hints and read-only mapped files. Hints are no-ops where the system has none.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace riffle::memory {

/// What a large block of memory starts at to have its pages huge.
inline constexpr std::size_t huge_page = std::size_t{1} << 21;

/// Of fresh memory: its pages may be huge where whole huge ones fit.
void prefer_huge_pages(std::span<std::byte> memory) noexcept;

/// Pre-faults memory that is about to be written: its pages come at once instead of at a fault each. The contents stay.
void make_present(std::span<std::byte> memory) noexcept;

/// The first and the last of the pieces of a file, each of them 2 MiB from its beginning on, that hold something.
struct Pieces {
  std::size_t first = 0, last = 0;
};

/// A file mapped read-only.
class MappedFile {
 public:
  /// Throws Error naming the path if it is no regular file, empty, or cannot be opened.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  /// Says that nobody reads the bytes for a while: they leave this process's memory, and come back from the file when
  /// somebody does. All of them, for a fault brings in much of a file around what was read: up to the whole piece on
  /// Linux. Any thread, at any time.
  void evict() const noexcept;

  /// Where `part`, some of bytes(), is.
  [[nodiscard]] Pieces pieces(std::span<const std::byte> part) const noexcept;

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace riffle::memory
