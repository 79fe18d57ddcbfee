// The loops around the register tiles of a pointwise kernel, of any numbers.
#pragma once

#include "kernels/pointwise/pointwise.hpp"

namespace riffle::kernels {

/// Calls f(group, first panel, last panel, first pixel, last pixel) for the blocks of a range of tiles; a block's
/// pixels straddle no ring's end. S: lanes and max_vectors. tile_rows(vectors): pixels of a register tile.
template <class S, class Rows, class F>
RIFFLE_INLINE void for_each_block(const PointwiseArgs& args, TileRange range, Rows&& tile_rows, F&& f) {
  const std::int32_t panels = panel_count(args.outputs, S::lanes, S::max_vectors);
  if (args.split == PointwiseSplit::panels) {
    for (std::int32_t begin = 0; begin < args.pixels; begin += args.block_pixels) {
      const std::int32_t end = args.pixels - begin < args.block_pixels ? args.pixels : begin + args.block_pixels;
      for (std::int32_t t = range.first; t < range.last;) {
        const std::int32_t group = t / panels, first = t % panels;
        const std::int32_t last = panels - first < range.last - t ? panels : first + range.last - t;
        f(group, first, last, begin, end);
        t += last - first;
      }
    }
    return;
  }
  const std::int32_t vectors = (args.outputs + S::lanes - 1) / S::lanes,
                     rows = tile_rows((vectors + panels - 1) / panels);
  const std::int32_t stop = range.last * args.tile_pixels < args.pixels ? range.last * args.tile_pixels : args.pixels;
  for (std::int32_t begin = range.first * args.tile_pixels, end; begin < stop; begin = end) {
    // The blocks that are left are cut evenly, in whole register tiles.
    const std::int32_t left = stop - begin, blocks = (left + args.block_pixels - 1) / args.block_pixels;
    end = begin + (left + blocks * rows - 1) / (blocks * rows) * rows;
    if (end > stop) end = stop;
    for (std::int32_t group = 0; group < args.groups; ++group) {
      if (const std::int32_t ring = args.blocks[group].ring; ring != 0 && end - begin > ring - begin % ring) {
        end = begin + ring - begin % ring;
      }
    }
    for (std::int32_t group = 0; group < args.groups; ++group) f(group, 0, panels, begin, end);
  }
}

}  // namespace riffle::kernels
