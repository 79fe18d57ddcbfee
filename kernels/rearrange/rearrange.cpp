#include "kernels/rearrange/rearrange.hpp"

#include "kernels/reference.hpp"

namespace riffle::kernels {
namespace {

/// What is added to a number on its way: bytes that stand as i8 are those of u8 less 128.
double shift(Type from, Type to) {
  if (from == Type::u8 && to == Type::i8) return -128;
  return from == Type::i8 && to == Type::u8 ? 128 : 0;
}

}  // namespace

void rearrange_reference(const RearrangeArgs& args, const Addresses& memory) {
  for (std::int32_t m = 0; m < args.move_count; ++m) {
    const Move& move = args.moves[m];
    const std::int64_t count = move.rows() * move.loops[move.loop_count - 1].extent;
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t rest = i, from = 0, to = 0;
      for (std::int32_t l = move.loop_count; l-- > 0;) {
        const MoveLoop& loop = move.loops[l];
        from += rest % loop.extent * loop.from;
        to += rest % loop.extent * loop.to;
        rest /= loop.extent;
      }
      set_number({move.to, args.to}, to, memory,
                 number({move.from, args.from}, from, memory) + shift(args.from, args.to));
    }
  }
}

}  // namespace riffle::kernels
