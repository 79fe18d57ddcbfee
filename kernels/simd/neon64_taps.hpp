// The taps of a 3x3 window with stride 2 on three planes, side by side, by AArch64's table lookups.
#pragma once

#include <arm_neon.h>

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

/// Four pixels of 27 taps and a 0 are seven vectors. Each comes from rows 0 to 3, 4 to 7 and 8 of the window on all
/// planes, of which 16 bytes are as many tables.
struct WindowLookups {
  std::uint8_t at[7][3][16] = {};  ///< 255: in another table
  bool any[7][3] = {};

  constexpr WindowLookups() {
    for (int i = 0; i < 7 * 16; ++i) {
      const int pixel = i / 28, tap = i % 28, row = tap / 3;
      for (int table = 0; table < 3; ++table) {
        const bool here = tap < 27 && row / 4 == table;
        at[i / 16][table][i % 16] = static_cast<std::uint8_t>(here ? row % 4 * 16 + pixel * 2 + tap % 3 : 255);
        any[i / 16][table] = any[i / 16][table] || here;
      }
    }
  }
};

struct Neon64Taps {
  static constexpr WindowLookups lookups = {};

  /// Four pixels, of rows that are `row_bytes` apart; reads 16 bytes of each.
  static RIFFLE_INLINE void join_window(const std::int8_t* from, std::ptrdiff_t row_bytes, std::int8_t* to) {
    const auto row = [&](int i) __attribute__((always_inline)) { return vld1q_s8(from + i * row_bytes); };
    const int8x16x4_t upper = {{row(0), row(1), row(2), row(3)}}, middle = {{row(4), row(5), row(6), row(7)}};
    const int8x16_t last = row(8);
    unroll<7>([&](auto v) __attribute__((always_inline)) {
      constexpr int i = decltype(v)::value;
      int8x16_t taps = vdupq_n_s8(0);
      if constexpr (lookups.any[i][0]) taps = vqtbl4q_s8(upper, vld1q_u8(lookups.at[i][0]));
      if constexpr (lookups.any[i][1]) taps = vqtbx4q_s8(taps, middle, vld1q_u8(lookups.at[i][1]));
      if constexpr (lookups.any[i][2]) taps = vqtbx1q_s8(taps, last, vld1q_u8(lookups.at[i][2]));
      vst1q_s8(to + i * 16, taps);
    });
  }
};

}  // namespace riffle::simd
