// The body of the pooling kernels of bytes; see pool.hpp for the equations.
//
// Plain loops over neighbouring channels without a branch, which compilers make vectors of.
#pragma once

#include "kernels/pool/reduction.hpp"
#include "kernels/simd/bytes.hpp"

namespace riffle::kernels {

template <class B>
struct PoolingBytes {
  using Byte = typename B::Byte;

  /// Channels whose sums wait together.
  static constexpr std::int32_t chunk = 64;

  /// To the nearest integer within the bounds, ties to even.
  static RIFFLE_INLINE Byte finished(std::int32_t sum, float factor, const Clamp& clamp, std::int32_t zero) {
    const float scaled = static_cast<float>(sum) * factor;
    const float above = scaled > clamp.lower ? scaled : clamp.lower;
    return static_cast<Byte>(simd::ScalarBytes::round_small(above < clamp.upper ? above : clamp.upper) + zero);
  }

  /// The taps of one output, of `count` channels.
  template <bool Max>
  static RIFFLE_INLINE void pool(const PoolArgs& args, const Byte* in, const ChannelRun& run, std::int32_t y,
                                 std::int32_t x, const PoolTaps& tall, const PoolTaps& wide, std::int32_t count,
                                 Byte* __restrict to) {
    const Window& window = args.window;
    using Reduced = std::conditional_t<Max, Byte, std::int32_t>;
    Reduced reduced[chunk];
    const std::int32_t taps = (tall.end - tall.begin) * (wide.end - wide.begin);
    for (std::int32_t c = 0; c < count; ++c) {
      reduced[c] = Max ? std::numeric_limits<Byte>::min() : static_cast<Reduced>(-taps * args.zeros.input);
    }
    for (std::int32_t i = tall.begin; i < tall.end; ++i) {
      const std::int32_t row = y * window.stride_h - window.pad_top + i * window.dilation_h;
      const std::ptrdiff_t first = slot(row * args.extent.in_w, run.ring);
      for (std::int32_t j = wide.begin; j < wide.end; ++j) {
        const std::int32_t column = x * window.stride_w - window.pad_left + j * window.dilation_w;
        const Byte* const from = in + (first + column) * run.pixel_stride;
        for (std::int32_t c = 0; c < count; ++c) {
          if constexpr (Max) {
            reduced[c] = reduced[c] > from[c] ? reduced[c] : from[c];
          } else {
            reduced[c] += from[c];
          }
        }
      }
    }
    if constexpr (Max) {
      const auto lower = static_cast<Byte>(static_cast<std::int32_t>(args.clamp.lower) + args.zeros.output);
      const auto upper = static_cast<Byte>(static_cast<std::int32_t>(args.clamp.upper) + args.zeros.output);
      for (std::int32_t c = 0; c < count; ++c) {
        const Byte above = reduced[c] > lower ? reduced[c] : lower;
        to[c] = above < upper ? above : upper;
      }
    } else {
      const Clamp clamp = args.clamp;
      const std::int32_t zero = args.zeros.output;
      const float factor = mean_factor(args.scale, tall.counted * wide.counted);
      for (std::int32_t c = 0; c < count; ++c) to[c] = finished(reduced[c], factor, clamp, zero);
    }
  }

  template <bool Max>
  static void run(const PoolArgs& args, const Addresses& memory, TileRange range) {
    const std::int32_t end =
        range.last * args.tile_rows < args.extent.out_h ? range.last * args.tile_rows : args.extent.out_h;
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.runs[r].input;
      const Byte* const in = memory.read<Byte>(run.first);
      Byte* const out = memory.write<Byte>(args.output.first) + args.runs[r].output_channel;
      for (std::int32_t y = range.first * args.tile_rows; y < end; ++y) {
        const PoolTaps tall = tap_rows(args, y);
        const std::ptrdiff_t row = slot(y * args.extent.out_w, args.output.ring);
        for (std::int32_t x = 0; x < args.extent.out_w; ++x) {
          const PoolTaps wide = tap_columns(args, x);
          Byte* const to = out + (row + x) * args.output.pixel_stride;
          for (std::int32_t c = 0; c < run.channels; c += chunk) {
            const std::int32_t count = run.channels - c < chunk ? run.channels - c : chunk;
            pool<Max>(args, in + c, run, y, x, tall, wide, count, to + c);
          }
        }
      }
    }
  }

  static void global_average(const GlobalAveragePoolArgs& args, const Addresses& memory, TileRange range) {
    const float factor = mean_factor(args.scale, args.pixels);
    std::int64_t chunks = 0;
    for (std::int32_t r = 0; r < args.run_count; ++r) chunks += (args.runs[r].input.channels + chunk - 1) / chunk;
    std::int64_t at = 0, first = chunks * range.first / args.tiles, last = chunks * range.last / args.tiles;
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.runs[r].input;
      for (std::int32_t c = 0; c < run.channels; c += chunk, ++at) {
        if (at < first || at >= last) continue;
        const std::int32_t count = run.channels - c < chunk ? run.channels - c : chunk;
        const Byte* from = memory.read<Byte>(run.first) + c;
        std::int32_t sums[chunk];
        for (std::int32_t i = 0; i < count; ++i) sums[i] = -args.pixels * args.zeros.input;
        for (std::int32_t p = 0; p < args.pixels; ++p, from += run.pixel_stride) {
          for (std::int32_t i = 0; i < count; ++i) sums[i] += from[i];
        }
        Byte* const to = memory.write<Byte>(args.output.first) + args.runs[r].output_channel + c;
        for (std::int32_t i = 0; i < count; ++i) to[i] = finished(sums[i], factor, args.clamp, args.zeros.output);
      }
    }
  }

  static constexpr PoolKernel kernel(const char* name) {
    return {name, {B::byte_type, Type::f32, B::byte_type}, B::lanes, run<true>, run<false>, global_average};
  }
};

}  // namespace riffle::kernels
