// The caller's tensors as they stand in memory: numbers of any type that a graph's input or output may have.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/element.hpp"

namespace riffle::verify {

/// Each number as near as the type comes, by the equations of kernels/convert/convert.hpp in double.
std::vector<std::byte> encode(std::span<const float> numbers, Type type, const Quantization& quantization);

/// What such bytes stand for.
std::vector<float> decode(std::span<const std::byte> bytes, Type type, const Quantization& quantization);

}  // namespace riffle::verify
