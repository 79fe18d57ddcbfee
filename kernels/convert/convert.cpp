#include "kernels/convert/convert.hpp"

#include <algorithm>
#include <cmath>

namespace riffle::kernels {
namespace {

double decoded(const ChannelRun& run, std::int64_t at, const Quantization& q, const Addresses& memory) {
  const auto integer = [&](std::int32_t x) {
    return static_cast<double>(x - q.zero_point) * static_cast<double>(q.scale);
  };
  switch (run.type) {
    case Type::f32:
      return memory.read<float>(run.first)[at];
    case Type::f16: {
      const std::uint16_t bits = memory.read<std::uint16_t>(run.first)[at];
      const int exponent = bits >> 10 & 31, fraction = bits & 1023;
      const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
      if (exponent == 31) return sign * (fraction == 0 ? HUGE_VAL : std::nan(""));
      return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
    }
    case Type::bf16:
      return std::bit_cast<float>(std::uint32_t{memory.read<std::uint16_t>(run.first)[at]} << 16);
    case Type::i8:
      return integer(memory.read<std::int8_t>(run.first)[at]);
    case Type::u8:
      return integer(memory.read<std::uint8_t>(run.first)[at]);
    case Type::i32:
      return memory.read<std::int32_t>(run.first)[at];
  }
  return 0;
}

/// The nearest number with so many bits of fraction and an exponent of at least `least_exponent`; ties to even, as
/// nearbyint() rounds by default.
double nearest(double x, int fraction_bits, int least_exponent) {
  int exponent = 0;
  std::frexp(x, &exponent);
  const int unit = std::max(exponent - 1, least_exponent) - fraction_bits;
  return std::ldexp(std::nearbyint(std::ldexp(x, -unit)), unit);
}

std::uint16_t half_bits(double x) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(x) ? 0x8000 : 0);
  if (std::isnan(x)) return static_cast<std::uint16_t>(sign | 0x7E00);
  const double magnitude = nearest(std::abs(x), 10, -14);
  if (magnitude >= 65536) return static_cast<std::uint16_t>(sign | 0x7C00);
  if (magnitude < 0x1p-14) return static_cast<std::uint16_t>(sign | static_cast<int>(magnitude * 0x1p24));
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);  // 0.5 to 1
  return static_cast<std::uint16_t>(sign | (exponent + 14) << 10 | (static_cast<int>(fraction * 2048) - 1024));
}

std::uint16_t brain_bits(double x) {
  if (std::isnan(x))
    return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(x)) >> 16 | 0x40);
  const auto rounded = static_cast<float>(std::isinf(x) ? x : nearest(x, 7, -126));
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(rounded) >> 16);
}

template <class Integer>
Integer quantised(double x, const Quantization& q) {
  constexpr double low = std::numeric_limits<Integer>::min(), high = std::numeric_limits<Integer>::max();
  if (std::isnan(x)) return std::numeric_limits<Integer>::min();
  // As a float, since that is what is rounded; see convert.hpp.
  const auto scaled = static_cast<double>(static_cast<float>(x) / q.scale);
  return static_cast<Integer>(std::clamp(std::nearbyint(std::clamp(scaled, -1e6, 1e6)) + q.zero_point, low, high));
}

std::int32_t integer(double x) {
  if (std::isnan(x)) return std::numeric_limits<std::int32_t>::min();
  // The largest float that i32 has room for.
  return static_cast<std::int32_t>(std::clamp(std::nearbyint(x), -0x1p31, 0x1.fffffep30));
}

}  // namespace

void convert_reference(const ConvertArgs& args, const Addresses& memory) {
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    const ChannelRun& run = args.runs[r].input;
    for (std::int64_t p = 0; p < args.pixels; ++p) {
      for (std::int32_t c = 0; c < run.channels; ++c) {
        const double x = decoded(run, p * run.pixel_stride + c, args.from, memory);
        const std::int64_t at = p * args.output.pixel_stride + args.runs[r].output_channel + c;
        switch (args.output.type) {
          case Type::f32:
            memory.write<float>(args.output.first)[at] = static_cast<float>(x);
            break;
          case Type::f16:
            memory.write<std::uint16_t>(args.output.first)[at] = half_bits(x);
            break;
          case Type::bf16:
            memory.write<std::uint16_t>(args.output.first)[at] = brain_bits(x);
            break;
          case Type::i8:
            memory.write<std::int8_t>(args.output.first)[at] = quantised<std::int8_t>(x, args.to);
            break;
          case Type::u8:
            memory.write<std::uint8_t>(args.output.first)[at] = quantised<std::uint8_t>(x, args.to);
            break;
          case Type::i32:
            memory.write<std::int32_t>(args.output.first)[at] = integer(x);
            break;
        }
      }
    }
  }
}

}  // namespace riffle::kernels
