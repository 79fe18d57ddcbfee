// The one body of the convert kernels; see convert.hpp for the equations.
//
// Plain loops over neighbouring elements without a branch, which compilers make vectors of; of f16 whole vectors by
// instructions, where there are some.
#pragma once

#include "kernels/convert/convert.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

/// How a type's numbers stand in memory, and what they are as floats.
template <Type T>
struct Element;

template <>
struct Element<Type::f32> {
  using Stored = float;
  static RIFFLE_INLINE float decode(float x, const Quantization&) { return x; }
  static RIFFLE_INLINE float encode(float x, const Quantization&) { return x; }
};

template <>
struct Element<Type::f16> {
  using Stored = std::uint16_t;
  static RIFFLE_INLINE float decode(Stored x, const Quantization&) { return from_f16(x); }
  static RIFFLE_INLINE Stored encode(float x, const Quantization&) { return to_f16(x); }
};

template <>
struct Element<Type::bf16> {
  using Stored = std::uint16_t;
  static RIFFLE_INLINE float decode(Stored x, const Quantization&) { return from_bf16(x); }
  static RIFFLE_INLINE Stored encode(float x, const Quantization&) { return to_bf16(x); }
};

template <class Integer>
struct QuantizedElement {
  using Stored = Integer;
  static RIFFLE_INLINE float decode(Integer x, const Quantization& q) {
    return static_cast<float>(std::int32_t{x} - q.zero_point) * q.scale;
  }
  static RIFFLE_INLINE Integer encode(float x, const Quantization& q) {
    // Within the type's range first, in this order of operands for a NaN. The sum with 1.5 * 2^23 has the integer in
    // its lower bits, rounded as every sum is.
    constexpr float magic = 0x1.8p23F;
    const auto low = static_cast<float>(std::int32_t{std::numeric_limits<Integer>::min()} - q.zero_point);
    const auto high = static_cast<float>(std::int32_t{std::numeric_limits<Integer>::max()} - q.zero_point);
    float scaled = x / q.scale;
#ifdef __aarch64__
    scaled = __builtin_fminf(__builtin_fmaxf(scaled, low), high);  // instructions that take the number, not the NaN
#else
    scaled = scaled > low ? scaled : low;
    scaled = scaled < high ? scaled : high;
#endif
    const std::int32_t rounded = std::bit_cast<std::int32_t>(scaled + magic) - std::bit_cast<std::int32_t>(magic);
    return static_cast<Integer>(rounded + q.zero_point);
  }
};

template <>
struct Element<Type::i8> : QuantizedElement<std::int8_t> {};
template <>
struct Element<Type::u8> : QuantizedElement<std::uint8_t> {};

template <>
struct Element<Type::i32> {
  using Stored = std::int32_t;
  static RIFFLE_INLINE float decode(std::int32_t x, const Quantization&) { return static_cast<float>(x); }
  static RIFFLE_INLINE std::int32_t encode(float x, const Quantization&) {
    // Rounded as every sum is, where there is a fraction; then within the range, in this order of operands for a NaN.
    constexpr float whole = 0x1p23F, low = -0x1p31F, high = 0x1.fffffep30F;  // floats from `whole` on are integers
    const float magnitude = x < 0 ? -x : x, nearest = magnitude < whole ? magnitude + whole - whole : magnitude;
    float rounded = x < 0 ? -nearest : nearest;
    rounded = rounded > low ? rounded : low;
    rounded = rounded < high ? rounded : high;
    return static_cast<std::int32_t>(rounded);
  }
};

template <class S, Type From, Type To>
struct Convert {
  using In = typename Element<From>::Stored;
  using Out = typename Element<To>::Stored;

  static RIFFLE_INLINE void convert(const In* __restrict from, Out* __restrict to, std::int64_t count,
                                    const Quantization& from_scale, const Quantization& to_scale) {
    std::int64_t i = 0;
    if constexpr (S::converts_f16 && From == Type::f16) {
      for (; i + S::lanes <= count; i += S::lanes) S::store(to + i, S::load_f16(from + i));
    }
    if constexpr (S::converts_f16 && To == Type::f16) {
      for (; i + S::lanes <= count; i += S::lanes) S::store_f16(to + i, S::load(from + i));
    }
    for (; i < count; ++i) to[i] = Element<To>::encode(Element<From>::decode(from[i], from_scale), to_scale);
  }

  static void run(const ConvertArgs& args, const Addresses& memory, TileRange range) {
    const Quantization from_scale = args.from, to_scale = args.to;
    const std::int64_t begin = static_cast<std::int64_t>(range.first) * args.tile_pixels;
    const std::int64_t all = static_cast<std::int64_t>(range.last) * args.tile_pixels;
    const std::int64_t end = all < args.pixels ? all : args.pixels;
    Out* const output = memory.write<Out>(args.output.first);
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.runs[r].input;
      const In* const from = memory.read<In>(run.first);
      Out* const to = output + args.runs[r].output_channel;
      if (run.pixel_stride == run.channels && args.output.pixel_stride == run.channels) {  // one long row
        convert(from + begin * run.channels, to + begin * run.channels, (end - begin) * run.channels, from_scale,
                to_scale);
        continue;
      }
      for (std::int64_t p = begin; p < end; ++p) {
        convert(from + p * run.pixel_stride, to + p * args.output.pixel_stride, run.channels, from_scale, to_scale);
      }
    }
  }

  static constexpr ConvertKernel kernel(const char* name) { return {name, {From, Type::f32, To}, S::lanes, run}; }
};

}  // namespace riffle::kernels
