// How packed weights of any type are written: as floats, a piece at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels/element.hpp"

namespace riffle::kernels {

/// Hands out room for floats, piece after piece; what has been written there stands in `packed` as numbers of a type
/// (f32, f16, bf16) when the next piece is asked for, and at the end. Floats are written where they stay.
class PackedFloats {
 public:
  PackedFloats(std::span<std::byte> packed, Type type) : to_(packed.data()), type_(type) {}
  PackedFloats(const PackedFloats&) = delete;
  PackedFloats& operator=(const PackedFloats&) = delete;
  ~PackedFloats() { finish(); }

  float* next(std::size_t count) {
    finish();
    count_ = count;
    if (type_ == Type::f32) return reinterpret_cast<float*>(to_);
    if (piece_.size() < count) piece_.resize(count);
    return piece_.data();
  }

 private:
  void finish() {
    const auto count = static_cast<std::ptrdiff_t>(type_ == Type::f32 ? 0 : count_);  // in piece_
    auto* const halves = reinterpret_cast<std::uint16_t*>(to_);
    if (type_ == Type::f16) std::transform(piece_.begin(), piece_.begin() + count, halves, to_f16);
    if (type_ == Type::bf16) std::transform(piece_.begin(), piece_.begin() + count, halves, to_bf16);
    to_ += count_ * static_cast<std::size_t>(size_of(type_));
    count_ = 0;
  }

  std::byte* to_;
  Type type_;
  std::size_t count_ = 0;     // numbers in the current piece
  std::vector<float> piece_;  // of another type
};

}  // namespace riffle::kernels
