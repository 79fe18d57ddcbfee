// The body of the stem kernels that multiply by dot products; see stem.hpp for the equation, dot_panels.hpp for the
// packing.
//
// The rows of the planes that an output row reads are rounded and copied, with zeros for what lies outside the image, a
// few kilobytes at a time. The taps of a window are then what a pixel's inputs are to a pointwise convolution.
#pragma once

#include "kernels/pointwise/dots_body.hpp"
#include "kernels/stem/copy_rows.hpp"

namespace riffle::kernels {

/// `In`: what the planes are made of.
template <class S, class In = typename S::Value>
struct StemDots {
  using Value = typename S::Value;
  using Tiles = DotTiles<S>;

  static constexpr std::int32_t at_once = 16;  ///< numbers that are rounded in one round
  /// One window of every row, and what is read behind it.
  static constexpr std::int32_t buffer_numbers = StemKernel::most_rows * (StemKernel::most_columns + 16);

  /// The windows of neighbouring outputs, in copied rows.
  struct Windows {
    const Value* first;  ///< the first row, at the first output's first tap
    std::int32_t rows, row_numbers;
    std::int32_t taps, dilation, stride;

    template <class Inputs>
    RIFFLE_INLINE void operator()(std::int32_t pixel, Inputs& inputs) const {
      const Value* row = first + pixel * stride;
      for (std::int32_t r = 0; r < rows; ++r, row += row_numbers) {
        if (dilation == 1) {
          inputs.add(row, taps);
        } else {
          for (std::int32_t j = 0; j < taps; ++j) inputs.add(row + j * dilation, 1);
        }
      }
    }

    RIFFLE_INLINE bool arrange(std::int32_t pixel, std::int32_t pairs, std::int32_t tiles, std::ptrdiff_t step,
                               Value* to) const {
      if constexpr (Tiles::by_pairs) {
        // The networks' window, on a picture's three planes.
        if (rows == 9 && taps == 3 && dilation == 1 && stride == 2 && step != 0) {
          S::join_windows(pairs, first + pixel * stride, row_numbers, tiles, to);
          return true;
        }
      }
      return false;
    }
  };

  static RIFFLE_INLINE void round_numbers(const In* from, std::int32_t count, Value* to) {
    const auto round = [&](std::int32_t at) __attribute__((always_inline)) {
      simd::unroll<at_once / S::lanes>([&](auto v) __attribute__((always_inline)) {
        S::store(to + at + v * S::lanes, S::load(from + at + v * S::lanes));
      });
    };
    if (count < at_once) {
      for (std::int32_t i = 0; i < count; ++i) to[i] = Value(static_cast<float>(from[i]));
      return;
    }
    for (std::int32_t i = 0; i + at_once <= count; i += at_once) round(i);
    if (count % at_once != 0) round(count - at_once);
  }

  static void run(const StemArgs& args, const Addresses& memory, TileRange range) {
    const Extent& extent = args.extent;
    const Window& window = args.window;
    const std::int32_t rows = args.channels * window.kernel_h;
    const std::int32_t reach = (window.kernel_w - 1) * window.dilation_w + 1;
    const std::int32_t panels = panel_count(args.outputs, S::lanes, S::max_vectors);
    const In* const planes = memory.read<In>(args.input.first);
    alignas(64) Value buffer[buffer_numbers + 64];
    const std::int32_t row_numbers = buffer_numbers / rows / 8 * 8;
    const std::int32_t columns = (row_numbers - 16 - reach) / window.stride_w + 1;  // of outputs, at once
    typename Tiles::Job job{};
    job.memory = &memory;
    job.clamp = &args.clamp;
    job.out_stride = args.output.pixel_stride;
    const std::int32_t end = range.last * args.tile_rows < extent.out_h ? range.last * args.tile_rows : extent.out_h;
    for (std::int32_t y = range.first * args.tile_rows; y < end; ++y) {
      Value* const out =
          memory.write<Value>(args.output.first) + slot(y * extent.out_w, args.output.ring) * job.out_stride;
      for (std::int32_t x = 0; x < extent.out_w; x += columns) {
        const std::int32_t count = extent.out_w - x < columns ? extent.out_w - x : columns;
        copy_rows(args, planes, y, x * window.stride_w - window.pad_left, (count - 1) * window.stride_w + reach,
                  Value{}, buffer, row_numbers, round_numbers);
        job.out = out + x * job.out_stride;
        Tiles::run_panels(job, {args.packed, nullptr, 0, rows * window.kernel_w, args.outputs, args.output.spare}, 0,
                          panels, count, {},
                          Windows{buffer, rows, row_numbers, window.kernel_w, window.dilation_w, window.stride_w});
      }
    }
  }

  static constexpr StemKernel kernel(const char* name) {
    return {name,  {simd::type_of<In>, S::type, S::type}, S::lanes, S::max_vectors, false, run, Tiles::form, false,
            S::dot};
  }
};

}  // namespace riffle::kernels
