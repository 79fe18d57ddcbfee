// Parameters cut into pieces that threads share out. The cut does not depend on the number of threads, so that neither
// do sums over the pieces.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "trainer/network/network.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {

/// A part of a parameter that is not frozen.
struct ParameterPiece {
  std::size_t parameter = 0;         ///< its index
  std::size_t first = 0, count = 0;  ///< floats
  std::size_t offset = 0;            ///< of the first among the floats of all pieces
};

inline std::vector<ParameterPiece> cut(std::span<const Parameter> parameters) {
  constexpr std::size_t piece_floats = 1 << 14;  // of four arrays 256 KiB: a piece stays in L2
  std::vector<ParameterPiece> pieces;
  std::size_t offset = 0;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    if (parameters[p].frozen) continue;
    const std::size_t size = parameters[p].values.size();
    for (std::size_t first = 0; first < size; first += piece_floats) {
      const std::size_t count = std::min(piece_floats, size - first);
      pieces.push_back({p, first, count, offset});
      offset += count;
    }
  }
  return pieces;
}

/// The floats of all pieces together.
inline std::size_t total(std::span<const ParameterPiece> pieces) {
  return pieces.empty() ? 0 : pieces.back().offset + pieces.back().count;
}

/// Calls work(piece) for each, on up to `threads` threads: one takes the next piece as soon as it is free, as sizes
/// range from a few floats to the largest, and those come last.
template <class Work>
void for_each(std::span<const ParameterPiece> pieces, int threads, Work&& work) {
  std::atomic<std::size_t> next{0};
  on_team(threads, [&](int, int) {
    for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < pieces.size();) work(pieces[i]);
  });
}

/// Zero instead of a denormal. A channel that no gradient reaches any more would leave its averages there for good,
/// and most processors take a hundred cycles for each such number.
inline float flushed(float x) { return std::fabs(x) < std::numeric_limits<float>::min() ? 0.0F : x; }

}  // namespace riffle::trainer
