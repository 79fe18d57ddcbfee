// Fully connected layer of one image: out[n] = clamp(bias[n] + sum_k in[k] * weight[n][k]).
//
// Bound by reading its weights once. Of one image it is a product of a matrix and a vector, so that a packed matrix is
// its rows as they are, one an output, behind one another: where a model's weights are in the order in which inputs are
// read and outputs written, they are packed already and stay where the model has them. From any address of a float;
// nothing is read behind them.
//
// A tile is `rows` neighbouring outputs. The rows are read side by side, a vector of each at a time, so that a vector
// of inputs serves them all; each has a vector of sums, whose lanes are added at the end. The input is a list of
// one-pixel runs; nothing is read behind them.
#pragma once

#include <span>
#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// Of bytes with weights of i8, sums are integers that start from sums[o], which takes the bytes' zero point into
/// account, and out[o] = clamp(sum * factors[o]), in f32: see engine/graph/quantization.hpp.
struct FullyConnectedArgs {
  std::int32_t inputs = 0;
  std::int32_t outputs = 0;
  const ChannelRun* runs = nullptr;
  std::int32_t run_count = 0;
  const void* packed = nullptr;        ///< outputs * inputs
  const float* bias = nullptr;         ///< null, or `outputs` floats
  const std::int32_t* sums = nullptr;  ///< of bytes
  const float* factors = nullptr;      ///< of bytes
  Clamp clamp;
  Numbers output;          ///< `outputs` of them
  std::int32_t tiles = 0;  ///< ceil(outputs / rows)
};

struct FullyConnectedKernel {
  static constexpr std::string_view operation = "fully connected";
  const char* name = nullptr;
  Types types = {};
  std::int32_t rows = 0;  ///< of a tile
  void (*run)(const FullyConnectedArgs&, const Addresses&, TileRange) = nullptr;
};

/// Packs weights (outputs, inputs) that are not packed already. `input_order[k]`: the input that is read k-th.
/// `output_order[n]`: the output that is written n-th.
void pack_fully_connected(std::int32_t inputs, std::int32_t outputs, const Weights& weights,
                          std::span<const std::int32_t> input_order, std::span<const std::int32_t> output_order,
                          std::span<std::byte> packed, Type type);

/// The equation in double; weights (outputs, inputs) in the order of reading and writing.
void fully_connected_reference(const FullyConnectedArgs& args, std::span<const float> weights, const Addresses& memory);

/// The same of bytes.
void fully_connected_bytes_reference(const FullyConnectedArgs& args, std::span<const std::int8_t> weights,
                                     const Addresses& memory);

}  // namespace riffle::kernels
