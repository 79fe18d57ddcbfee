// Depthwise convolution: one k x k filter a channel, any window; 3x3 (stride 1 and 2) is the fast path.
//
//   out[y][x][c] = clamp(bias[c] + sum_{i,j} in[y*sh - pt + i*dh][x*sw - pl + j*dw][c] * weight[c][i][j])
//
// The input is a list of channel runs, each mapped to a place among the output channels. Runs may be rings. Reads up
// to 15 bytes behind a run of fewer channels than a vector has (by-lane kernels do) and uses none of them; writes
// exactly the runs' channels. Packed weights, run after run, for each of the run's ceil(channels / lanes) vectors:
//   bias[lanes]  then for tap (i, j) row-major:  weight[lanes]
// The last vector ends at the run's last channel: where it is not whole it repeats some of the channels before it,
// which are computed twice, to the same bits. Only a run shorter than a vector is padded, with zeros.
//
// Of bytes, sums are integers and end as in pointwise.hpp; what lies outside the image is zeros.input, which the biases
// take into account. A row of the window is read by quads, from right to left: its taps are the last bytes of
// ceil(kernel_w / 4) of them. Packed weights, for each vector:
//   bias[lanes] (i32)  factors[lanes] (f32)  then for row i and quad q of it: for each lane four weights (form)
#pragma once

#include <span>
#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

struct DepthwiseArgs {
  Extent extent;
  Window window;
  const ChannelwiseRun* runs = nullptr;
  std::int32_t run_count = 0;
  const void* packed = nullptr;  ///< pack_depthwise
  Clamp clamp;
  ZeroPoints zeros = {};  ///< of bytes
  Block output;
  std::int32_t tile_rows = 0;  ///< a tile is this many output rows (the last one fewer), all channels
  std::int32_t tiles = 0;      ///< ceil(out_h / tile_rows)
};

struct DepthwiseKernel {
  static constexpr std::string_view operation = "depthwise";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const DepthwiseArgs&, const Addresses&, TileRange) = nullptr;
  QuadForm form = {};  ///< of bytes
};

/// What pack_depthwise writes: sum over runs of ceil(channels / lanes) * lanes * (1 + taps) numbers.
std::int64_t packed_depthwise_bytes(const DepthwiseKernel& kernel, std::span<const ChannelwiseRun> runs,
                                    std::int32_t taps);

/// Packs weights[c * taps + t] and bias[c] (or empty). `order`: for the runs' channels one after the other, the
/// filter's index c.
void pack_depthwise(const DepthwiseKernel& kernel, std::int32_t taps, std::span<const ChannelwiseRun> runs,
                    const Weights& weights, std::span<const float> bias, std::span<const std::int32_t> order,
                    std::span<std::byte> packed);

/// The same of bytes.
std::int64_t packed_depthwise_bytes(const DepthwiseKernel& kernel, std::span<const ChannelwiseRun> runs,
                                    const Window& window);
void pack_depthwise(const DepthwiseKernel& kernel, const Window& window, std::span<const ChannelwiseRun> runs,
                    const IntegerWeights& weights, std::span<const std::int32_t> order, std::span<std::byte> packed);

/// The equation in double, with the unpacked weights of the runs' channels one after the other.
void depthwise_reference(const DepthwiseArgs& args, std::span<const float> weights, std::span<const float> bias,
                         const Addresses& memory);

/// The same of bytes.
void depthwise_bytes_reference(const DepthwiseArgs& args, const IntegerWeights& weights, const Addresses& memory);

}  // namespace riffle::kernels
