#include <algorithm>

#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Rearrange : public EveryRow<RearrangeKernel> {
 protected:
  /// Numbers are moved, and numbers that are no bytes may be NaNs.
  void expect_same(Scene& scene, const RearrangeArgs& args) {
    const auto reference = [&](const Addresses& memory) { rearrange_reference(args, memory); };
    const auto run = [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); };
    if (is_quantised(row().types.input)) return check_bytes(scene, args.tiles, reference, run);
    check(scene, args.tiles, reference, run, 0);
  }
};

/// Tensors of a few axes, in two orders of the axes, cut along one of them into moves.
TEST_P(Rearrange, EqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const auto axes = static_cast<std::size_t>(scene.integer(2, 5));
    std::vector<MoveLoop> loops(axes);
    for (MoveLoop& loop : loops) loop.extent = axes < 4 && scene.coin() ? scene.integer(1, 40) : scene.integer(1, 5);
    const auto set_strides = [&](std::int64_t MoveLoop::*stride) {
      std::vector<std::int32_t> order = scene.permutation(static_cast<std::int32_t>(axes));
      std::int64_t size = 1;
      for (const std::int32_t axis : order) {
        loops[static_cast<std::size_t>(axis)].*stride = size;
        size *= loops[static_cast<std::size_t>(axis)].extent;
        if (scene.integer(0, 3) == 0) size += scene.integer(1, 3);  // more than is moved
      }
      return static_cast<std::int32_t>(size);
    };
    const std::int32_t read = set_strides(&MoveLoop::from), written = set_strides(&MoveLoop::to);
    Move move;
    move.from = scene.run(1, read, 0, row().types.input).first;
    move.to = scene.block(1, written, row().types.output).first;
    move.loop_count = static_cast<std::int32_t>(axes);
    // Two moves, each of a part of one axis.
    const auto cut = static_cast<std::size_t>(scene.integer(0, static_cast<std::int32_t>(axes) - 1));
    const std::int32_t part = scene.integer(0, loops[cut].extent);
    std::vector<MoveLoop> before = loops, behind = loops;
    before[cut].extent = part;
    behind[cut].extent -= part;
    std::vector<Move> moves;
    if (part > 0) {
      moves.push_back(move);
      moves.back().loops = before.data();
    }
    if (part < loops[cut].extent) {
      moves.push_back(move);
      moves.back().loops = behind.data();
      moves.back().from = move.from.behind(part * loops[cut].from, row().types.input);
      moves.back().to = move.to.behind(part * loops[cut].to, row().types.output);
    }
    expect_same(scene, {moves.data(), static_cast<std::int32_t>(moves.size()), row().types.input, row().types.output,
                        scene.integer(1, 9)});
  }
}

RIFFLE_EVERY_ROW(Rearrange, RearrangeKernel);
RIFFLE_EVERY_BYTE_ROW(Rearrange, RearrangeKernel);

}  // namespace
}  // namespace riffle::kernels::testing
