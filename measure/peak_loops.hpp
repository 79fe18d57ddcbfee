// The two loops that an instruction set is judged by: multiply-adds on registers alone, reads that are merely added up.
#pragma once

#include <cstdint>

namespace riffle::measure {

/// Floats that a call is given: where its sums start, unknown to the compiler, which would else compute but one; on
/// return what they come to, which is of no interest.
using Sums = float[64];

struct Loops {
  /// Runs `rounds` rounds of `macs` multiply-adds each.
  void (*multiply_add)(std::int64_t rounds, Sums& sums) = nullptr;
  std::int64_t macs = 0;
  /// Reads `count` floats, a multiple of read_block, from the start of a cache line.
  void (*read)(const float* from, std::int64_t count, Sums& sums) = nullptr;
};

inline constexpr std::int64_t read_block = 128;

}  // namespace riffle::measure
