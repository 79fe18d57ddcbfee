// Part of a row of 3x3 pooling with stride 2, as an instruction set may have it in assembly: outputs whose taps are all
// inside the image, but perhaps the first column; two vectors of channels.
//
//   static PoolRowFunction<Value> pool_row(bool max);
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/element.hpp"

namespace riffle::kernels {

/// Offsets in this struct are known to the assembly.
template <class Value>
struct PoolRow {
  Value lower, upper;
  const Value* rows[3];      ///< at the first column inside the image
  std::ptrdiff_t in_stride;  ///< bytes to the next pixel
  Value* out;
  std::ptrdiff_t out_stride;  ///< bytes
  std::int64_t outputs;       ///< at least 1
  Value factor;               ///< of the mean
  std::int32_t form;          ///< simd::form_of, without columns; 4: the first output's first column is outside
};
template <class Value>
constexpr bool pool_row_is_as_known = offsetof(PoolRow<Value>, rows) == 8 && offsetof(PoolRow<Value>, out) == 40 &&
                                      offsetof(PoolRow<Value>, factor) == 64 && offsetof(PoolRow<Value>, form) == 68 &&
                                      sizeof(PoolRow<Value>) == 72;
static_assert(sizeof(void*) < 8 ||
              (pool_row_is_as_known<float> && pool_row_is_as_known<Half> && pool_row_is_as_known<Bfloat>));

template <class Value>
using PoolRowFunction = void (*)(const PoolRow<Value>&);

}  // namespace riffle::kernels
