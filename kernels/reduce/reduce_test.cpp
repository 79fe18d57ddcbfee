#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Reduce : public EveryRow<ReduceKernel> {
 protected:
  void try_one(Scene& scene, ReduceKind kind) {
    const Types& types = row().types;
    ReduceArgs args;
    args.kind = kind;
    args.pixels = scene.integer(1, 5);
    args.groups = scene.pick({1, 1, 2, 3, 7});
    const std::int32_t each = scene.pick({1, 2, 3, 5, 10, 17, 29, 58, 300});
    args.input = scene.run(args.pixels, args.groups * each, 0, types.input);
    args.output = scene.block(args.pixels, args.groups, types.output);
    args.tiles = scene.integer(1, 4);
    const double terms = kind == ReduceKind::sum ? each : 1;  // of at most 1, added one after the other
    check(
        scene, args.tiles, [&](const Addresses& memory) { reduce_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); },
        rounded(types.output, 1e-6 * terms));
  }
};

TEST_P(Reduce, EqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 210 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, static_cast<ReduceKind>(seed % 7));
  }
}

/// Of equal numbers the first.
TEST_P(Reduce, FindsTheFirst) {
  const Types& types = row().types;
  Scene scene(1);
  ReduceArgs args;
  args.pixels = args.tiles = 1;
  args.input = scene.run(1, 40, 0, types.input);
  args.output = scene.block(1, 1, types.output);
  for (std::int32_t c = 0; c < 40; ++c) {
    scene.set({args.input.first, types.input}, c, c == 20 || c == 33 ? 2.0F : c == 7 || c == 8 ? -2.0F : 0.0F);
  }
  std::vector<std::byte> arena = scene.arena();
  const auto result = [&](ReduceKind kind) {
    args.kind = kind;
    row().run(args, addresses_of(arena), {0, 1});
    return number({args.output.first, types.output}, 0, addresses_of(arena));
  };
  EXPECT_EQ(result(ReduceKind::arg_max), 20);
  EXPECT_EQ(result(ReduceKind::arg_min), 7);
  EXPECT_EQ(result(ReduceKind::maximum), 2);
  EXPECT_EQ(result(ReduceKind::minimum), -2);
}

RIFFLE_EVERY_ROW(Reduce, ReduceKernel);

}  // namespace
}  // namespace riffle::kernels::testing
