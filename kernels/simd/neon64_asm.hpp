// What AArch64's instruction sets have in assembly alike, of floats and of halves: their declarations, and their
// choice.
#pragma once

#include "kernels/depthwise/rows.hpp"
#include "kernels/pool/row.hpp"
#include "kernels/simd/strip.hpp"

// strip_neon64.S: rows x vectors.
#define RIFFLE_STRIP(arguments, isa, rows, vectors) void riffle_strip_##rows##x##vectors##_##isa(const arguments&);
#define RIFFLE_STRIPS_OF_4(arguments, isa, vectors) \
  RIFFLE_STRIP(arguments, isa, 1, vectors)          \
  RIFFLE_STRIP(arguments, isa, 2, vectors)          \
  RIFFLE_STRIP(arguments, isa, 3, vectors)          \
  RIFFLE_STRIP(arguments, isa, 4, vectors)
#define RIFFLE_STRIPS_OF_7(arguments, isa, vectors) \
  RIFFLE_STRIPS_OF_4(arguments, isa, vectors)       \
  RIFFLE_STRIP(arguments, isa, 5, vectors)          \
  RIFFLE_STRIP(arguments, isa, 6, vectors)          \
  RIFFLE_STRIP(arguments, isa, 7, vectors)
#define RIFFLE_STRIPS(arguments, isa)   \
  RIFFLE_STRIPS_OF_7(arguments, isa, 1) \
  RIFFLE_STRIP(arguments, isa, 8, 1)    \
  RIFFLE_STRIPS_OF_7(arguments, isa, 2) \
  RIFFLE_STRIPS_OF_4(arguments, isa, 3) \
  RIFFLE_STRIP(arguments, isa, 5, 3)    \
  RIFFLE_STRIPS_OF_4(arguments, isa, 4)

// kernels/depthwise/rows_neon64.S: 3x3, stride x vectors; 5x5, by stride.
#define RIFFLE_DEPTHWISE_ROWS(value, weight, isa)                                               \
  void riffle_depthwise_rows_1x1_##isa(const riffle::kernels::DepthwiseRows<value, weight>&);   \
  void riffle_depthwise_rows_1x2_##isa(const riffle::kernels::DepthwiseRows<value, weight>&);   \
  void riffle_depthwise_rows_2x1_##isa(const riffle::kernels::DepthwiseRows<value, weight>&);   \
  void riffle_depthwise_rows_2x2_##isa(const riffle::kernels::DepthwiseRows<value, weight>&);   \
  void riffle_depthwise_5x5_rows_1_##isa(const riffle::kernels::DepthwiseRows<value, weight>&); \
  void riffle_depthwise_5x5_rows_2_##isa(const riffle::kernels::DepthwiseRows<value, weight>&);

// kernels/pool/row_neon64.S
#define RIFFLE_POOL_ROWS(value, isa)                                      \
  void riffle_max_pool_row_##isa(const riffle::kernels::PoolRow<value>&); \
  void riffle_average_pool_row_##isa(const riffle::kernels::PoolRow<value>&);

// kernels/fully_connected/rows_neon64.S: (sums, x, vectors of x by fours, rows)
#define RIFFLE_MULTIPLY_ROWS(value, isa) \
  void riffle_multiply_rows_##isa(float*, const value*, std::int64_t, const value* const*);

/// The members of an instruction set's struct that say so: strips,
#define RIFFLE_NEON64_STRIPS(function, isa)                                                                           \
  /* Two registers of activations a pixel, two of weights a vector, a sum for each of both. */                        \
  static constexpr int strip_rows(int vectors) { return vectors == 1 ? 8 : vectors == 2 ? 7 : vectors == 3 ? 5 : 4; } \
  static RIFFLE_INLINE function strip(int rows, int vectors) {                                                        \
    static constexpr function strips[][8] = {                                                                         \
        {riffle_strip_1x1_##isa, riffle_strip_2x1_##isa, riffle_strip_3x1_##isa, riffle_strip_4x1_##isa,              \
         riffle_strip_5x1_##isa, riffle_strip_6x1_##isa, riffle_strip_7x1_##isa, riffle_strip_8x1_##isa},             \
        {riffle_strip_1x2_##isa, riffle_strip_2x2_##isa, riffle_strip_3x2_##isa, riffle_strip_4x2_##isa,              \
         riffle_strip_5x2_##isa, riffle_strip_6x2_##isa, riffle_strip_7x2_##isa},                                     \
        {riffle_strip_1x3_##isa, riffle_strip_2x3_##isa, riffle_strip_3x3_##isa, riffle_strip_4x3_##isa,              \
         riffle_strip_5x3_##isa},                                                                                     \
        {riffle_strip_1x4_##isa, riffle_strip_2x4_##isa, riffle_strip_3x4_##isa, riffle_strip_4x4_##isa}};            \
    return strips[vectors - 1][rows - 1];                                                                             \
  }
/// rows of depthwise convolution (a build for size has those of 3x3, and of a stem of 3 vectors),
#ifdef RIFFLE_SMALL
#define RIFFLE_NEON64_WIDE_STEM 0
#define RIFFLE_NEON64_WIDE_STEM_ROW(isa) nullptr
#define RIFFLE_NEON64_WIDEST_ROWS 3
#define RIFFLE_NEON64_WIDE_ROWS(stride, isa) nullptr
#else
#define RIFFLE_NEON64_WIDE_STEM 5
#define RIFFLE_NEON64_WIDE_STEM_ROW(isa) riffle_stem_row_5x4_##isa
#define RIFFLE_NEON64_WIDEST_ROWS 5
#define RIFFLE_NEON64_WIDE_ROWS(stride, isa) riffle_depthwise_5x5_rows_##stride##_##isa
#endif
#define RIFFLE_NEON64_DEPTHWISE_ROWS(isa)                                                                     \
  using DepthwiseRowsFunction = riffle::kernels::DepthwiseRowsFunction<Value, Weight>;                        \
  static constexpr int widest_depthwise_rows = RIFFLE_NEON64_WIDEST_ROWS;                                     \
  static RIFFLE_INLINE DepthwiseRowsFunction depthwise_rows(int width, int stride, int vectors) {             \
    static constexpr DepthwiseRowsFunction rows[][3] = {                                                      \
        {riffle_depthwise_rows_1x1_##isa, riffle_depthwise_rows_1x2_##isa, RIFFLE_NEON64_WIDE_ROWS(1, isa)},  \
        {riffle_depthwise_rows_2x1_##isa, riffle_depthwise_rows_2x2_##isa, RIFFLE_NEON64_WIDE_ROWS(2, isa)}}; \
    return rows[stride - 1][width == 3 ? vectors - 1 : 2];                                                    \
  }
/// and, beside them, all others.
#define RIFFLE_NEON64_KERNELS(isa)                                                  \
  RIFFLE_NEON64_STRIPS(riffle::simd::StripFunction<Value>, isa)                     \
  RIFFLE_NEON64_DEPTHWISE_ROWS(isa)                                                 \
  static RIFFLE_INLINE riffle::kernels::PoolRowFunction<Value> pool_row(bool max) { \
    return max ? riffle_max_pool_row_##isa : riffle_average_pool_row_##isa;         \
  }                                                                                 \
  static RIFFLE_INLINE auto multiply_rows() { return riffle_multiply_rows_##isa; }
