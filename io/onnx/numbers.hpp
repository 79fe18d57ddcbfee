// Arrays of numbers: the operations that models do on shapes. Axes are in range and not negative. All throw Error.
#pragma once

#include <functional>
#include <span>

#include "io/onnx/value.hpp"

namespace riffle::onnx {

/// The elements of an array of this shape if its empty dimensions are counted as 1: what loops over the others go
/// through. Throws as element_count() does.
std::int64_t loop_count(std::vector<std::int64_t> dims);

/// Throws Error where an array of this shape is larger than max_numbers, counted as loop_count() does.
void expect_few(const std::vector<std::int64_t>& dims);

Numbers list_of(std::vector<Quantity> values);

/// Throws Error if an element is not an integer or depends on N or on the input's size: what becomes of it holds for
/// one size alone.
std::vector<std::int64_t> known_integers(const Numbers& numbers);

/// Throws Error if an element depends on N or on the input's size.
Floats floats_of(const Numbers& numbers);

/// Element by element; shapes are equal, or one side is a single number.
Numbers combine(const Numbers& a, const Numbers& b, const std::function<Quantity(const Quantity&, const Quantity&)>& f);
Numbers apply(Numbers numbers, const std::function<Quantity(const Quantity&)>& f);

// Constants of both kinds, Floats and Numbers: their elements are moved, not looked at.

std::vector<std::int64_t>& dims_of(Value& constant);
const std::vector<std::int64_t>& dims_of(const Value& constant);
/// The elements at `positions`, in this order, as an array of these dimensions.
Value pick(const Value& constant, std::vector<std::int64_t> dims, std::span<const std::size_t> positions);
/// The positions of an axis, all within it.
Value take(const Value& constant, std::size_t axis, std::span<const std::int64_t> positions);
/// All of one kind.
Value concatenate(std::span<const Value* const> parts, std::size_t axis);
/// Each dimension that is 1 as often as `dims` says, in numpy's way. Callers see to it that the result is not too
/// large.
Value broadcast(const Value& constant, std::vector<std::int64_t> dims);

/// The source positions of a transposed array's elements, in order.
std::vector<std::size_t> transposed_positions(std::span<const std::int64_t> dims, std::span<const std::size_t> order);

}  // namespace riffle::onnx
