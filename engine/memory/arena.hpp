// Lifetimes to arena offsets: a pure function. Sizes and offsets are in one unit, bytes or floats.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace riffle::memory {

/// A block is written from `first_step` on and last read in `last_step`; blocks whose ranges of steps meet, be it in
/// one step, must not overlap.
struct Lifetime {
  std::int64_t size = 0;
  std::int32_t first_step = 0, last_step = 0;
};

struct Placement {
  std::vector<std::int64_t> offsets;  ///< multiples of `alignment`
  std::int64_t total = 0;
};

/// Largest block first, each into the lowest gap that fits among the blocks that live at the same time as it.
/// O(n^2 log n); the same blocks always get the same places.
Placement place_blocks(std::span<const Lifetime> blocks, std::int64_t alignment);

}  // namespace riffle::memory
