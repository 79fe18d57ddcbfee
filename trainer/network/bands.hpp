// An image under windows, a few rows of outputs at a time, so that what one pass leaves is near for the next.
//
//   rows of x      0 1 2 3 4 5 6 7 ...      3x3, stride 1, bands of 4 outputs
//   first band     i i i i i                in: what its outputs read and no band before
//                  d d d                    done: what no later output reads
//   second band              i i i i
//                        d d d d
//
// Rows are kept in ring buffers (kernels/types.hpp) that hold no more of them than a band and the next have in common
// with it: a whole image would push everything else out of the second-level cache.
#pragma once

#include <algorithm>

#include "kernels/pool/pool.hpp"
#include "trainer/kernels/window.hpp"

namespace riffle::trainer {

struct Band {
  Rows out;   ///< of the outputs
  Rows in;    ///< of the operand: to be read before the outputs are computed
  Rows done;  ///< of the operand: whose gradient is complete behind them
};

class Bands {
 public:
  /// A row of the operand has `row_floats` floats.
  Bands(const Extent& extent, const Window& window, std::int64_t row_floats)
      : extent_(extent),
        window_(window),
        rows_(static_cast<std::int32_t>(
            std::clamp<std::int64_t>(near_floats / (row_floats * window.stride_h), 1, extent.out_h))),
        reach_((window.kernel_h - 1) * window.dilation_h + 1) {}

  /// Rows of the operand from the first that is not done to the last that a band reads.
  [[nodiscard]] std::int32_t in_rows() const {
    const std::int32_t stride = window_.stride_h, behind_last = stride - 1;
    return std::min(extent_.in_h, (rows_ - 1) * stride + std::max(reach_, stride) + behind_last);
  }
  /// Rows of the outputs that read what a band is done with.
  [[nodiscard]] std::int32_t out_rows() const {
    return std::min(extent_.out_h, rows_ + (reach_ - 1) / window_.stride_h);
  }

  /// Calls f(band) for all of an image.
  template <class F>
  void for_each(F&& f) const {
    Band band;
    while (band.out.end < extent_.out_h) {
      band.out = {band.out.end, std::min(band.out.end + rows_, extent_.out_h)};
      const bool last = band.out.end == extent_.out_h;
      const std::int32_t read = (band.out.end - 1) * window_.stride_h - window_.pad_top + reach_;
      const std::int32_t next = band.out.end * window_.stride_h - window_.pad_top;
      band.in = {band.in.end, last ? extent_.in_h : std::clamp(read, band.in.end, extent_.in_h)};
      band.done = {band.done.end, last ? extent_.in_h : std::clamp(next, band.done.end, band.in.end)};
      f(band);
    }
  }

 private:
  static constexpr std::int64_t near_floats = 12 * 1024;  // of the operand

  Extent extent_;
  Window window_;
  std::int32_t rows_, reach_;
};

/// The engine's arguments for pooling the same windows, a row a tile, from `run` to an image's outputs side by side.
inline kernels::PoolArgs pool_args(const WindowArgs& args, const kernels::ChannelwiseRun& run) {
  kernels::PoolArgs pool;
  pool.extent = args.extent;
  pool.window = args.window;
  pool.count_padding = args.count_padding;
  pool.runs = &run;
  pool.run_count = 1;
  pool.output = {kernels::Place{0, kernels::Space::arena}, args.channels, 0};
  pool.tile_rows = 1;
  pool.tiles = args.extent.out_h;
  return pool;
}

/// A ring of rows in memory: row y of an image is its row y modulo `rows`.
struct Ring {
  std::int32_t rows, width;  ///< of an image's rows: pixels
  std::int64_t stride;       ///< floats of a pixel

  [[nodiscard]] std::int32_t pixels() const { return rows * width; }
  [[nodiscard]] std::int64_t floats() const { return pixels() * stride; }

  /// Calls f(first pixel of the image, count, where it is from the ring's start on) for what stands side by side.
  template <class F>
  void for_each(Rows part, F&& f) const {
    while (part.begin < part.end) {
      const std::int32_t at = part.begin % rows, count = std::min(part.end - part.begin, rows - at);
      f(static_cast<std::int64_t>(part.begin) * width, static_cast<std::int64_t>(count) * width, at * width * stride);
      part.begin += count;
    }
  }
};

}  // namespace riffle::trainer
