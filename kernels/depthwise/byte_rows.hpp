// Rows of a 3x3 depthwise convolution of bytes with stride 1 or 2, as an instruction set may have them of its own: one
// vector of channels. An instruction set that does has
//
//   static constexpr int most_rows(int stride);                                  output rows at once
//   static constexpr int row_weight_bytes;
//   static RowWeights row_weights(const std::byte* packed, std::int16_t zero, std::byte* to);
//   static DepthwiseByteRowsFunction depthwise_rows(int rows, int stride, bool are_exact);
//
// row_weights() returns the weights as the rows take them, of a vector with its biases and factors: those that are
// packed, or others, which it writes to `to`; and whether rows may take a shorter way, as exact results do
// (byte_panels.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace riffle::kernels {

struct RowWeights {
  const std::byte* weights;
  bool are_exact;
};

/// Offsets in this struct are known to the assembly.
struct DepthwiseByteRows {
  const std::int8_t* rows[4];  ///< of the image, at column 0; zeros where a row is outside
  std::ptrdiff_t steps[4];     ///< to the next column; 0 of a row outside
  const std::int8_t* zeros;    ///< what lies outside the image: 16 of them
  std::int64_t columns;        ///< of the image
  std::int64_t outputs;        ///< a row
  std::int64_t pad_left;       ///< 0 or 1
  const std::byte* header;     ///< biases and factors
  const std::byte* weights;    ///< row_weights()
  std::int8_t* out[2];
  std::ptrdiff_t out_stride[2];  ///< to the next pixel
  std::int16_t zero;             ///< of the result
  std::int8_t lower, upper;      ///< bounds of the bytes that are stored
};
static_assert(sizeof(void*) < 8 ||
              (offsetof(DepthwiseByteRows, zeros) == 64 && offsetof(DepthwiseByteRows, header) == 96 &&
               offsetof(DepthwiseByteRows, out) == 112 && offsetof(DepthwiseByteRows, zero) == 144));

using DepthwiseByteRowsFunction = void (*)(const DepthwiseByteRows&);

}  // namespace riffle::kernels
