// NumPy's .npy: float32 tensors in and out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace riffle::io {

/// A dense tensor, its last index varying fastest.
struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Reads format versions 1 to 3 holding little-endian float32 in C or Fortran order (the latter is transposed). Throws
/// Error, with `name` in front, for anything else, and before it allocates for a shape that the file does not hold.
Tensor parse_npy(std::span<const std::byte> file, const std::string& name);
Tensor read_npy(const std::string& path);

/// Writes version 1, C order. `values` holds the shape's product of elements.
void write_npy(const std::string& path, std::span<const std::int64_t> shape, std::span<const float> values);

/// As Python writes a tuple: "(1, 3, 224, 224)".
std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace riffle::io
