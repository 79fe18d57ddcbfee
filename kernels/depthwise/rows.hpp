// Rows of a depthwise convolution of 3x3, or 5x5, with stride 1 or 2, as an instruction set may have them in assembly:
// whole output rows of one or, of 3x3, two vectors of channels.
//
//   static constexpr int widest_depthwise_rows = 5;   or 3
//   static DepthwiseRowsFunction<Value> depthwise_rows(int width, int stride, int vectors);
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
  std::int32_t rounds;     ///< of the loop: of as many outputs as one column has taps in
  std::int32_t form;       ///< what set_length says, 16 where there are bounds, 32 where there is an upper one
  Weight lower, upper;
};
static_assert(sizeof(void*) < 8 ||
              (offsetof(DepthwiseRows<float>, packed) == 48 && offsetof(DepthwiseRows<float>, form) == 68 &&
               offsetof(DepthwiseRows<float>, lower) == 72));

template <class Value, class Weight = Value>
using DepthwiseRowsFunction = void (*)(const DepthwiseRows<Value, Weight>&);

/// The row's length, at least fewest_in_row(width): all outputs that one column has taps in, but one, are finished
/// behind the loop, and what is before them is no multiple of a round, so that the loop is entered in the middle.
/// `left`, `right`: columns that the first and the last output lack.
constexpr std::int32_t fewest_in_row(std::int32_t width) { return width == 3 ? 4 : 5; }
template <class Value, class Weight>
RIFFLE_INLINE void set_length(DepthwiseRows<Value, Weight>& rows, std::int32_t width, std::int32_t stride,
                              std::int32_t outputs, std::int32_t left, std::int32_t right) {
  const std::int32_t round = (width - 1) / stride + 1, in_loop = outputs - (round - 1);
  rows.rounds = (in_loop + round - 1) / round;
  const std::int32_t entry = rows.rounds * round - in_loop;
  const auto columns = [](std::int32_t lacking) { return lacking <= 0 ? 0 : lacking == 1 ? 1 : 3; };
  rows.form = columns(left) + 4 * columns(right) + (entry == 0 ? 0 : 32 << entry);
}

}  // namespace riffle::kernels
