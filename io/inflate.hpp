// Unpacks what deflate has packed, piece by piece: whoever reads says how much it is ready to hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace riffle::io {

/// The most bytes that a packed byte can become: deflate's best is 258 in 2 bits.
inline constexpr std::uint64_t max_inflation = 1032;

/// Does it begin as gzip does?
bool is_gzip(std::span<const std::byte> bytes);

enum class Packing : std::uint8_t {
  gzip,     ///< one file, of one or several members
  deflate,  ///< the bare stream, as archives have it
};

/// Reads packed bytes in memory, which must outlive it.
class Inflater {
 public:
  Inflater(std::span<const std::byte> packed, Packing packing, std::string name);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Unpacks the next bytes into `target`; returns how many, fewer only at the end. Throws Error with the name for
  /// corrupt or truncated data, and for what stands behind its end.
  std::size_t read(std::span<std::byte> target);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace riffle::io
