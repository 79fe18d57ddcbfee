// What runs on results as soon as they are written: the function of an activation (kernels/function).
#pragma once

#include <algorithm>

#include "kernels/kernels.hpp"

namespace riffle::plan {

/// What tiles write: `channels` neighbouring channels of `pixels` pixels of a block from pixel `first` on, of which
/// the first is channel `channel` of the step's result, in the order in which it stands in its blocks.
struct Written {
  kernels::Block block;
  std::int32_t first = 0, pixels = 0, channels = 0, channel = 0;
};

/// A function of each number that a step writes.
struct After {
  kernels::FunctionArgs function = {};              ///< slopes in the order of the result's channels in its blocks
  const kernels::FunctionKernel* kernel = nullptr;  ///< null: nothing is to be done
  std::int32_t channels = 0;                        ///< of the step's result
  /// Of a step whose tiles are some of the channels: how many of them such a tile is counted in, a pointwise kernel's
  /// lanes or a fully connected one's rows.
  std::int32_t unit = 0;
  /// Tiles that the kernel does before the function runs on them: what they write is in the cache then, and a tile that
  /// is a single pixel does not go through the kernel alone. 1 of a step whose tiles are some of the channels.
  std::int32_t tiles_at_once = 1;

  void run(const kernels::Addresses& memory, const Written& written) const;
};

// One function for each way in which a step's tiles cut its result; each calls f(Written) for a few of them.

/// Rows, all channels.
template <class Args, class F>
requires requires(Args args) { args.tile_rows, args.output.ring; }
void for_each_written(const Args& args, const After& after, kernels::TileRange tiles, F&& f) {
  const std::int32_t first = tiles.first * args.tile_rows;
  const std::int32_t rows = std::min(tiles.last * args.tile_rows, args.extent.out_h) - first;
  f(Written{args.output, first * args.extent.out_w, rows * args.extent.out_w, after.channels});
}

template <class F>
void for_each_written(const kernels::ElementwiseArgs& args, const After& after, kernels::TileRange tiles, F&& f) {
  const std::int32_t first = tiles.first * args.tile_pixels;
  f(Written{args.output, first, std::min(tiles.last * args.tile_pixels, args.pixels) - first, after.channels});
}

template <class F>
void for_each_written(const kernels::PointwiseArgs& args, const After& after, kernels::TileRange tiles, F&& f) {
  if (args.split == kernels::PointwiseSplit::pixels) {
    const std::int32_t first = tiles.first * args.tile_pixels;
    const std::int32_t pixels = std::min(tiles.last * args.tile_pixels, args.pixels) - first;
    for (std::int32_t group = 0; group < args.groups; ++group) {
      f(Written{args.blocks[group], first, pixels, args.outputs, group * args.outputs});
    }
    return;
  }
  const std::int32_t tile = tiles.first;
  const std::int32_t panels = args.tiles / args.groups, vectors = (args.outputs + after.unit - 1) / after.unit;
  const std::int32_t begin = kernels::panel_begin(tile % panels, vectors, panels) * after.unit;
  const std::int32_t end =
      std::min(kernels::panel_begin(tile % panels + 1, vectors, panels) * after.unit, args.outputs);
  const std::int32_t group = tile / panels;
  kernels::Block block = args.blocks[group];
  block.first = block.first.behind(begin, block.type);
  f(Written{block, 0, args.pixels, end - begin, group * args.outputs + begin});
}

/// One tile, for a step that has a function behind it.
template <class F>
void for_each_written(const kernels::GlobalAveragePoolArgs& args, const After& after, kernels::TileRange, F&& f) {
  f(Written{args.output, 0, 1, after.channels});
}

template <class F>
void for_each_written(const kernels::FullyConnectedArgs& args, const After& after, kernels::TileRange tiles, F&& f) {
  const std::int32_t first = tiles.first * after.unit;
  const Type type = args.output.type;
  const std::int32_t outputs = std::min(after.unit, args.outputs - first);
  f(Written{.block = {.first = args.output.first.behind(first, type), .type = type},
            .pixels = 1,
            .channels = outputs,
            .channel = first});
}

}  // namespace riffle::plan
