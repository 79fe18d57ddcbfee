// Channel runs side by side, as an instruction set may have it in assembly: numbers of any type are bytes here.
//
//   static void gather_runs(const GatherRun*, ...);   see there
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

/// Offsets in this struct are known to the assembly.
struct GatherRun {
  const void* first;      ///< of pixel 0
  std::ptrdiff_t stride;  ///< bytes to the next pixel
  std::int64_t bytes;
  std::int64_t room;  ///< bytes that it takes in a row
};

// gather_neon64.S
extern "C" void riffle_gather_neon64(const GatherRun* runs, std::int64_t count, std::int64_t pixel, void* to,
                                     std::ptrdiff_t row_bytes, std::int64_t pixels);

struct Neon64Gather {
  /// The runs of `pixels` pixels from `pixel` on, one after the other in a row a pixel. Reads up to 15 bytes behind a
  /// run and writes as many behind a row: rows are so much further apart.
  static RIFFLE_INLINE void gather_runs(const GatherRun* runs, std::int32_t count, std::int32_t pixel, void* to,
                                        std::ptrdiff_t row_bytes, std::int32_t pixels) {
    riffle_gather_neon64(runs, count, pixel, to, row_bytes, pixels);
  }
};

}  // namespace riffle::simd
