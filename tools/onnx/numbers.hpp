// Arrays of numbers: the operations that models do on shapes. Axes are in range and not negative. All throw Error.
#pragma once

#include <functional>
#include <span>

#include "tools/onnx/value.hpp"

namespace riffle::onnx {

/// Throws Error where an array of this shape is larger than max_numbers, its empty dimensions counted as 1: loops over
/// the others must end too.
void expect_few(const std::vector<std::int64_t>& dims);

Numbers list_of(std::vector<Quantity> values);

/// Throws Error if an element is not an integer or depends on N.
std::vector<std::int64_t> known_integers(const Numbers& numbers);

/// Element by element; shapes are equal, or one side is a single number.
Numbers combine(const Numbers& a, const Numbers& b, const std::function<Quantity(const Quantity&, const Quantity&)>& f);

/// The positions of an axis, all within it.
Numbers take(const Numbers& numbers, std::size_t axis, std::span<const std::int64_t> positions);
Numbers concatenate(std::span<const Numbers* const> parts, std::size_t axis);
Numbers transpose(const Numbers& numbers, std::span<const std::size_t> order);

/// The source positions of a transposed array's elements, in order.
std::vector<std::size_t> transposed_positions(std::span<const std::int64_t> dims, std::span<const std::size_t> order);

}  // namespace riffle::onnx
