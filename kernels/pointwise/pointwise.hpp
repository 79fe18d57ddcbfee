// Pointwise group convolution.
//
//   out[p][h*N + n] = clamp(bias[h*N + n] + sum_k in_h[p][k] * weight[h*N + n][k] + residual[p][h*N + n])
//
// for every pixel p and group h, with K inputs and N outputs a group. in_h is a list of channel runs read one after
// the other; the residual is optional. Runs and blocks may be rings. Reads up to 15 bytes behind a run's last channel
// (by-lane kernels load a vector of channels at once) and uses none of them; writes exactly N channels of each pixel to
// each block.
//
// A register tile is MR pixels x NV vectors of outputs. The outputs of a group are cut into panels of at most
// `max_vectors` vectors, of even width (panel_begin below). A packed panel is one stream in the order of its use:
//
//   bias[NV*lanes]  then for k in 0..K-1:  weight[NV*lanes]       (missing columns are zero)
//
// or, where a kernel pairs halves and half of the panel's last vector or more is empty, with its lower half twice;
//
// panels of a group behind one another, groups behind one another.
//
// The loops around the register tile, outermost first:
//
//   blocks of block_pixels pixels
//     groups
//       parts of K          a block's part of K stays in L1 while ...
//         panels            ... every panel's part of K streams past it, once
//           register tiles
//
// Between two parts the sums wait in the output. A group's outputs are one block; groups may read the same runs: then
// they are one convolution whose outputs are kept apart.
//
// Of bytes (u8 or i8 with weights of i8) there is one part, and sums are integers:
//
//   sum = bias[h*N + n] + sum_k in_h[p][k] * weight[h*N + n][k]
//   out = clamp(round(sum * factor[h*N + n])) + zeros.output      see engine/graph/quantization.hpp; with a residual
//   out = clamp(round(sum * factor[h*N + n]) + residual - zeros.residual) + zeros.output
//
// Of numbers of bf16 that are multiplied by dot products there is one part as well; sums are floats (dot_panels.hpp).
//
// Bytes are read four at a time (by eights, eight), each run's by themselves: `quads` of them a group, or fewer
// (byte_panels.hpp). By eights, blocks of pixels are first copied to where all panels read them.
#pragma once

#include <span>
#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// The residual operand of one vector of output columns: one place if its columns are neighbours there, else a place
/// a column (`columns[lane]`).
struct ResidualVector {
  ChannelRun run;                       ///< contiguous columns; run.channels == 0 says that they are not
  const ChannelRun* columns = nullptr;  ///< `lanes` single channels; read only where run.channels == 0
};

/// How the work is shared out: a tile is `tile_pixels` neighbouring pixels and all panels, or all pixels and one panel.
enum class PointwiseSplit : std::uint8_t { pixels, panels };

struct PointwiseArgs {
  std::int32_t pixels = 0;
  std::int32_t groups = 1;
  std::int32_t inputs = 0;                   ///< K, a group
  std::int32_t outputs = 0;                  ///< N, a group
  std::int32_t parts = 1;                    ///< of K
  const ChannelRun* runs = nullptr;          ///< group after group, in a group part after part
  const std::int32_t* run_begin = nullptr;   ///< groups * parts + 1 indices into runs
  const void* packed = nullptr;              ///< pack_panels
  const ResidualVector* residual = nullptr;  ///< null, or groups * ceil(N / lanes) entries
  LeakyClamp clamp;
  ZeroPoints zeros = {};          ///< of bytes
  std::int32_t quads = 0;         ///< of bytes: the most that a group reads
  const Block* blocks = nullptr;  ///< a group's outputs; no two overlap, and no input
  std::int32_t block_pixels = 0;
  PointwiseSplit split = PointwiseSplit::pixels;
  std::int32_t tile_pixels = 0;  ///< pixels a tile, where pixels are split; in a chain, a row
  std::int32_t tiles = 0;        ///< ceil(pixels / tile_pixels), or groups * panels
};

struct PointwiseKernel {
  static constexpr std::string_view operation = "pointwise";
  const char* name = nullptr;  ///< data type, operation, tile, instruction set: "f32-pointwise-6x64-avx512f"
  Types types = {};
  std::int32_t lanes = 0;        ///< floats in a vector
  std::int32_t max_vectors = 0;  ///< widest panel, in vectors
  bool pairs_halves = false;     ///< does a panel's last vector, where half of it or more is empty, hold two pixels?
  std::int32_t (*tile_rows)(std::int32_t vectors) = nullptr;  ///< pixels of a register tile of that width
  void (*run)(const PointwiseArgs&, const Addresses&, TileRange) = nullptr;
  QuadForm form = {};  ///< of bytes, and of dots: see byte_panels.hpp, dot_panels.hpp
  /// Of bytes and dots, what a group may read, in fours: fewer are another row's, as are more (0: any number is right).
  std::int32_t fewest_quads = 0, most_quads = 0;
  std::int32_t dot = 1;  ///< neighbouring inputs that are multiplied together: see dot_panels.hpp
};

/// Panels of a group: ceil(ceil(outputs / lanes) / max_vectors).
RIFFLE_INLINE std::int32_t panel_count(std::int32_t outputs, std::int32_t lanes, std::int32_t max_vectors) {
  const std::int32_t vectors = (outputs + lanes - 1) / lanes;
  return (vectors + max_vectors - 1) / max_vectors;
}

/// The first vector of panel i out of `panels`; panel i spans [panel_begin(i), panel_begin(i + 1)).
RIFFLE_INLINE std::int32_t panel_begin(std::int32_t i, std::int32_t vectors, std::int32_t panels) {
  return static_cast<std::int32_t>(static_cast<std::int64_t>(vectors) * i / panels);
}

/// How a kernel packs what it multiplies by.
struct Panels {
  Type type = Type::f32;  ///< of the packed numbers
  std::int32_t lanes = 0, max_vectors = 0;
  bool pairs_halves = false;
  std::int32_t dot = 1;
  QuadForm form = {};  ///< of dots
};
template <class Kernel>
Panels panels_of(const Kernel& kernel) {
  Panels panels{kernel.types.weights, kernel.lanes, kernel.max_vectors};
  if constexpr (requires { kernel.pairs_halves; }) panels.pairs_halves = kernel.pairs_halves;
  if constexpr (requires { kernel.dot; }) {
    panels.dot = kernel.dot;
    panels.form = kernel.form;
  }
  return panels;
}

/// Of a packed group convolution: the groups * ceil(outputs / lanes) * lanes * (inputs + 1) numbers that pack_panels
/// writes, and 128 bytes that a kernel may read behind them.
std::int64_t packed_panels_bytes(const Panels& panels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs);

/// Packs weights[o * inputs + i] (o over groups * outputs, i within the group) and bias[o] (or empty).
/// `input_order[h * inputs + k]`: the channel within group h that is read k-th. `output_order[h * outputs + n]`: the
/// channel within group h that is written n-th, counted from h * outputs (groups that read the same may exchange
/// channels: then it is any of theirs).
void pack_panels(const Panels& panels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                 const Weights& weights, std::span<const float> bias, std::span<const std::int32_t> input_order,
                 std::span<const std::int32_t> output_order, std::span<std::byte> packed);

/// The same equation, straightforwardly, in double: the first witness of every kernel. Takes the unpacked weights in
/// the order in which channels are read and written.
void pointwise_reference(const PointwiseArgs& args, std::span<const float> weights, std::span<const float> bias,
                         const Addresses& memory, std::int32_t lanes);

/// The same of bytes.
void pointwise_bytes_reference(const PointwiseArgs& args, const IntegerWeights& weights, const Addresses& memory,
                               std::int32_t lanes);

}  // namespace riffle::kernels
