// Part of a row of 3x3 pooling with stride 2, as an instruction set may have it in assembly: outputs whose taps are all
// inside the image, but perhaps the first column; two vectors of channels.
//
//   static PoolRowFunction pool_row(bool max);
#pragma once

#include <cstddef>
#include <cstdint>

namespace riffle::kernels {

/// Offsets in this struct are known to the assembly.
struct PoolRow {
  float lower, upper;
  const void* rows[3];       ///< at the first column inside the image
  std::ptrdiff_t in_stride;  ///< bytes to the next pixel
  void* out;
  std::ptrdiff_t out_stride;  ///< bytes
  std::int64_t outputs;       ///< at least 1
  float factor;               ///< of the mean
  std::int32_t form;          ///< simd::Strip::form_of, without columns; 4: the first output's first column is outside
};
static_assert(sizeof(void*) < 8 || (offsetof(PoolRow, rows) == 8 && offsetof(PoolRow, out) == 40 &&
                                    offsetof(PoolRow, factor) == 64 && sizeof(PoolRow) == 72));

using PoolRowFunction = void (*)(const PoolRow&);

}  // namespace riffle::kernels
