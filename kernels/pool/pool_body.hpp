// The pooling kernels: which rows and channels go which way; see pool.hpp for the equations.
//
// A vector is S::lanes channels of one pixel. 3x3 windows with stride 2 have ways of their own.
#pragma once

#include "kernels/pool/global_average_body.hpp"
#include "kernels/pool/row_body.hpp"
#include "kernels/pool/rows_3x3_body.hpp"
#include "kernels/pool/window_body.hpp"

namespace riffle::kernels {

/// `Sums`: what the global mean is made with.
template <class S, class Sums = S>
struct Pooling {
  using Value = typename S::Value;

  template <bool Max>
  static void run(const PoolArgs& args, const Addresses& memory, TileRange range) {
    const Window& window = args.window;
    const bool fast = has_rows_3x3(window);
    [[maybe_unused]] const PoolRowOutputs inside(args, Max);
    for (std::int32_t t = range.first; t < range.last; ++t) {
      const std::int32_t y0 = t * args.tile_rows;
      const std::int32_t y1 = args.extent.out_h - y0 < args.tile_rows ? args.extent.out_h : y0 + args.tile_rows;
      // A few rows for all channels before the next: what the channels' vectors share of a cache line stays in L1.
      for (std::int32_t y = y0; y < y1; ++y) {
        const std::int32_t top = y * 2 - window.pad_top;
        const bool two = has_pool_row<S> && fast && inside.begin < inside.end && top >= 0 && top + 2 < args.extent.in_h;
        for (std::int32_t r = 0; r < args.run_count; ++r) {
          const ChannelRun& input = args.runs[r].input;
          const Value* const in = memory.read<Value>(input.first);
          Value* const out = memory.write<Value>(args.output.first) + args.runs[r].output_channel;
          for (std::int32_t begin = 0; begin < input.channels; begin += S::lanes) {
            // The last vector ends at the run's last channel: it repeats channels of the one before.
            const std::int32_t c = begin + S::lanes <= input.channels ? begin
                                   : input.channels >= S::lanes       ? input.channels - S::lanes
                                                                      : 0;
            const int count = input.channels < S::lanes ? input.channels : S::lanes;
            const PoolJob<Value> job{&args, in + c, input.pixel_stride, input.ring, out + c, args.output.pixel_stride,
                                     count};
            if constexpr (has_pool_row<S>) {
              if (two && begin + 2 * S::lanes <= input.channels) {
                pool_two_vectors<S, Max>(job, y, inside);
                begin += S::lanes;
                continue;
              }
            }
            if constexpr (!simd::one_variant<S, has_pool_row<S>>) {
              if (fast && count == S::lanes) {
                pool_row_3x3<S, Max>(job, y);
                continue;
              }
            }
            if (count < S::lanes || simd::one_variant<S, has_pool_row<S>>) {
              pool_row_of_windows<S, Max, true>(job, y);
            } else {
              pool_row_of_windows<S, Max, false>(job, y);
            }
          }
        }
      }
    }
  }

  static constexpr PoolKernel kernel(const char* name) {
    return {name, {S::type, Type::f32, S::type}, S::lanes, run<true>, run<false>, global_average<Sums>};
  }
};

}  // namespace riffle::kernels
