// The one body of the element-wise kernel; see elementwise.hpp for the equation.
#pragma once

#include "kernels/elementwise/elementwise.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

template <class S>
struct Elementwise {
  using Vec = typename S::Vec;
  using Value = typename S::Value;

  static RIFFLE_INLINE Vec negative(Vec x) { return S::mul(x, S::broadcast(-1.0F)); }

  /// Number by number: it is rare.
  static RIFFLE_INLINE Vec power(Vec a, Vec b) {
    alignas(64) Value base[S::lanes], exponent[S::lanes];
    S::store(base, a);
    S::store(exponent, b);
    for (int i = 0; i < S::lanes; ++i) {
      base[i] = Value(__builtin_powf(static_cast<float>(base[i]), static_cast<float>(exponent[i])));
    }
    return S::load(base);
  }

  template <BinaryKind Kind>
  static RIFFLE_INLINE Vec combined(Vec a, Vec b) {
    if constexpr (Kind == BinaryKind::add) return S::add(a, b);
    if constexpr (Kind == BinaryKind::subtract) return S::sub(a, b);
    if constexpr (Kind == BinaryKind::multiply) return S::mul(a, b);
    if constexpr (Kind == BinaryKind::divide) return S::div(a, b);
    if constexpr (Kind == BinaryKind::maximum) return S::max(a, b);
    if constexpr (Kind == BinaryKind::minimum) return negative(S::max(negative(a), negative(b)));
    if constexpr (Kind == BinaryKind::power) return power(a, b);
  }

  /// A row's pixels of an operand.
  struct Row {
    const Value* first;
    std::int64_t stride;  ///< numbers to the next pixel; 0: one pixel counts for the row

    RIFFLE_INLINE Row(const Value* operand, const PixelSteps& steps, const ChannelRun& run, std::int64_t y,
                      std::int64_t x)
        : first(operand + (y * steps.row + x * steps.column) * run.pixel_stride),
          stride(steps.column * std::int64_t{run.pixel_stride}) {}
  };

  /// The result may lie where an operand lies, so that no channel may be computed twice: the last vector is a part.
  template <class F>
  static RIFFLE_INLINE void for_each_vector(Value* to, std::int32_t channels, F&& vector) {
    std::int32_t c = 0;
    for (; c + S::lanes <= channels; c += S::lanes) S::store(to + c, vector(c, S::lanes));
    if (const int count = channels - c; count > 0) S::store_partial(to + c, vector(c, count), count);
  }

  static void run_one(const ElementwiseArgs& args, const Addresses& memory, std::int32_t begin, std::int32_t end) {
    const Vec lower = S::broadcast(args.clamp.lower), upper = S::broadcast(args.clamp.upper);
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.a[r].input;
      const Value* const from = memory.read<Value>(run.first);
      Value* const to = memory.write<Value>(args.output.first) + args.a[r].output_channel;
      for (std::int64_t pixel = begin; pixel < end; ++pixel) {
        const Value* const a = from + pixel * run.pixel_stride;
        for_each_vector(
            to + pixel * args.output.pixel_stride,
            run.channels, [&](std::int32_t c, int count) __attribute__((always_inline)) {
              return S::clamp(simd::load_lanes<S>(a + c, count), lower, upper);
            });
      }
    }
  }

  /// Of a row. `One`: an operand, or both, has one channel that counts for all.
  template <BinaryKind Kind, bool One>
  static void combine(Row a, Row b, bool one_a, bool one_b, std::int64_t pixels, std::int32_t channels,
                      const Clamp& clamp, Value* to, std::int64_t to_stride) {
    const Vec lower = S::broadcast(clamp.lower), upper = S::broadcast(clamp.upper);
    for (; pixels > 0; --pixels, a.first += a.stride, b.first += b.stride, to += to_stride) {
      const Vec all_a = One ? S::broadcast(static_cast<float>(*a.first)) : lower;
      const Vec all_b = One ? S::broadcast(static_cast<float>(*b.first)) : lower;
      for_each_vector(
          to, channels, [&](std::int32_t c, int count) __attribute__((always_inline)) {
            const Vec x = One && one_a ? all_a : simd::load_lanes<S>(a.first + c, count);
            const Vec y = One && one_b ? all_b : simd::load_lanes<S>(b.first + c, count);
            return S::clamp(combined<Kind>(x, y), lower, upper);
          });
    }
  }

  template <BinaryKind Kind>
  static void run_two(const ElementwiseArgs& args, const Addresses& memory, std::int32_t begin, std::int32_t end) {
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun &run_a = args.a[r].input, &run_b = args.b[r];
      const std::int32_t channels = channels_of(args, r);
      const bool one_a = run_a.channels < channels, one_b = run_b.channels < channels;
      const Value* const first_a = memory.read<Value>(run_a.first);
      const Value* const first_b = memory.read<Value>(run_b.first);
      Value* const to = memory.write<Value>(args.output.first) + args.a[r].output_channel;
      for (std::int64_t pixel = begin; pixel < end;) {
        const std::int64_t y = pixel / args.width, row = y * args.width;
        const std::int64_t row_end = row + args.width < end ? row + args.width : end;
        const Row a(first_a, args.a_steps, run_a, y, pixel - row), b(first_b, args.b_steps, run_b, y, pixel - row);
        const auto run_row = one_a || one_b || simd::one_variant<S, true> ? combine<Kind, true> : combine<Kind, false>;
        run_row(a, b, one_a, one_b, row_end - pixel, channels, args.clamp, to + pixel * args.output.pixel_stride,
                args.output.pixel_stride);
        pixel = row_end;
      }
    }
  }

  static void run_pixels(const ElementwiseArgs& args, const Addresses& memory, std::int32_t begin, std::int32_t end) {
    if (args.b == nullptr) return run_one(args, memory, begin, end);
    switch (args.kind) {
      case BinaryKind::add:
        return run_two<BinaryKind::add>(args, memory, begin, end);
#if !RIFFLE_HAS_BINARY  // infer_shapes() refuses all others
      default:
        return;
#else
      case BinaryKind::subtract:
        return run_two<BinaryKind::subtract>(args, memory, begin, end);
      case BinaryKind::multiply:
        return run_two<BinaryKind::multiply>(args, memory, begin, end);
      case BinaryKind::divide:
        return run_two<BinaryKind::divide>(args, memory, begin, end);
      case BinaryKind::maximum:
        return run_two<BinaryKind::maximum>(args, memory, begin, end);
      case BinaryKind::minimum:
        return run_two<BinaryKind::minimum>(args, memory, begin, end);
      case BinaryKind::power:
        return run_two<BinaryKind::power>(args, memory, begin, end);
#endif
    }
  }

  static void run(const ElementwiseArgs& args, const Addresses& memory, TileRange range) {
    for (std::int32_t t = range.first; t < range.last; ++t) {
      const std::int32_t begin = t * args.tile_pixels;
      const std::int32_t end = args.pixels - begin < args.tile_pixels ? args.pixels : begin + args.tile_pixels;
      run_pixels(args, memory, begin, end);
    }
  }

  static constexpr ElementwiseKernel kernel(const char* name) {
    return {name, {S::type, Type::f32, S::type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
