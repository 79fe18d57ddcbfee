// The one body of the rearrange kernels; see rearrange.hpp for the equation.
//
// Rows whose numbers stand side by side on both sides are copied whole. Else numbers are moved one by one: the
// network's ends have few channels (an image's) or few pixels (a classifier's one), and neither makes a transpose in
// registers worth its code.
#pragma once

#include <cstring>
#include <type_traits>

#include "kernels/rearrange/rearrange.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

/// Numbers of type `In` become numbers of type `Out`.
template <class S, class In = typename S::Value, class Out = In>
struct Rearranging {
  /// Rows that are moved place by place before the next: their cache lines stay in L1.
  static constexpr std::int64_t chunk = 16;

  /// Bytes that stand as i8 are those of u8 less 128.
  static RIFFLE_INLINE Out as_out(In x) {
    if constexpr (sizeof(In) == 1 && !std::is_same_v<In, Out>) {
      return static_cast<Out>(x ^ 0x80);
    } else {
      return static_cast<Out>(x);
    }
  }

  static RIFFLE_INLINE std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

  /// So many rows, each of which goes on by the inner loop and from one to the next by the outer.
  static void move_rows(const In* from, Out* to, const MoveLoop& outer, std::int64_t rows, const MoveLoop& inner) {
    if (inner.from == 1 && inner.to == 1) {
      for (std::int64_t r = 0; r < rows; ++r) {
        const In* const source = from + r * outer.from;
        Out* const target = to + r * outer.to;
        if constexpr (std::is_same_v<In, Out>) {
          std::memcpy(target, source, static_cast<std::size_t>(inner.extent) * sizeof(In));
        } else {
          for (std::int32_t i = 0; i < inner.extent; ++i) target[i] = as_out(source[i]);
        }
      }
      return;
    }
    for (std::int64_t begin = 0; begin < rows; begin += chunk) {
      const std::int64_t end = smaller(begin + chunk, rows);
      for (std::int64_t i = 0; i < inner.extent; ++i) {
        const In* const source = from + i * inner.from;
        Out* const target = to + i * inner.to;
        for (std::int64_t r = begin; r < end; ++r) target[r * outer.to] = as_out(source[r * outer.from]);
      }
    }
  }

  static void run(const RearrangeArgs& args, const Addresses& memory, TileRange range) {
    for (std::int32_t m = 0; m < args.move_count; ++m) {
      const Move& move = args.moves[m];
      const In* const from = memory.read<In>(move.from);
      Out* const to = memory.write<Out>(move.to);
      const MoveLoop& outer = move.loops[move.loop_count - 2];
      const MoveLoop& inner = move.loops[move.loop_count - 1];
      const std::int64_t rows = move.rows(), last = rows * range.last / args.tiles;
      for (std::int64_t row = rows * range.first / args.tiles; row < last;) {
        std::int64_t rest = row / outer.extent;
        const std::int64_t first = row % outer.extent, count = smaller(outer.extent - first, last - row);
        std::int64_t from_at = first * outer.from, to_at = first * outer.to;
        for (std::int32_t l = move.loop_count - 2; l-- > 0;) {
          const MoveLoop& loop = move.loops[l];
          from_at += rest % loop.extent * loop.from;
          to_at += rest % loop.extent * loop.to;
          rest /= loop.extent;
        }
        move_rows(from + from_at, to + to_at, outer, count, inner);
        row += count;
      }
    }
  }

  static constexpr RearrangeKernel kernel(const char* name) {
    return {name, {simd::type_of<In>, Type::f32, simd::type_of<Out>}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
