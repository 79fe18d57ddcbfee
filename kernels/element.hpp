// The types of the numbers that stand in memory, and what a number of each is as a float.
//
//   f16, bf16   IEEE 754 binary16; the upper half of a float32
//   i8, u8      quantised: value = scale * (q - zero_point), where there is a scale; else the number itself
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#define RIFFLE_INLINE inline __attribute__((always_inline))

namespace riffle {

/// Numbers as they stand in memory. The values are those of files (engine/format/riffle.fbs) and never change.
enum class Type : std::uint8_t { f32, f16, bf16, i8, u8, i32 };

/// What there is to know of a type.
struct TypeFacts {
  Type type;
  std::string_view name;
  std::int32_t bytes;
};
inline constexpr std::array type_facts = {
    TypeFacts{Type::f32, "f32", 4}, TypeFacts{Type::f16, "f16", 2}, TypeFacts{Type::bf16, "bf16", 2},
    TypeFacts{Type::i8, "i8", 1},   TypeFacts{Type::u8, "u8", 1},   TypeFacts{Type::i32, "i32", 4},
};
static_assert([] {
  for (std::size_t i = 0; i < type_facts.size(); ++i) {
    if (type_facts[i].type != static_cast<Type>(i)) return false;
  }
  return true;
}());

constexpr std::int32_t size_of(Type type) { return type_facts[static_cast<std::size_t>(type)].bytes; }
constexpr std::string_view name_of(Type type) { return type_facts[static_cast<std::size_t>(type)].name; }
/// May its numbers have a scale and a zero point?
constexpr bool is_quantised(Type type) { return type == Type::i8 || type == Type::u8; }

/// The type of that name, if there is one.
constexpr std::optional<Type> type_of(std::string_view name) {
  for (const TypeFacts& facts : type_facts) {
    if (facts.name == name) return facts.type;
  }
  return std::nullopt;
}

/// What a quantised number stands for: scale * (q - zero_point).
struct Quantization {
  float scale = 1.0F;
  std::int32_t zero_point = 0;
  bool operator==(const Quantization&) const = default;
};

}  // namespace riffle

namespace riffle::kernels {

// Numbers of 16 bits, by their bits. Always inlined: each instruction set compiles its own.

RIFFLE_INLINE float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// To nearest, ties to even; a NaN stays a NaN.
RIFFLE_INLINE std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  return static_cast<std::uint16_t>((bits & 0x7FFFFFFF) > 0x7F800000 ? (bits >> 16) | 0x40 : rounded);
}

/// `a` where `first`, else `b`; by a mask, for compilers make no vectors of a branch around floating-point arithmetic.
RIFFLE_INLINE std::uint32_t select(bool first, std::uint32_t a, std::uint32_t b) {
  const std::uint32_t mask = 0U - std::uint32_t{first};
  return (a & mask) | (b & ~mask);
}

/// Exact; a NaN becomes a quiet one and keeps the rest of its bits. The same in every rounding mode, and where denormal
/// floats count as zero.
RIFFLE_INLINE float from_f16(std::uint16_t bits) {
  constexpr std::uint32_t infinity = 0x7C00, least_normal = 0x400, rebias = 112U << 23, quiet = 1U << 22;
  const std::uint32_t half = bits & 0x7FFFU;
  const auto denormal = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(half)) * 0x1p-24F);
  // Twice for an exponent of all ones, so that the float's is, too.
  const std::uint32_t rebiased = (half << 13) + rebias + (half >= infinity ? rebias : 0);
  const std::uint32_t normal = rebiased | (half > infinity ? quiet : 0);
  const std::uint32_t magnitude = select(half < least_normal, denormal, normal);
  return std::bit_cast<float>(magnitude | (std::uint32_t{bits} & 0x8000) << 16);
}

/// To nearest, ties to even; what is too large becomes infinity, a NaN a quiet one with the upper bits of its own.
RIFFLE_INLINE std::uint16_t to_f16(float value) {
  constexpr std::uint32_t infinity = 0x7F800000, least_normal = 113U << 23, overflow = (127U + 16) << 23;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  // Denormal: the addition of a power of two shifts it into place and rounds it, as every addition is rounded.
  constexpr std::uint32_t aligner = (127U - 15 + (23 - 10) + 1) << 23;
  const std::uint32_t denormal =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + std::bit_cast<float>(aligner)) - aligner;
  const std::uint32_t normal = (magnitude - (112U << 23) + 0xFFF + ((magnitude >> 13) & 1)) >> 13;
  const std::uint32_t large = magnitude > infinity ? 0x7E00 | (magnitude >> 13 & 0x1FF) : 0x7C00;
  const std::uint32_t half = select(magnitude < least_normal, denormal, select(magnitude < overflow, normal, large));
  return static_cast<std::uint16_t>(half | (bits >> 16 & 0x8000));
}

/// A number that stands as f16.
struct Half {
  std::uint16_t bits;

  Half() = default;
  explicit RIFFLE_INLINE Half(float value) : bits(to_f16(value)) {}
  explicit RIFFLE_INLINE operator float() const { return from_f16(bits); }
};

/// A number that stands as bf16.
struct Bfloat {
  std::uint16_t bits;

  Bfloat() = default;
  explicit RIFFLE_INLINE Bfloat(float value) : bits(to_bf16(value)) {}
  explicit RIFFLE_INLINE operator float() const { return from_bf16(bits); }
};

}  // namespace riffle::kernels
