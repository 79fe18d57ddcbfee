// What a name in an ONNX model stands for while it is being imported.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "engine/graph/graph.hpp"
#include "io/onnx/quantity.hpp"
#include "io/onnx/view.hpp"

namespace riffle::onnx {

/// Weights. values.size() is the product of dims.
struct Floats {
  std::vector<std::int64_t> dims;
  graph::Constant values;          ///< of i8 or u8 where the model has them, dequantised or not yet
  graph::Constant transpose = {};  ///< of a matrix that was dequantised, with a factor a row; or empty

  /// Are they integers that nothing has dequantised?
  [[nodiscard]] bool are_raw() const { return is_quantised(values.type()) && values.row_scale().empty(); }
};

/// Shapes, axes, indices and what is computed with them: known when the model is imported, but for the batch.
/// values.size() is the product of dims and at most max_numbers.
struct Numbers {
  std::vector<std::int64_t> dims;
  std::vector<Quantity> values;
  bool real = false;  ///< of a floating-point type: divides exactly
};
inline constexpr std::int64_t max_numbers = 1 << 16;

/// Zeros around a tensor, which the convolution or mean behind will count in. For whatever else reads it they become a
/// node (Importer::materialise).
struct Padding {
  std::int64_t top = 0, left = 0, bottom = 0, right = 0;
  bool operator==(const Padding&) const = default;
};
struct Padded {
  View view;
  Padding padding;
  std::string name = {};  ///< of the model's node
};

/// The bytes of a quantised tensor as places in a table, from which Gather takes what is there; nothing else reads
/// them.
struct Places {
  View bytes;
  std::vector<float> first = {};  ///< of each channel of the node what is added to its bytes, or nothing
};

using Value = std::variant<View, Padded, Floats, Numbers, Places>;

/// The product. Throws Error for a negative dimension or a product beyond 2^48.
std::int64_t element_count(const std::vector<std::int64_t>& dims);

}  // namespace riffle::onnx
