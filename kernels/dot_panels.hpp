// Panels of weights that are multiplied by dot products: `dot` neighbouring inputs of an output in one instruction.
//
// As panels of floats are (pointwise/pointwise.hpp), with f32 biases, and the inputs in dots, the last one filled up
// with zeros:
//
//   bias[NV*lanes] (f32)   then for each dot:  for each of NV*lanes outputs `dot` weights
#pragma once

#include "kernels/pointwise/pointwise.hpp"

namespace riffle::kernels {

/// As packed_panels_bytes() and pack_panels(), which call them where a kernel has dots.
std::int64_t dot_panels_bytes(const Panels& panels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs);
void pack_dot_panels(const Panels& panels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                     const Weights& weights, std::span<const float> bias, std::span<const std::int32_t> input_order,
                     std::span<const std::int32_t> output_order, std::span<std::byte> packed);

/// Inputs as a panel has them. For kernels that multiply matrices dots are filled up as quads of bytes are.
constexpr std::int32_t filled_inputs(QuadForm form, std::int32_t dot, std::int32_t inputs) {
  return filled_quads(form, (inputs + dot - 1) / dot) * dot;
}

/// Bytes of a vector of a panel of so many filled_inputs().
RIFFLE_INLINE std::int64_t dot_vector_bytes(std::int32_t lanes, std::int32_t filled) {
  return std::int64_t{lanes} * (4 + std::int64_t{filled} * 2);
}

}  // namespace riffle::kernels
