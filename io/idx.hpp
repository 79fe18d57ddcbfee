// IDX, the format of MNIST and its kin: a tensor of bytes, gzip or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace riffle::io {

/// A dense tensor of bytes, its last index varying fastest.
struct ByteTensor {
  std::vector<std::int32_t> shape;
  std::vector<std::uint8_t> values;
};

/// Reads an IDX tensor of unsigned bytes with `rank` dimensions (images 3: count, rows, columns; labels 1: count).
/// gzip is known by its magic number. Throws Error, with `name` in front, for anything else; never unpacks more than
/// the header announces, and refuses a header that the compressed bytes could not fill.
ByteTensor parse_idx(std::span<const std::byte> file, std::size_t rank, const std::string& name);
ByteTensor read_idx(const std::string& path, std::size_t rank);

}  // namespace riffle::io
