#include "io/onnx/quantity.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "engine/graph/graph.hpp"

namespace riffle::onnx {
namespace {

std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) throw Error("a number in the shape arithmetic overflows");
  return result;
}

std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) throw Error("a number in the shape arithmetic overflows");
  return result;
}

std::int64_t checked_negate(std::int64_t a) { return checked_multiply(a, -1); }

Quantity lowest(std::int64_t numerator, std::int64_t denominator, bool times_batch) {
  if (denominator < 0) {
    numerator = checked_negate(numerator);
    denominator = checked_negate(denominator);
  }
  // gcd takes absolute values, which the least integer has none of.
  if (denominator != 1 && numerator == std::numeric_limits<std::int64_t>::min()) {
    throw Error("a number in the shape arithmetic overflows");
  }
  const std::int64_t common = denominator == 1 ? 1 : std::gcd(numerator, denominator);
  Quantity result;
  result.numerator = numerator / common;
  result.denominator = denominator / common;
  result.times_batch = times_batch && numerator != 0;
  return result;
}

[[noreturn]] void unknown(const Quantity& a, const char* operation, const Quantity& b) {
  throw Error(text(a) + " " + operation + " " + text(b) + " depends on the batch N in a way that is not supported");
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }  // b > 0

}  // namespace

Quantity Quantity::batch() {
  Quantity result(1);
  result.times_batch = true;
  return result;
}

Quantity Quantity::from_real(double value) {
  constexpr std::int64_t places = 1 << 20;
  const double scaled = value * static_cast<double>(places);
  if (!(std::fabs(scaled) < 0x1p62) || std::trunc(scaled) != scaled) {
    throw Error("the number " + std::to_string(value) + " in the shape arithmetic is not supported");
  }
  return lowest(static_cast<std::int64_t>(scaled), places, false);
}

std::optional<std::int64_t> Quantity::known_integer() const {
  if (times_batch || denominator != 1) return std::nullopt;
  return numerator;
}

Quantity add(const Quantity& a, const Quantity& b) {
  if (a.numerator == 0) return b;
  if (b.numerator == 0) return a;
  if (a.times_batch != b.times_batch) unknown(a, "+", b);
  return lowest(checked_add(checked_multiply(a.numerator, b.denominator), checked_multiply(b.numerator, a.denominator)),
                checked_multiply(a.denominator, b.denominator), a.times_batch);
}

Quantity subtract(const Quantity& a, const Quantity& b) {
  Quantity negative = b;
  negative.numerator = checked_negate(b.numerator);
  return add(a, negative);
}

Quantity multiply(const Quantity& a, const Quantity& b) {
  if (a.times_batch && b.times_batch) unknown(a, "*", b);
  Quantity result = lowest(checked_multiply(a.numerator, b.numerator), checked_multiply(a.denominator, b.denominator),
                           a.times_batch || b.times_batch);
  const auto measured = [&](const Quantity& size, const Quantity& times) {
    if (!size.measure || times.made_of.any() || times.known_integer().value_or(0) < 1) return;
    result.measure = size.measure;
    result.measure->times = checked_multiply(size.measure->times, times.numerator);
  };
  measured(a, b);
  measured(b, a);
  return result;
}

Quantity divide(const Quantity& a, const Quantity& b) {
  if (b.numerator == 0) throw Error("the shape arithmetic divides " + text(a) + " by zero");
  if (b.times_batch && !a.times_batch && a.numerator != 0) unknown(a, "/", b);
  return lowest(checked_multiply(a.numerator, b.denominator), checked_multiply(a.denominator, b.numerator),
                a.times_batch && !b.times_batch);
}

Quantity floor(const Quantity& a) {
  if (a.is_integer()) return a;
  if (a.times_batch) throw Error("rounding " + text(a) + " depends on the batch N in a way that is not supported");
  return Quantity(floor_divide(a.numerator, a.denominator));
}

Quantity truncate(const Quantity& a) {
  if (a.is_integer()) return a;
  if (a.times_batch) throw Error("rounding " + text(a) + " depends on the batch N in a way that is not supported");
  return Quantity(a.numerator / a.denominator);
}

Quantity modulo(const Quantity& a, const Quantity& b) { return subtract(a, multiply(b, floor(divide(a, b)))); }

bool less(const Quantity& a, const Quantity& b) {
  if (a.times_batch == b.times_batch) {
    return checked_multiply(a.numerator, b.denominator) < checked_multiply(b.numerator, a.denominator);
  }
  // Only one of them grows with N: decided if the other lies at or beyond zero, on the far side.
  if (a.times_batch && a.numerator > 0 && b.numerator <= 0) return false;
  if (a.times_batch && a.numerator < 0 && b.numerator >= 0) return true;
  if (b.times_batch && b.numerator > 0 && a.numerator <= 0) return true;
  if (b.times_batch && b.numerator < 0 && a.numerator >= 0) return false;
  unknown(a, "<", b);
}

bool equal(const Quantity& a, const Quantity& b) {
  if (a == b) return true;
  if (a.times_batch == b.times_batch) return false;
  const bool decided = a.numerator == 0 || b.numerator == 0 || (a.numerator > 0) != (b.numerator > 0);
  if (!decided) unknown(a, "==", b);
  return false;
}

std::string text(const Quantity& a) {
  if (a.times_batch && a.numerator == 1 && a.denominator == 1) return "N";
  std::string result = std::to_string(a.numerator);
  if (a.denominator != 1) result.append("/").append(std::to_string(a.denominator));
  if (a.times_batch) result.append(" N");
  return result;
}

}  // namespace riffle::onnx
