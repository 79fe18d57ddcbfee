// Numbers put elsewhere, from one type to another: the caller's planes to channels side by side and back, any tensor
// into any arrangement of its axes, operands one behind the other.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// An index of a move: how many values it has, and how many elements apart they stand on either side.
struct MoveLoop {
  std::int32_t extent = 1;
  std::int64_t from = 0, to = 0;
};

/// to[sum of i * loop.to] = from[sum of i * loop.from], for all values i of every loop. The loops stand with the
/// outermost first, and are two or more; what the last one runs over is a row.
struct Move {
  Place from, to;
  const MoveLoop* loops = nullptr;
  std::int32_t loop_count = 0;

  [[nodiscard]] RIFFLE_INLINE std::int64_t rows() const {
    std::int64_t count = 1;
    for (std::int32_t l = 0; l + 1 < loop_count; ++l) count *= loops[l].extent;
    return count;
  }
};

/// All moves. Where they write, none reads, and no two write the same.
struct RearrangeArgs {
  const Move* moves = nullptr;
  std::int32_t move_count = 0;
  Type from = Type::f32, to = Type::f32;
  std::int32_t tiles = 0;  ///< of each move, tile t is rows [t * rows / tiles, (t + 1) * rows / tiles)
};

struct RearrangeKernel {
  static constexpr std::string_view operation = "rearrange";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const RearrangeArgs&, const Addresses&, TileRange) = nullptr;
};

void rearrange_reference(const RearrangeArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
