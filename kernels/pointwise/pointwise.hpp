// Pointwise group convolution, fp32.
//
//   out[p][h*N + n] = clamp(bias[h*N + n] + sum_k in_h[p][k] * weight[h*N + n][k] + residual[p][h*N + n])
//
// for every pixel p and group h, with K inputs and N outputs a group. in_h is a list of channel runs read one after
// the other; the residual is optional. Reads up to 3 floats behind a run's last channel (by-lane kernels load four
// channels at once) and uses none of them; writes exactly the groups * N channels of each pixel.
//
// A register tile is MR pixels x NV vectors of outputs. The outputs of a group are cut into panels of at most
// `max_vectors` vectors, of even width (panel_begin below). A packed panel is one stream in the order of its use:
//
//   bias[NV*lanes]  then for k in 0..K-1:  weight[NV*lanes]       (missing columns are zero)
//
// panels of a group behind one another, groups behind one another.
#pragma once

#include <span>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// The residual operand of one vector of output columns: one place if its columns are neighbours there, else a place
/// a column (`columns[lane]`).
struct ResidualVector {
  Run run;                       ///< contiguous columns; run.channels == 0 says that they are not
  const Run* columns = nullptr;  ///< `lanes` single channels; read only where run.channels == 0
};

struct PointwiseArgs {
  std::int32_t pixels = 0;
  std::int32_t groups = 1;
  std::int32_t inputs = 0;                   ///< K, a group
  std::int32_t outputs = 0;                  ///< N, a group
  const Run* runs = nullptr;                 ///< all groups' runs, group after group
  const std::int32_t* run_begin = nullptr;   ///< groups + 1 indices into runs
  const float* packed = nullptr;             ///< pack_pointwise
  const ResidualVector* residual = nullptr;  ///< null, or groups * ceil(N / lanes) entries
  Clamp clamp;
  Block output;
  std::int32_t tile_pixels = 0;  ///< a tile is this many pixels (the last one fewer) ...
  std::int32_t tile_panels = 0;  ///< ... times this many of the group's panels, in every group
  std::int32_t tiles = 0;        ///< ceil(pixels / tile_pixels) * ceil(panels / tile_panels), pixels innermost
};

struct PointwiseKernel {
  const char* name = nullptr;    ///< data type, operation, tile, instruction set: "f32-pointwise-6x64-avx512f"
  std::int32_t lanes = 0;        ///< floats in a vector
  std::int32_t max_vectors = 0;  ///< widest panel, in vectors
  void (*run)(const PointwiseArgs&, const Memory&, TileRange) = nullptr;
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

/// Floats of a packed group convolution: the groups * ceil(outputs / lanes) * lanes * (inputs + 1) that pack_pointwise
/// writes, and 32 that a kernel may read behind them.
std::int64_t packed_pointwise_size(std::int32_t groups, std::int32_t inputs, std::int32_t outputs, std::int32_t lanes);

/// Packs weights[o * inputs + i] (o over groups * outputs, i within the group) and bias[o] (or empty).
/// `input_order[h * inputs + k]`: the channel within group h that is read k-th. `output_order[h * outputs + n]`: the
/// channel within group h that is written n-th.
void pack_pointwise(const PointwiseKernel& kernel, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                    std::span<const float> weights, std::span<const float> bias,
                    std::span<const std::int32_t> input_order, std::span<const std::int32_t> output_order,
                    std::span<float> packed);

/// The same equation, straightforwardly, in double: the first witness of every kernel. Takes the unpacked weights in
/// the order in which channels are read and written.
void pointwise_reference(const PointwiseArgs& args, std::span<const float> weights, std::span<const float> bias,
                         const Memory& memory, std::int32_t lanes);

}  // namespace riffle::kernels
