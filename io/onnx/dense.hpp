// Products over axes of views.
#pragma once

#include <string>
#include <vector>

#include "io/onnx/importer.hpp"

namespace riffle::onnx {

/// The product of a matrix (outputs, inputs) with what the tensor has on this axis, for each position of all others: a
/// pointwise convolution. Its bias may be empty.
View product_along(Call& call, View& view, std::size_t axis, graph::Constant weights, std::int64_t inputs,
                   std::int64_t outputs, graph::Constant bias);

/// Axes of two tensors that are the same.
struct AxisPair {
  std::size_t of_a, of_b;
};
/// What each axis of two tensors a and b is in their product.
struct ContractedAxes {
  std::vector<AxisPair> common;      ///< in the result as in both
  std::vector<AxisPair> summed;      ///< away
  std::vector<std::size_t> rows;     ///< of a, in the result alone from there
  std::vector<std::size_t> columns;  ///< of b
};
/// All products of a number of a and one of b, summed: as many as there are stand in memory. Afterwards the axes of a
/// that are common or rows, and those of b that are columns, say how the result's node has them.
graph::NodeId sum_of_products(Importer& importer, const std::string& name, View& a, View& b,
                              const ContractedAxes& axes);

}  // namespace riffle::onnx
