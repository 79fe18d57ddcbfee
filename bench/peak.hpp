// The arithmetic limit of an instruction set: multiply-adds on registers alone.
#pragma once

#include <cstdint>

namespace riffle::bench {

struct Peak {
  /// Runs `rounds` rounds of `macs` multiply-adds each. `floats`: where the sums start, unknown to the compiler, which
  /// would else compute but one; on return what they come to, which is of no interest.
  void (*run)(std::int64_t rounds, float (&floats)[64]) = nullptr;
  std::int64_t macs = 0;
};

}  // namespace riffle::bench
