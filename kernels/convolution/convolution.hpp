// General k x k group convolution, fp32: any window, groups and dilation (ResNeXt's 3x3, Xception's stem ...).
//
//   out[y][x][h*N + n] = clamp(bias[h*N + n] + sum_{i,j,k} in_h[iy][ix][k] * weight[h*N + n][i][j][k] + residual)
//   iy = y*sh - pt + i*dh, ix = x*sw - pl + j*dw
//
// The pointwise kernel's register tile with one address a pixel and tap: a tap outside the image reads `zeros`.
// Reads up to 15 bytes behind a run's last channel and uses none; writes exactly groups * N channels a pixel.
// Packed panels as in pointwise.hpp with K = taps * inputs; within a panel k runs over taps (row-major), then over the
// channels in the order in which the runs list them.
//
// Of bytes, sums are integers and end as in pointwise.hpp; what lies outside the image is byte_zeros.input, which the
// biases take into account. Panels as in byte_panels.hpp, of ceil(taps * inputs / 4) quads in the same order of k; taps
// * inputs is at most most_terms.
#pragma once

#include <span>
#include <string_view>

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/types.hpp"

namespace riffle::kernels {

struct ConvolutionArgs {
  Extent extent;
  Window window;
  std::int32_t groups = 1;
  std::int32_t inputs = 0;   ///< a group
  std::int32_t outputs = 0;  ///< a group
  const ChannelRun* runs = nullptr;
  const std::int32_t* run_begin = nullptr;  ///< groups + 1 indices into runs
  const void* packed = nullptr;
  const void* zeros = nullptr;               ///< max(run.channels) of them, and 16 bytes of zeros more
  const ResidualVector* residual = nullptr;  ///< as in PointwiseArgs
  LeakyClamp clamp;
  ZeroPoints byte_zeros = {};  ///< of bytes
  Block output;
  std::int32_t tile_rows = 0;  ///< a tile is this many output rows, all channels
  std::int32_t tiles = 0;      ///< ceil(out_h / tile_rows)
};

struct ConvolutionKernel {
  static constexpr std::string_view operation = "general convolution";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  std::int32_t max_vectors = 0;
  void (*run)(const ConvolutionArgs&, const Addresses&, TileRange) = nullptr;
  QuadForm form = {};  ///< of bytes: see byte_panels.hpp
  /// As in PointwiseKernel.
  std::int32_t fewest_quads = 0, most_quads = 0;
  std::int32_t dot = 1;  ///< as in PointwiseKernel
  static constexpr std::int32_t most_terms = 33024;
};

/// What pack_convolution writes, and what a kernel may read behind it.
std::int64_t packed_convolution_bytes(const ConvolutionKernel& kernel, std::int32_t groups, std::int32_t inputs,
                                      std::int32_t outputs, std::int32_t taps);

/// Packs weights (groups * outputs, inputs, taps) as PyTorch and ONNX have them, and bias (or empty); the orders as in
/// pack_pointwise.
void pack_convolution(const ConvolutionKernel& kernel, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                      std::int32_t taps, const Weights& weights, std::span<const float> bias,
                      std::span<const std::int32_t> input_order, std::span<const std::int32_t> output_order,
                      std::span<std::byte> packed);

/// The same of bytes.
std::int64_t packed_convolution_bytes(const ConvolutionKernel& kernel, std::int32_t groups, std::int32_t terms,
                                      std::int32_t outputs);
void pack_convolution(const ConvolutionKernel& kernel, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                      std::int32_t taps, const IntegerWeights& weights, std::span<const std::int32_t> input_order,
                      std::span<const std::int32_t> output_order, std::span<std::byte> packed);

/// The equation in double; weights (groups * outputs, inputs, taps) in the order of reading and writing.
void convolution_reference(const ConvolutionArgs& args, std::span<const float> weights, std::span<const float> bias,
                           const Addresses& memory, std::int32_t lanes);

/// The same of bytes.
void convolution_bytes_reference(const ConvolutionArgs& args, const IntegerWeights& weights, const Addresses& memory,
                                 std::int32_t lanes);

}  // namespace riffle::kernels
