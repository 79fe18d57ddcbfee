// QuantizeLinear and DequantizeLinear of constants: the weights and biases of quantised models.
#pragma once

#include <cstdint>
#include <vector>

#include "io/onnx/importer.hpp"

namespace riffle::onnx {

/// As many of both: one for a whole tensor, or one for each position of the axis that the call names.
struct Scales {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
};

/// The scales and zero points, 0 where they are left out, of QuantizeLinear and DequantizeLinear for numbers of a type.
/// Throws Error where a scale is no positive number or a zero point none of the type.
Scales read_scales(Call& call, Type type);

/// To int8 or uint8.
Floats quantised(Call& call, const Floats& constant, Type type);

/// Of a constant of int8, uint8 or int32. Where the numbers less their zero points are of i8 they stay that, with a
/// factor a row.
Floats dequantised(Call& call, const Value& constant);

}  // namespace riffle::onnx
