#include "engine/plan/tiling.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

namespace riffle::plan {
namespace {

// Tiles that a step should have at least, so that a few threads share it evenly.
constexpr std::int32_t least_tiles = 12;
// A part of K is at least so long: a register tile's start and end must not weigh.
constexpr std::int32_t least_inputs = 64;
constexpr std::int32_t max_parts = 16;

}  // namespace

Machine machine_of(const kernels::Kernels& kernels) {
  Machine machine;
  if (!std::string_view(kernels.isa).starts_with("neon")) machine.sum_cost = 16;  // docs/performance.md has the figures
  return machine;
}

PointwiseTiling tile_pointwise(const Machine& machine, const kernels::PointwiseKernel& kernel, std::int32_t pixels,
                               std::int32_t groups, std::int32_t inputs, std::int32_t outputs) {
  const std::int32_t panels = kernels::panel_count(outputs, kernel.lanes, kernel.max_vectors);
  const std::int32_t vectors = ceil_div(ceil_div(outputs, kernel.lanes), panels);  // of the widest panel
  const std::int32_t width = vectors * kernel.lanes, rows = kernel.tile_rows(vectors);
  const std::int64_t x = static_cast<std::int64_t>(pixels) * inputs, w = static_cast<std::int64_t>(inputs) * outputs,
                     out = static_cast<std::int64_t>(pixels) * outputs;
  // A little is always lost to what else passes through.
  const std::int64_t l1 = machine.l1_floats * 7 / 8;

  /// Floats that come into L1, for one group.
  const auto moved = [&](std::int32_t parts, std::int32_t block) {
    const std::int64_t k = ceil_div(inputs, parts), blocks = ceil_div(pixels, block);
    const std::int64_t panel = k * width, tile = static_cast<std::int64_t>(rows) * (k + width);
    const std::int64_t sums = out * parts;
    // All weights stay, and pixels pass.
    if (parts == 1 && w + 2 * tile <= l1) return w + x + sums;
    // A block's part of the inputs stays, and panels pass: each is read once a block.
    if (block * k + panel + tile <= l1) return blocks * w + x + sums;
    // A panel's part stays, and the block passes for every panel.
    if (panel + 2 * tile <= l1) return blocks * w + x * panels + sums;
    // Nothing stays but a register tile's inputs.
    return ceil_div(pixels, rows) * w + x * panels + sums;
  };

  PointwiseTiling tiling;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  const std::int32_t most_parts = std::clamp(inputs / least_inputs, 1, max_parts);
  for (std::int32_t parts = 1; parts <= most_parts; ++parts) {
    for (std::int32_t blocks = 1; blocks <= ceil_div(pixels, rows); ++blocks) {
      const std::int32_t block = ceil_div(ceil_div(pixels, blocks), rows) * rows;
      const std::int64_t cost = moved(parts, block) + out * (parts - 1) * machine.sum_cost;
      if (cost < least) {
        least = cost;
        tiling.parts = parts;
        tiling.block_pixels = block;
      }
    }
  }

  tiling.grain = rows;
  tiling.tiles = ceil_div(pixels, tiling.grain);
  if (tiling.tiles < least_tiles && groups * panels > 1) {
    tiling.split = kernels::PointwiseSplit::panels;
    tiling.tiles = groups * panels;
  }
  return tiling;
}

std::int32_t tile_rows(const Machine& machine, std::int32_t out_h, std::int64_t row_floats) {
  const std::int64_t in_l1 = machine.l1_floats / std::max<std::int64_t>(row_floats, 1);
  const std::int64_t shared = std::max(1, out_h / least_tiles);
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(in_l1, 1, shared));
}

std::int32_t tile_pixels(const Machine& machine, std::int32_t pixels, std::int64_t pixel_floats) {
  const std::int64_t in_l1 = machine.l1_floats / std::max<std::int64_t>(pixel_floats, 1);
  const std::int64_t shared = ceil_div(pixels, least_tiles);
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(in_l1, 1, shared));
}

}  // namespace riffle::plan
