// Where the residual operand of a panel stands, for register tiles and strips of any numbers.
//
// Templates have the instruction set's struct S as an argument even where they do not use it: each compiles its own.
#pragma once

#include "kernels/pointwise/pointwise.hpp"

namespace riffle::kernels {

/// Pixel 0's residual where the columns of so many whole vectors stand side by side; else null.
template <class S, class Value>
RIFFLE_INLINE const Value* residual_in_rows(const ResidualVector* residual, int vectors, const Addresses& memory) {
  const ChannelRun& first = residual[0].run;
  for (int v = 0; v < vectors; ++v) {
    const ChannelRun& run = residual[v].run;
    if (run.channels != S::lanes || run.pixel_stride != first.pixel_stride || run.first.space != first.first.space ||
        run.first.offset != first.first.offset + v * S::lanes * static_cast<std::int64_t>(sizeof(Value))) {
      return nullptr;
    }
  }
  return memory.read<Value>(first.first);
}

/// `count` columns of a vector, for `rows` pixels, as rows of numbers that are `step` apart. Out of line: it is rare,
/// and there would be a copy of it for every vector of every register tile.
template <class S, class Value>
__attribute__((noinline)) void copy_residual(const ResidualVector& residual, int count, const Addresses& memory,
                                             std::int32_t pixel, int rows, Value* to, std::ptrdiff_t step) {
  const bool scattered = residual.run.channels == 0;
  for (int i = 0; i < count; ++i) {
    const ChannelRun& column = scattered ? residual.columns[i] : residual.run;
    const std::ptrdiff_t stride = column.pixel_stride;
    const Value* const from = memory.read<Value>(column.first) + (scattered ? 0 : i) + pixel * stride;
    for (int m = 0; m < rows; ++m) to[m * step + i] = from[m * stride];
  }
}

/// A panel's residuals as rows of whole vectors; null where there are none.
template <class Value>
struct ResidualRows {
  const Value* first = nullptr;  ///< of the first pixel
  std::ptrdiff_t stride = 0;
};

/// Of so many pixels from `pixel` on and `columns` columns: where they stand, or else copied to `copied`, which has
/// room for whole vectors.
template <class S, class Value>
RIFFLE_INLINE ResidualRows<Value> residual_rows(const ResidualVector* residual, int vectors, int columns,
                                                const Addresses& memory, std::int32_t pixel, int pixels,
                                                Value* copied) {
  if (residual == nullptr) return {};
  const std::ptrdiff_t width = vectors * S::lanes;
  if (const Value* const rows = residual_in_rows<S, Value>(residual, vectors, memory); rows != nullptr) {
    const std::ptrdiff_t stride = residual[0].run.pixel_stride;
    return {rows + pixel * stride, stride};
  }
  for (int v = 0; v < vectors; ++v) {
    const int left = columns - v * S::lanes;
    copy_residual<S>(residual[v], left < S::lanes ? left : S::lanes, memory, pixel, pixels, copied + v * S::lanes,
                     width);
  }
  return {copied, width};
}

}  // namespace riffle::kernels
