// Fully connected layer of one image, fp32: out[n] = clamp(bias[n] + sum_k in[k] * weight[n][k]).
//
// Bound by reading its weights once, in the order of their use: packed panels as in pointwise.hpp with panels of up to
// `max_vectors` vectors. The input is a list of one-pixel runs. Reads up to 3 floats behind a run and uses none.
#pragma once

#include <span>

#include "kernels/types.hpp"

namespace riffle::kernels {

struct FullyConnectedArgs {
  std::int32_t inputs = 0;
  std::int32_t outputs = 0;
  const Run* runs = nullptr;
  std::int32_t run_count = 0;
  const float* packed = nullptr;
  Clamp clamp;
  Place output;            ///< `outputs` floats side by side
  std::int32_t tiles = 0;  ///< the number of panels
};

struct FullyConnectedKernel {
  const char* name = nullptr;
  std::int32_t lanes = 0;
  std::int32_t max_vectors = 0;
  void (*run)(const FullyConnectedArgs&, const Memory&, TileRange) = nullptr;
};

/// Floats that pack_fully_connected writes.
std::int64_t packed_fully_connected_size(std::int32_t inputs, std::int32_t outputs, std::int32_t lanes);

/// Packs weights (outputs, inputs) and bias (or empty); the orders as in pack_pointwise with one group.
void pack_fully_connected(const FullyConnectedKernel& kernel, std::int32_t inputs, std::int32_t outputs,
                          const Weights& weights, std::span<const float> bias,
                          std::span<const std::int32_t> input_order, std::span<const std::int32_t> output_order,
                          std::span<float> packed);

/// The equation in double; weights in the order of reading and writing.
void fully_connected_reference(const FullyConnectedArgs& args, std::span<const float> weights,
                               std::span<const float> bias, const Memory& memory);

}  // namespace riffle::kernels
