// The numbers of shape arithmetic. A model whose batch is open computes with N, so a number here is a rational or a
// rational times N; what `chunk`, `view` and `reshape` leave behind needs no more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace riffle::onnx {

/// Which of an image's extents: those that another size of the network's input changes.
struct Extents {
  bool rows = false, columns = false;
  bool operator==(const Extents&) const = default;
  [[nodiscard]] bool any() const { return rows || columns; }
};
inline Extents operator|(Extents a, Extents b) { return {a.rows || b.rows, a.columns || b.columns}; }

/// So many times the rows, or columns, of a node's tensor, at every size.
struct Measure {
  std::int32_t node = 0;
  bool of_rows = false;  ///< else of columns
  std::int64_t times = 1;
  bool operator==(const Measure&) const = default;
};

/// numerator / denominator, in lowest terms with denominator > 0, times N where `times_batch`. Zero is never times N.
/// N is at least 1.
struct Quantity {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  bool times_batch = false;
  /// What it was computed from: with another input size it might be another number. Not a part of the number: it does
  /// not count in a comparison, and combine() (numbers.hpp) keeps it, not the functions below.
  Extents made_of;
  /// What it is with another input size as well, where that is known: multiply() and what hands a number on keep it.
  std::optional<Measure> measure = {};

  Quantity() = default;
  explicit Quantity(std::int64_t value) : numerator(value) {}
  static Quantity batch();
  /// Throws Error if the value needs more than 20 binary places or is too large.
  static Quantity from_real(double value);

  bool operator==(const Quantity& other) const {
    return numerator == other.numerator && denominator == other.denominator && times_batch == other.times_batch;
  }
  [[nodiscard]] bool is_integer() const { return denominator == 1; }
  /// The value if it is an integer that does not depend on N.
  [[nodiscard]] std::optional<std::int64_t> known_integer() const;
};

// All of these throw Error for an overflow and for a result that is neither known nor a multiple of N.
Quantity add(const Quantity& a, const Quantity& b);
Quantity subtract(const Quantity& a, const Quantity& b);
Quantity multiply(const Quantity& a, const Quantity& b);
/// Exact. Throws Error for a division by zero.
Quantity divide(const Quantity& a, const Quantity& b);
/// Towards negative infinity.
Quantity floor(const Quantity& a);
/// Towards zero.
Quantity truncate(const Quantity& a);
/// a - b * floor(a / b)
Quantity modulo(const Quantity& a, const Quantity& b);
/// Whatever N is.
bool less(const Quantity& a, const Quantity& b);
bool equal(const Quantity& a, const Quantity& b);

/// "58", "3/2", "N", "116 N"
std::string text(const Quantity& a);

}  // namespace riffle::onnx
