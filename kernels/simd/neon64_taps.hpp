// The taps of a 3x3 window with stride 2 on three planes, side by side, by AArch64's table lookups.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

// kernels/stem/taps_neon64.S
extern "C" void riffle_join_taps_neon64(const std::int8_t* from, std::ptrdiff_t row_bytes, std::int8_t* to,
                                        std::int64_t fours, const std::uint8_t* lookups);

/// Four pixels of 27 taps and a 0 are seven vectors. Each comes from rows 0 to 3, 4 to 7 and 8 of the window on all
/// planes, of which 16 bytes are as many tables: what it takes of a table is one vector of lookups, of no table none.
struct WindowLookups {
  std::uint8_t at[16][16] = {};  ///< 255: in another table

  constexpr WindowLookups() {
    int next = 0;
    for (int vector = 0; vector < 7; ++vector) {
      for (int table = 0; table < 3; ++table) {
        bool any = false;
        for (int i = 0; i < 16; ++i) {
          const int pixel = (vector * 16 + i) / 28, tap = (vector * 16 + i) % 28, row = tap / 3;
          const bool here = tap < 27 && row / 4 == table;
          any = any || here;
          if (next < 16) at[next][i] = static_cast<std::uint8_t>(here ? row % 4 * 16 + pixel * 2 + tap % 3 : 255);
        }
        next += any ? 1 : 0;
      }
    }
  }
};

struct Neon64Taps {
  static constexpr WindowLookups lookups = {};

  /// Fours of pixels, of rows that are `row_bytes` apart; reads 16 bytes of each for a four.
  static RIFFLE_INLINE void join_windows(const std::int8_t* from, std::ptrdiff_t row_bytes, std::int8_t* to,
                                         std::int64_t fours) {
    riffle_join_taps_neon64(from, row_bytes, to, fours, lookups.at[0]);
  }
};

}  // namespace riffle::simd
