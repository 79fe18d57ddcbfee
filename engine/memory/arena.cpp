#include "engine/memory/arena.hpp"

#include <algorithm>

#include "base/sort.hpp"

namespace riffle::memory {

Placement place_blocks(std::span<const Lifetime> blocks, std::int64_t alignment) {
  const auto size = [&](std::int32_t block) { return blocks[static_cast<std::size_t>(block)].size; };
  const std::vector<std::int32_t> order =
      sorted_indices(blocks.size(), [&](std::int32_t a, std::int32_t b) { return size(a) > size(b); });

  Placement placement;
  placement.offsets.resize(blocks.size(), 0);
  std::vector<std::size_t> placed;  // by offset, ascending
  for (const std::int32_t index : order) {
    const auto block = static_cast<std::size_t>(index);
    const Lifetime& life = blocks[block];
    std::int64_t offset = 0;
    for (const std::size_t other : placed) {
      const Lifetime& its = blocks[other];
      if (its.last_step < life.first_step || life.last_step < its.first_step) continue;
      if (placement.offsets[other] >= offset + life.size) break;  // it fits before this one
      const std::int64_t end = placement.offsets[other] + its.size;
      offset = std::max(offset, (end + alignment - 1) / alignment * alignment);
    }
    placement.offsets[block] = offset;
    placement.total = std::max(placement.total, offset + life.size);
    const auto after = std::upper_bound(placed.begin(), placed.end(), offset, [&](std::int64_t at, std::size_t other) {
      return at < placement.offsets[other];
    });
    placed.insert(after, block);
  }
  return placement;
}

}  // namespace riffle::memory
