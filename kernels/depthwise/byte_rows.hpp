// Rows of a 3x3 depthwise convolution of bytes with stride 1 or 2, as an instruction set may have them of its own: one
// vector of channels. An instruction set that does has
//
//   static constexpr int most_rows(int stride);                                  output rows at once
//   static constexpr int prepared_bytes;
//   static bool prepare_rows(const std::byte* packed, std::int16_t zero, std::byte* to);
//   static DepthwiseByteRowsFunction depthwise_rows(int rows, int stride, bool are_exact);
//
// prepare_rows() writes what the rows take besides what is packed, of a vector's biases and factors, and says whether
// rows may take a shorter way, as exact results do (byte_panels.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace riffle::kernels {

/// A row of the image.
struct DepthwiseByteRow {
  const std::int8_t* first;  ///< at column 0 and channel 0; or DepthwiseByteRows::zeros, where it is outside
  std::ptrdiff_t step;       ///< to the next column; 0 of a row outside
};

/// Offsets in this struct are known to the assembly.
struct DepthwiseByteRows {
  const DepthwiseByteRow* rows;  ///< from the first that the first output row reads on
  std::int64_t count;            ///< of output rows: a multiple of those at once
  std::int64_t channel;          ///< the vector's first
  const std::int8_t* zeros;      ///< what lies outside the image: 16 of them
  std::int64_t columns;          ///< of the image
  std::int64_t outputs;          ///< a row
  std::int64_t pad_left;         ///< 0 or 1
  const std::byte* packed;       ///< biases, factors and weights
  const std::byte* prepared;     ///< prepare_rows()
  std::int8_t* out;
  std::ptrdiff_t out_stride;  ///< to the next pixel, from a row's last to the next row's first as well
  std::int16_t zero;          ///< of the result
  std::int8_t lower, upper;   ///< bounds of the bytes that are stored

  /// The same of one row outside as of others.
  const std::int8_t* first_of(const DepthwiseByteRow& row) const {
    return row.first == zeros ? zeros : row.first + channel;
  }
};
static_assert(sizeof(void*) < 8 ||
              (offsetof(DepthwiseByteRows, channel) == 16 && offsetof(DepthwiseByteRows, columns) == 32 &&
               offsetof(DepthwiseByteRows, packed) == 56 && offsetof(DepthwiseByteRows, out) == 72 &&
               offsetof(DepthwiseByteRows, zero) == 88));

using DepthwiseByteRowsFunction = void (*)(const DepthwiseByteRows&);

}  // namespace riffle::kernels
