// gzip, unpacked piece by piece: whoever reads says how much it is ready to hold.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace riffle::io {

/// Does it begin as gzip does?
bool is_gzip(std::span<const std::byte> bytes);

/// Reads one gzip file in memory, of one or several members. The compressed bytes must outlive it.
class GzipReader {
 public:
  GzipReader(std::span<const std::byte> compressed, std::string name);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Unpacks the next bytes into `target`; returns how many, fewer only at the end. Throws Error with the name for
  /// corrupt or truncated data.
  std::size_t read(std::span<std::byte> target);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace riffle::io
