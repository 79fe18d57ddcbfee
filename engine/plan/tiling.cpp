#include "engine/plan/tiling.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

namespace riffle::plan {
namespace {

// Tiles that a step should have at least, so that a few threads share it evenly.
constexpr std::int32_t least_tiles = 12;
// Pixels from which on they are shared out, and weights from which on it is the panels.
constexpr std::int32_t least_pixels = 16;
constexpr std::int64_t large_weights = 32;  // times what L1 holds
// A part of K is at least so long: a register tile's start and end must not weigh.
constexpr std::int32_t least_inputs = 64;
constexpr std::int32_t max_parts = 16;

}  // namespace

Machine machine_of(const kernels::Kernels& kernels, Type precision) {
  Machine machine;
  machine.l1_numbers = 32 * 1024 / size_of(precision);
  machine.line_numbers = 64 / size_of(precision);
  // A server's core hides its way to L2: parts of K only cost.
  if (!std::string_view(kernels.isa).starts_with("neon")) machine.sum_cost = 64;
  return machine;
}

PointwiseTiling tile_pointwise(const Machine& machine, const kernels::PointwiseKernel& kernel, std::int32_t pixels,
                               std::int32_t groups, std::int32_t inputs, std::int32_t runs, std::int32_t outputs) {
  const std::int32_t panels = kernels::panel_count(outputs, kernel.lanes, kernel.max_vectors);
  const std::int32_t vectors = ceil_div(ceil_div(outputs, kernel.lanes), panels);  // of the widest panel
  const std::int32_t width = vectors * kernel.lanes, rows = kernel.tile_rows(vectors);
  // A run's ends share cache lines with what is not read.
  const std::int64_t pixel_numbers = inputs + static_cast<std::int64_t>(runs) * (machine.line_numbers - 1);
  const std::int64_t x = pixels * pixel_numbers, w = static_cast<std::int64_t>(inputs) * outputs,
                     out = static_cast<std::int64_t>(pixels) * outputs;
  // A little is always lost to what else passes through.
  const std::int64_t l1 = machine.l1_numbers * 7 / 8;

  /// Numbers that come into L1, for one group.
  const auto moved = [&](std::int32_t parts, std::int32_t block) {
    const std::int64_t k = ceil_div(inputs, parts), blocks = ceil_div(pixels, block);
    const std::int64_t k_lines = pixel_numbers / parts, panel = k * width, tile = rows * (k_lines + width);
    const std::int64_t sums = out * parts;
    // All weights stay, and blocks pass.
    if (parts == 1 && w + 2 * block * k_lines + block * outputs <= l1) return w + x + sums;
    // A block's part of the inputs stays, and panels pass with what they write: each is read once a block.
    if (block * k_lines + panel + block * width <= l1) return blocks * w + x + sums;
    // A panel's part stays, and the block passes for every panel.
    if (panel + 2 * tile <= l1) return blocks * w + x * panels + sums;
    // Nothing stays but a register tile's inputs.
    return ceil_div(pixels, rows) * w + x * panels + sums;
  };

  PointwiseTiling tiling;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  // Bytes have no room for sums that wait, and bf16 would round them.
  const bool has_parts = !is_quantised(kernel.types.input) && kernel.dot == 1;
  const std::int32_t most_parts = has_parts ? std::clamp(inputs / least_inputs, 1, max_parts) : 1;
  for (std::int32_t parts = 1; parts <= most_parts; ++parts) {
    // Many blocks differ little from one more: huge images take no longer to plan.
    for (std::int32_t blocks = 1; blocks <= ceil_div(pixels, rows); blocks += 1 + blocks / 32) {
      const std::int32_t block = ceil_div(ceil_div(pixels, blocks), rows) * rows;
      const std::int64_t cost = moved(parts, block) + out * (parts - 1) * machine.sum_cost +
                                static_cast<std::int64_t>(blocks) * panels * parts * machine.panel_cost;
      if (cost < least) {
        least = cost;
        tiling.parts = parts;
        tiling.block_pixels = block;
      }
    }
  }

  // Pixels are shared out one by one: a worker's share is cut into register tiles of even height. Weights that fill a
  // core's caches are shared out instead of being read by every worker.
  tiling.tile_pixels = 1;
  tiling.tiles = pixels;
  const std::int64_t tiles_in_l1 = l1 / 2 / (static_cast<std::int64_t>(groups) * outputs * rows);
  tiling.tiles_at_once =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(tiles_in_l1, 1, ceil_div(tiling.block_pixels, rows))) * rows;
  if (groups * panels > 1 && (pixels < least_pixels || groups * w > large_weights * machine.l1_numbers)) {
    tiling.split = kernels::PointwiseSplit::panels;
    tiling.tiles = groups * panels;
    tiling.tiles_at_once = 1;
  }
  return tiling;
}

std::int32_t tile_rows(const Machine& machine, std::int32_t out_h, std::int64_t row_numbers) {
  const std::int64_t in_l1 = machine.l1_numbers / std::max<std::int64_t>(row_numbers, 1);
  const std::int64_t shared = std::max(1, out_h / least_tiles);
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(in_l1, 1, shared));
}

std::int32_t tile_pixels(const Machine& machine, std::int32_t pixels, std::int64_t pixel_numbers) {
  const std::int64_t in_l1 = machine.l1_numbers / std::max<std::int64_t>(pixel_numbers, 1);
  const std::int64_t shared = ceil_div(pixels, least_tiles);
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(in_l1, 1, shared));
}

}  // namespace riffle::plan
