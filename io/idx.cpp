#include "io/idx.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.hpp"
#include "base/files.hpp"
#include "io/inflate.hpp"

namespace riffle::io {
namespace {

constexpr std::int64_t max_idx_bytes = std::int64_t{1} << 31;
constexpr std::size_t max_values = INT32_MAX;
constexpr std::size_t max_idx_rank = 4;
constexpr auto unsigned_byte = std::byte{0x08};

/// Plain or packed bytes, read in order.
class Source {
 public:
  Source(std::span<const std::byte> file, const std::string& name) : plain_(file), size_(file.size()) {
    if (is_gzip(file)) packed_.emplace(file, Packing::gzip, name);
  }
  /// The most that it can still give.
  [[nodiscard]] std::uint64_t bound() const { return packed_ ? size_ * max_inflation : plain_.size(); }
  std::size_t read(std::span<std::byte> target) {
    if (packed_) return packed_->read(target);
    const std::size_t count = std::min(target.size(), plain_.size());
    std::copy_n(plain_.begin(), count, target.begin());
    plain_ = plain_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> plain_;
  std::size_t size_;
  std::optional<Inflater> packed_;
};

}  // namespace

ByteTensor parse_idx(std::span<const std::byte> file, std::size_t rank, const std::string& name) {
  if (rank < 1 || rank > max_idx_rank) throw Error(name + ": an IDX tensor of rank " + std::to_string(rank));
  Source source(file, name);
  std::array<std::byte, 4 * (1 + max_idx_rank)> header = {};
  const std::size_t header_size = 4 * (1 + rank);
  const std::size_t got = source.read(std::span(header).first(header_size));
  if (got < 4 || header[0] != std::byte{0} || header[1] != std::byte{0}) throw Error(name + ": not an IDX file");
  if (header[2] != unsigned_byte) {
    throw Error(name + ": IDX values of type " + std::to_string(std::to_integer<int>(header[2])) +
                "; unsigned bytes (8) are needed");
  }
  if (std::to_integer<std::size_t>(header[3]) != rank) {
    throw Error(name + ": an IDX file of " + std::to_string(std::to_integer<int>(header[3])) + " dimensions; " +
                std::to_string(rank) + (rank == 1 ? " (labels)" : " (images)") + " needed");
  }
  if (got < header_size) throw Error(name + ": the IDX header is truncated");

  ByteTensor tensor;
  std::size_t count = 1;
  for (std::size_t d = 0; d < rank; ++d) {
    std::uint32_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size = size << 8 | std::to_integer<std::uint32_t>(header[4 + 4 * d + i]);
    if (size == 0) throw Error(name + ": an IDX dimension of 0");
    if (size > max_values / count) throw Error(name + ": the IDX header announces more than is read");
    count *= size;
    tensor.shape.push_back(static_cast<std::int32_t>(size));
  }
  const std::string truncated = name + ": truncated: the IDX header announces " + std::to_string(count) + " values";
  if (count > source.bound()) throw Error(truncated);
  tensor.values.resize(count);
  if (source.read(std::as_writable_bytes(std::span(tensor.values))) < count) throw Error(truncated);
  std::array<std::byte, 1> behind = {};
  if (source.read(behind) != 0) throw Error(name + ": bytes behind the IDX tensor");
  return tensor;
}

ByteTensor read_idx(const std::string& path, std::size_t rank) {
  return parse_idx(read_file(path, max_idx_bytes), rank, path);
}

}  // namespace riffle::io
