// How a step's work is cut into tiles: enough of them to share out, large enough to reuse what they load.
#pragma once

#include <cstdint>

#include "kernels/kernels.hpp"

namespace riffle::plan {

/// What the choices below are made for, in numbers of the type that a network is computed in. Costs are in numbers that
/// come into L1 from L2; docs/performance.md has the counts that they were chosen by.
struct Machine {
  std::int64_t l1_numbers = 0;     ///< of 32 KiB, which a phone's core and a server's have in common
  std::int64_t line_numbers = 0;   ///< of a cache line
  std::int64_t sum_cost = 6;       ///< a sum that waits in the output between two parts of K: a store and a load
  std::int64_t panel_cost = 1600;  ///< the beginning and end of a panel's pass over a block
};

Machine machine_of(const kernels::Kernels& kernels, Type precision);

struct PointwiseTiling {
  std::int32_t parts = 1;         ///< of K
  std::int32_t block_pixels = 0;  ///< pixels that a part's panels pass over, one after the other
  kernels::PointwiseSplit split = kernels::PointwiseSplit::pixels;
  std::int32_t tile_pixels = 0, tiles = 0;
  std::int32_t tiles_at_once =
      1;  ///< whole register tiles of pixels whose outputs stay in L1 for what runs behind them
};

/// Inputs, in so many runs, and outputs of one of `groups` groups. Chooses the blocks that move least between L1 and
/// what is behind it.
PointwiseTiling tile_pointwise(const Machine& machine, const kernels::PointwiseKernel& kernel, std::int32_t pixels,
                               std::int32_t groups, std::int32_t inputs, std::int32_t runs, std::int32_t outputs);

/// Output rows a tile for an operation that slides over rows of `row_numbers` numbers; at least 1, at most out_h.
std::int32_t tile_rows(const Machine& machine, std::int32_t out_h, std::int64_t row_numbers);

/// Pixels a tile for an operation that touches `pixel_numbers` numbers a pixel.
std::int32_t tile_pixels(const Machine& machine, std::int32_t pixels, std::int64_t pixel_numbers);

inline std::int32_t ceil_div(std::int32_t a, std::int32_t b) { return (a + b - 1) / b; }

}  // namespace riffle::plan
