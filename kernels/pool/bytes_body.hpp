// The body of the pooling kernels of bytes; see pool.hpp for the equations.
//
// Means are plain loops over neighbouring channels without a branch, which compilers make vectors of.
#pragma once

#include <type_traits>

#include "kernels/pool/reduction.hpp"
#include "kernels/simd/bytes.hpp"

namespace riffle::kernels {

/// Sixteen bytes, which compilers know how to compare.
using SixteenU8 = std::uint8_t __attribute__((vector_size(16)));
using SixteenI8 = std::int8_t __attribute__((vector_size(16)));

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

  /// Calls f(the first channel of a tap) for the taps of output (y, x) that are inside the image.
  template <class F>
  static RIFFLE_INLINE void for_taps(const PoolArgs& args, const Byte* in, const ChannelRun& run, std::int32_t y,
                                     std::int32_t x, const PoolTaps& tall, const PoolTaps& wide, F&& f) {
    const Window& window = args.window;
    const std::ptrdiff_t stride = run.pixel_stride, step = window.dilation_w * stride;
    const std::int32_t left = x * window.stride_w - window.pad_left + wide.begin * window.dilation_w;
    for (std::int32_t i = tall.begin; i < tall.end; ++i) {
      const std::int32_t row = y * window.stride_h - window.pad_top + i * window.dilation_h;
      const Byte* from = in + (slot(row * args.extent.in_w, run.ring) + left) * stride;
      for (std::int32_t j = wide.begin; j < wide.end; ++j, from += step) f(from);
    }
  }

  using Bytes = std::conditional_t<std::is_same_v<Byte, std::uint8_t>, SixteenU8, SixteenI8>;
  static RIFFLE_INLINE Bytes load(const Byte* from) {
    Bytes result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
  }
  static RIFFLE_INLINE Bytes max(Bytes a, Bytes b) { return a > b ? a : b; }

  /// The largest taps of one output.
  static RIFFLE_INLINE void largest(const PoolArgs& args, const Byte* in, const ChannelRun& run, std::int32_t y,
                                    std::int32_t x, const PoolTaps& tall, const PoolTaps& wide, Byte* to) {
    constexpr std::int32_t together = sizeof(Bytes);
    const simd::StoredBounds<Byte> bounds(args.clamp, args.zeros);
    const Byte lower = bounds.lower, upper = bounds.upper;
    if (run.channels < together) {
      for (std::int32_t c = 0; c < run.channels; ++c) {
        Byte most = lower;
        for_taps(
            args, in, run, y, x, tall,
            wide, [&](const Byte* from) __attribute__((always_inline)) { most = from[c] > most ? from[c] : most; });
        to[c] = most < upper ? most : upper;
      }
      return;
    }
    const Bytes least = lower - Bytes{}, all_upper = upper - Bytes{};
    for (std::int32_t begin = 0; begin < run.channels; begin += together) {
      // The last ones take some channels of those before.
      const std::int32_t c = begin + together <= run.channels ? begin : run.channels - together;
      Bytes most = least;
      for_taps(
          args, in + c, run, y, x, tall,
          wide, [&](const Byte* from) __attribute__((always_inline)) { most = max(most, load(from)); });
      most = most < all_upper ? most : all_upper;
      __builtin_memcpy(to + c, &most, sizeof most);
    }
  }

  /// The means of one output. Sum: what holds the sum of its taps.
  template <class Sum>
  static RIFFLE_INLINE void means(const PoolArgs& args, const Byte* in, const ChannelRun& run, std::int32_t y,
                                  std::int32_t x, const PoolTaps& tall, const PoolTaps& wide, Byte* to) {
    const std::int32_t taps = (tall.end - tall.begin) * (wide.end - wide.begin), zero = args.zeros.output;
    const std::int32_t zeros = taps * args.zeros.input;
    const Clamp clamp = args.clamp;
    const float factor = mean_factor(args.scale, tall.counted * wide.counted);
    for (std::int32_t begin = 0; begin < run.channels; begin += chunk) {
      const std::int32_t count = run.channels - begin < chunk ? run.channels - begin : chunk;
      Sum sums[chunk];
      for (std::int32_t c = 0; c < count; ++c) sums[c] = 0;
      for_taps(
          args, in + begin, run, y, x, tall, wide, [&](const Byte* from) __attribute__((always_inline)) {
            for (std::int32_t c = 0; c < count; ++c) sums[c] = static_cast<Sum>(sums[c] + from[c]);
          });
      for (std::int32_t c = 0; c < count; ++c) to[begin + c] = finished(sums[c] - zeros, factor, clamp, zero);
    }
  }

  /// Outputs [first, last) of a row of a 3x3 window, as the networks have it, all of whose columns are inside the
  /// image. rows: the taps' rows at output 0's first column, which may lie outside. A column's three taps are joined
  /// once for all outputs that it is a part of.
  template <bool Max, int Stride>
  static RIFFLE_INLINE void middle(const PoolArgs& args, const Byte* const (&rows)[3], const ChannelRun& run,
                                   std::int32_t first, std::int32_t last, float factor, Byte* to) {
    using Words = std::int16_t __attribute__((vector_size(32)));
    using Column = std::conditional_t<Max, Bytes, Words>;
    // By reference: what is wider than the registers may not be handed over otherwise.
    const auto join = [](Column & a, const Column& b) __attribute__((always_inline)) {
      if constexpr (Max) {
        a = max(a, b);
      } else {
        a += b;
      }
    };
    constexpr std::int32_t together = sizeof(Bytes), kept = 3 - Stride;
    const std::ptrdiff_t stride = run.pixel_stride, out_stride = args.output.pixel_stride;
    const simd::StoredBounds<Byte> bounds(args.clamp, args.zeros);
    const Bytes lower = bounds.lower - Bytes{}, upper = bounds.upper - Bytes{};
    const std::int32_t zeros = 9 * args.zeros.input, zero = args.zeros.output;
    const Clamp clamp = args.clamp;
    for (std::int32_t begin = 0; begin < run.channels; begin += together) {
      // The last ones take some channels of those before.
      const std::int32_t c = begin + together <= run.channels ? begin : run.channels - together;
      std::ptrdiff_t at = std::ptrdiff_t{first} * Stride * stride + c;
      const auto next = [&](Column & column) __attribute__((always_inline)) {
        column = __builtin_convertvector(load(rows[0] + at), Column);
        join(column, __builtin_convertvector(load(rows[1] + at), Column));
        join(column, __builtin_convertvector(load(rows[2] + at), Column));
        at += stride;
      };
      Column columns[3];
      for (int i = 0; i < kept; ++i) next(columns[i]);
      Byte* out = to + first * out_stride + c;
      for (std::int32_t x = first; x < last; ++x, out += out_stride) {
        simd::unroll<Stride>([&](auto i) __attribute__((always_inline)) { next(columns[kept + i]); });
        Column joined = columns[0];
        join(joined, columns[1]);
        join(joined, columns[2]);
        simd::unroll<kept>([&](auto i) __attribute__((always_inline)) { columns[i] = columns[Stride + i]; });
        if constexpr (Max) {
          const Bytes above = max(joined, lower), result = above < upper ? above : upper;
          __builtin_memcpy(out, &result, sizeof result);
        } else {
          for (std::int32_t i = 0; i < together; ++i) out[i] = finished(joined[i] - zeros, factor, clamp, zero);
        }
      }
    }
  }

  /// The part of row y that middle() computes, and where it ends: outputs [first, last).
  struct Middle {
    std::int32_t first = 0, last = 0;
  };
  template <bool Max>
  static RIFFLE_INLINE Middle run_middle(const PoolArgs& args, const Byte* in, const ChannelRun& run, std::int32_t y,
                                         const PoolTaps& tall, Byte* to) {
    const Window& window = args.window;
    const bool has_rows = tall.begin == 0 && tall.end == 3;
    if (window.kernel_h != 3 || window.kernel_w != 3 || window.dilation_h != 1 || window.dilation_w != 1 ||
        window.stride_w > 2 || run.channels < static_cast<std::int32_t>(sizeof(Bytes)) || (!Max && !has_rows)) {
      return {};
    }
    const Byte* rows[3];
    for (std::int32_t i = 0; i < 3; ++i) {
      // A row outside is one of those inside: it is no larger than itself.
      const std::int32_t tap = i < tall.begin ? tall.begin : i < tall.end ? i : tall.end - 1;
      const std::int32_t row = y * window.stride_h - window.pad_top + tap;
      rows[i] = in + (slot(row * args.extent.in_w, run.ring) - window.pad_left) * run.pixel_stride;
    }
    Middle middle_of;
    middle_of.first = (window.pad_left + window.stride_w - 1) / window.stride_w;
    const std::int32_t room = args.extent.in_w + window.pad_left - 3;  // of the last window's first column
    middle_of.last = room < 0 ? 0 : room / window.stride_w + 1;
    if (middle_of.last > args.extent.out_w) middle_of.last = args.extent.out_w;
    if (middle_of.last <= middle_of.first) return {};
    const float factor = Max ? 1.0F : mean_factor(args.scale, 9);
    if (window.stride_w == 1) {
      middle<Max, 1>(args, rows, run, middle_of.first, middle_of.last, factor, to);
    } else {
      middle<Max, 2>(args, rows, run, middle_of.first, middle_of.last, factor, to);
    }
    return middle_of;
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
        const Middle done = run_middle<Max>(args, in, run, y, tall, out + row * args.output.pixel_stride);
        for (std::int32_t x = done.first == 0 ? done.last : 0; x < args.extent.out_w;
             x = x + 1 == done.first ? done.last : x + 1) {
          const PoolTaps wide = tap_columns(args, x);
          Byte* const to = out + (row + x) * args.output.pixel_stride;
          if constexpr (Max) {
            largest(args, in, run, y, x, tall, wide, to);
          } else {
            // Sums of so few taps fit 16 bits: twice as many in a vector.
            constexpr std::int32_t few = 128;
            if ((tall.end - tall.begin) * (wide.end - wide.begin) <= few) {
              means<std::int16_t>(args, in, run, y, x, tall, wide, to);
            } else {
              means<std::int32_t>(args, in, run, y, x, tall, wide, to);
            }
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
