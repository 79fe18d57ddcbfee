// NumPy's .npy: tensors in and out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/element.hpp"

namespace riffle::io {

/// A dense tensor: numbers of a type as they stand in memory, its last index varying fastest.
struct Tensor {
  Type type = Type::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;

  /// The numbers of an f32 tensor. Throws Error for any other.
  [[nodiscard]] std::span<const float> floats() const;
};

/// `values` holds the shape's product of elements.
Tensor tensor_of(std::vector<std::int64_t> shape, std::span<const float> values);

/// More is not read from one file.
inline constexpr std::int64_t max_npy_bytes = std::int64_t{1} << 32;

/// Reads format versions 1 to 3 holding numbers of a riffle::Type in C or Fortran order (the latter is transposed).
/// NumPy has no bfloat16: its bits are there as uint16. Throws Error, with `name` in front, for anything else, and
/// before it allocates for a shape that the file does not hold.
Tensor parse_npy(std::span<const std::byte> file, const std::string& name);
Tensor read_npy(const std::string& path);

/// Version 1, C order: a header, behind which the tensor's bytes stand.
std::string npy_header(const Tensor& tensor);
void write_npy(const std::string& path, const Tensor& tensor);

/// For people: riffle's word and NumPy's, "f32 ('<f4')".
std::string type_text(Type type);

/// As Python writes a tuple: "(1, 3, 224, 224)".
std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace riffle::io
