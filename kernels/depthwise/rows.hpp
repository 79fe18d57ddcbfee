// Rows of a 3x3 depthwise convolution with stride 1 or 2, as an instruction set may have them in assembly: whole output
// rows of one or two vectors of channels.
//
//   static DepthwiseRowsFunction<Value> depthwise_rows(int stride, int vectors);
//
// Every output adds its taps column by column, in each from the top, whatever the row's length: a column of the input
// is loaded once for all outputs that it is a tap of.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// Offsets in this struct are known to the assembly.
template <class Value, class Weight = Value>
struct DepthwiseRows {
  const Value* const* rows;  ///< input rows, pixel 0; null outside the image; `stride` further for each output row
  std::ptrdiff_t channel;    ///< bytes from there to the vectors
  std::ptrdiff_t in_stride;  ///< bytes to the next pixel
  std::ptrdiff_t out_stride;
  Value* out;
  std::ptrdiff_t out_row;  ///< bytes to the next row
  const Weight* packed;    ///< bias and weights of one vector, then of the other
  std::int64_t height;     ///< output rows
  std::int32_t rounds;     ///< of the loop: of three outputs (stride 1) or two
  std::int32_t form;       ///< what set_length says, and 16 where there are bounds
  Weight lower, upper;
};
static_assert(sizeof(void*) < 8 ||
              (offsetof(DepthwiseRows<float>, packed) == 48 && offsetof(DepthwiseRows<float>, form) == 68 &&
               offsetof(DepthwiseRows<float>, lower) == 72));

template <class Value, class Weight = Value>
using DepthwiseRowsFunction = void (*)(const DepthwiseRows<Value, Weight>&);

/// The row's length, at least 4: one or two outputs are finished behind the loop, and the others are no multiple of
/// three or two, so that it is entered in the middle. `left`, `right`: the first and the last output lack a column.
template <class Value, class Weight>
RIFFLE_INLINE void set_length(DepthwiseRows<Value, Weight>& rows, int stride, std::int32_t outputs, bool left,
                              bool right) {
  const std::int32_t in_loop = outputs - (stride == 1 ? 2 : 1), round = stride == 1 ? 3 : 2;
  rows.rounds = (in_loop + round - 1) / round;
  const std::int32_t entry = rows.rounds * round - in_loop;
  rows.form = (left ? 1 : 0) + (right ? 2 : 0) + (entry == 0 ? 0 : entry == 1 ? 4 : 8);
}

}  // namespace riffle::kernels
