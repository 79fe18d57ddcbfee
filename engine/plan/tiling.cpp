#include "engine/plan/tiling.hpp"

#include <algorithm>

namespace riffle::plan {
namespace {

// Tiles that a step should have at least, so that a few threads share it evenly.
constexpr std::int32_t least_tiles = 8;

}  // namespace

PointwiseTiling tile_pointwise(const Machine& machine, std::int32_t pixels, std::int32_t groups, std::int32_t inputs,
                               std::int32_t outputs, std::int32_t panels) {
  const std::int64_t weights = static_cast<std::int64_t>(groups) * inputs * outputs;
  PointwiseTiling tiling;
  if (weights > machine.l2_floats / 4) {
    // The weights are the larger side: each panel is read once and used for all pixels before the next one.
    tiling.tile_pixels = pixels;
    tiling.tile_panels = 1;
  } else {
    // The pixels are: a tile's activations stay in half of L1 while all panels pass over them.
    const std::int64_t in_l1 = machine.l1_floats / 2 / (static_cast<std::int64_t>(groups) * inputs);
    tiling.tile_pixels =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(in_l1 / 8 * 8, 24, pixels < 24 ? 24 : pixels));
    tiling.tile_pixels = std::min(tiling.tile_pixels, std::max(1, pixels));
    tiling.tile_panels = panels;
  }
  const std::int32_t panel_tiles = ceil_div(panels, tiling.tile_panels);
  if (const std::int32_t wanted = ceil_div(least_tiles, panel_tiles); ceil_div(pixels, tiling.tile_pixels) < wanted) {
    tiling.tile_pixels = std::min(pixels, std::max(8, ceil_div(pixels, wanted)));
  }
  tiling.tiles = ceil_div(pixels, tiling.tile_pixels) * panel_tiles;
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
