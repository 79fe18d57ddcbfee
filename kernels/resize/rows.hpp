// What linear resizing's bodies have in common: the rows that each result's row lies between.
#pragma once

#include "kernels/resize/resize.hpp"

namespace riffle::kernels {

/// A row of results of one run, and the rows of the operand around it.
template <class Number>
struct ResizedRow {
  const Number *above, *below;
  float weight;  ///< of the one below
  std::int64_t pixel_stride;
  std::int32_t channels;
  Number* to;
};

/// Calls f(ResizedRow) for each row of the tiles and each run.
template <class Number, class F>
RIFFLE_INLINE void for_resized_rows(const ResizeArgs& args, const Addresses& memory, TileRange range, F&& f) {
  const std::int32_t stop = range.last * args.tile_rows;
  const std::int32_t end = stop < args.extent.out_h ? stop : args.extent.out_h;
  for (std::int32_t y = range.first * args.tile_rows; y < end; ++y) {
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.runs[r].input;
      const Between row = args.rows[y];
      const std::int64_t row_stride = std::int64_t{args.extent.in_w} * run.pixel_stride;
      const Number* const in = memory.read<Number>(run.first);
      Number* const to = memory.write<Number>(args.output.first) + args.runs[r].output_channel +
                         static_cast<std::int64_t>(y) * args.extent.out_w * args.output.pixel_stride;
      f(ResizedRow<Number>{in + row.first * row_stride, in + row.second * row_stride, row.weight, run.pixel_stride,
                           run.channels, to});
    }
  }
}

}  // namespace riffle::kernels
