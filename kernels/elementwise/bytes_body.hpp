// The body of the elementwise kernels of bytes; see elementwise.hpp for the equation.
//
// Plain loops without a branch, which compilers make vectors of.
#pragma once

#include "kernels/elementwise/elementwise.hpp"
#include "kernels/pool/bytes_body.hpp"

namespace riffle::kernels {

template <class B>
struct ElementwiseBytes {
  using Byte = typename B::Byte;

  static RIFFLE_INLINE Byte finished(std::int32_t x, float factor, const Clamp& clamp, std::int32_t zero) {
    return PoolingBytes<B>::finished(x, factor, clamp, zero);
  }

  template <BinaryKind Kind>
  static RIFFLE_INLINE std::int32_t combined(std::int32_t a, std::int32_t b) {
    if constexpr (Kind == BinaryKind::subtract) return a - b;
    if constexpr (Kind == BinaryKind::multiply) return a * b;
    if constexpr (Kind == BinaryKind::maximum) return a > b ? a : b;
    if constexpr (Kind == BinaryKind::minimum) return a < b ? a : b;
    return a + b;
  }

  static void run_one(const ElementwiseArgs& args, const Addresses& memory, std::int32_t begin, std::int32_t end) {
    const Clamp clamp = args.clamp;
    const float factor = args.factor;
    const std::int32_t zero = args.zeros.output, zero_a = args.zeros.input;
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun run = args.a[r].input;  // a copy, which no store can be taken to change
      const Byte* from = memory.read<Byte>(run.first) + std::int64_t{begin} * run.pixel_stride;
      Byte* __restrict to = memory.write<Byte>(args.output.first) + args.a[r].output_channel +
                            std::int64_t{begin} * args.output.pixel_stride;
      for (std::int32_t p = begin; p < end; ++p, from += run.pixel_stride, to += args.output.pixel_stride) {
        for (std::int32_t c = 0; c < run.channels; ++c) to[c] = finished(from[c] - zero_a, factor, clamp, zero);
      }
    }
  }

  /// Of an operand, the first channel of the result's pixel.
  static RIFFLE_INLINE const Byte* at(const Byte* operand, const PixelSteps& steps, const ChannelRun& run,
                                      std::int32_t pixel, std::int32_t width) {
    const std::int64_t from = std::int64_t{pixel / width} * steps.row + std::int64_t{pixel % width} * steps.column;
    return operand + from * run.pixel_stride;
  }

  template <BinaryKind Kind>
  static void run_two(const ElementwiseArgs& args, const Addresses& memory, std::int32_t begin, std::int32_t end) {
    const Clamp clamp = args.clamp;
    const float factor = args.factor;
    const std::int32_t zero = args.zeros.output, zero_a = args.zeros.input, zero_b = args.zeros.residual;
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun &run_a = args.a[r].input, &run_b = args.b[r];
      const std::int32_t channels = channels_of(args, r);
      const bool one_a = run_a.channels < channels, one_b = run_b.channels < channels;
      const Byte *const first_a = memory.read<Byte>(run_a.first), *const first_b = memory.read<Byte>(run_b.first);
      Byte* const out = memory.write<Byte>(args.output.first) + args.a[r].output_channel;
      for (std::int32_t p = begin; p < end; ++p) {
        const Byte* const a = at(first_a, args.a_steps, run_a, p, args.width);
        const Byte* const b = at(first_b, args.b_steps, run_b, p, args.width);
        Byte* __restrict const to = out + std::int64_t{p} * args.output.pixel_stride;
        const auto combine = [&](auto&& number_a, auto&& number_b) __attribute__((always_inline)) {
          for (std::int32_t c = 0; c < channels; ++c) {
            to[c] = finished(combined<Kind>(number_a(c), number_b(c)), factor, clamp, zero);
          }
        };
        const std::int32_t all_a = a[0] - zero_a, all_b = b[0] - zero_b;
        const auto each_a = [&](std::int32_t c) __attribute__((always_inline)) { return a[c] - zero_a; };
        const auto each_b = [&](std::int32_t c) __attribute__((always_inline)) { return b[c] - zero_b; };
        if (one_a) {
          combine(
              [&](std::int32_t) __attribute__((always_inline)) { return all_a; }, each_b);
        } else if (one_b) {
          combine(
              each_a, [&](std::int32_t) __attribute__((always_inline)) { return all_b; });
        } else {
          combine(each_a, each_b);
        }
      }
    }
  }

  static void run(const ElementwiseArgs& args, const Addresses& memory, TileRange range) {
    const std::int32_t stop = range.last * args.tile_pixels;
    const std::int32_t begin = range.first * args.tile_pixels, end = stop < args.pixels ? stop : args.pixels;
    if (args.b == nullptr) return run_one(args, memory, begin, end);
    switch (args.kind) {
#if RIFFLE_HAS_BINARY
      case BinaryKind::subtract:
        return run_two<BinaryKind::subtract>(args, memory, begin, end);
      case BinaryKind::multiply:
        return run_two<BinaryKind::multiply>(args, memory, begin, end);
      case BinaryKind::maximum:
        return run_two<BinaryKind::maximum>(args, memory, begin, end);
      case BinaryKind::minimum:
        return run_two<BinaryKind::minimum>(args, memory, begin, end);
#endif
      default:  // no other kind is of integers
        return run_two<BinaryKind::add>(args, memory, begin, end);
    }
  }

  static constexpr ElementwiseKernel kernel(const char* name) {
    return {name, {B::byte_type, Type::f32, B::byte_type}, B::lanes, run};
  }
};

}  // namespace riffle::kernels
