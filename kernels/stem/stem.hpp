// The stem: a dense k x k convolution of 1 to 4 planes as the caller has them (NCHW) to channels-last, fp32.
//
//   out[y][x][n] = clamp(bias[n] + sum_{c,i,j} in[c][y*sh - pt + i*dh][x*sw - pl + j*dw] * weight[n][c][i][j])
//
// Reading planes saves the conversion of the input; few input channels make them the better layout for it: on NEON
// four neighbouring pixels of a row come in one load and are used by lane. Reads nothing outside the planes; writes
// exactly `outputs` channels a pixel; the output may be a ring. Packed panels as in pointwise.hpp with K = channels *
// taps, c outermost.
//
// Of bytes, sums are integers and end as in pointwise.hpp; what lies outside the image is zeros.input, which the biases
// take into account. The taps of a plane's row are read by quads: panels as in byte_panels.hpp, of channels * kernel_h
// * ceil(kernel_w / 4) quads, c outermost. The dilation is 1.
//
// Of numbers of bf16 that are multiplied by dot products the planes are rounded to bf16 first (dot_panels.hpp).
#pragma once

#include <span>
#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

struct StemArgs {
  Extent extent;
  Window window;
  std::int32_t channels = 0;  ///< 1 to 4
  std::int32_t outputs = 0;
  Numbers input;  ///< `channels` planes of in_h * in_w
  const void* packed = nullptr;
  LeakyClamp clamp;
  ZeroPoints zeros = {};  ///< of bytes
  Block output;
  std::int32_t tile_rows = 0;
  std::int32_t tiles = 0;  ///< ceil(out_h / tile_rows)
};

struct StemKernel {
  static constexpr std::string_view operation = "stem";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  std::int32_t max_vectors = 0;
  bool pairs_halves = false;  ///< as in PointwiseKernel
  void (*run)(const StemArgs&, const Addresses&, TileRange) = nullptr;
  QuadForm form = {};  ///< of bytes, and of dots
  bool joins_taps =
      false;             ///< of bytes: all taps make quads, one after the other; else each row of the window by itself
  std::int32_t dot = 1;  ///< as in PointwiseKernel
  /// Of bytes, and of dot products: the window's rows on all channels together, and the columns that it reaches over,
  /// are at most so many.
  static constexpr std::int32_t most_rows = 64, most_columns = 128;
};

/// What pack_stem writes, and what a kernel may read behind it.
std::int64_t packed_stem_bytes(const StemKernel& kernel, std::int32_t channels, std::int32_t taps,
                               std::int32_t outputs);

/// Packs weights (outputs, channels, taps) and bias (or empty); `output_order[n]`: the output written n-th.
void pack_stem(const StemKernel& kernel, std::int32_t channels, std::int32_t taps, std::int32_t outputs,
               const Weights& weights, std::span<const float> bias, std::span<const std::int32_t> output_order,
               std::span<std::byte> packed);

/// The same of bytes.
std::int64_t packed_stem_bytes(const StemKernel& kernel, std::int32_t channels, const Window& window,
                               std::int32_t outputs);
void pack_stem(const StemKernel& kernel, std::int32_t channels, const Window& window, std::int32_t outputs,
               const IntegerWeights& weights, std::span<const std::int32_t> output_order, std::span<std::byte> packed);

/// The equation in double; weights in the order of writing.
void stem_reference(const StemArgs& args, std::span<const float> weights, std::span<const float> bias,
                    const Addresses& memory);

/// The same of bytes.
void stem_bytes_reference(const StemArgs& args, const IntegerWeights& weights, const Addresses& memory);

}  // namespace riffle::kernels
