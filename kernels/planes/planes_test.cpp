#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Planes : public EveryRow<PlanesKernel> {
 protected:
  /// Numbers are moved, and numbers that are no bytes may be NaNs.
  template <class Reference, class Kernel>
  void expect_same(Scene& scene, std::int32_t tiles, Reference&& reference, Kernel&& run) {
    if (is_quantised(row().types.input)) return check_bytes(scene, tiles, reference, run);
    check(scene, tiles, reference, run, 0);
  }
};

TEST_P(Planes, FromPlanesEqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 100 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    FromPlanesArgs args;
    args.pixels = scene.integer(1, 70);
    args.channels = scene.channels();
    args.output = scene.block(args.pixels, args.channels, row().types.output);
    args.planes = {scene.run(1, args.channels * args.pixels, 0, row().types.input).first, row().types.input};
    args.tile_pixels = scene.integer(1, args.pixels);
    args.tiles = (args.pixels + args.tile_pixels - 1) / args.tile_pixels;
    expect_same(
        scene, args.tiles, [&](const Addresses& memory) { from_planes_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().from_planes(args, memory, range); });
  }
}

TEST_P(Planes, ToPlanesEqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 100 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    ToPlanesArgs args;
    args.pixels = scene.integer(1, 70);
    const std::int32_t channels = scene.channels();
    args.planes = {scene.block(1, channels * args.pixels, row().types.output).first, row().types.output};
    const std::vector<ChannelwiseRun> runs =
        scene.mapped_runs(args.pixels, channels, scene.integer(1, 4), row().types.input);
    args.runs = runs.data();
    args.run_count = static_cast<std::int32_t>(runs.size());
    args.tile_pixels = scene.integer(1, args.pixels);
    args.tiles = (args.pixels + args.tile_pixels - 1) / args.tile_pixels;
    expect_same(
        scene, args.tiles, [&](const Addresses& memory) { to_planes_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().to_planes(args, memory, range); });
  }
}

RIFFLE_EVERY_ROW(Planes, PlanesKernel);
RIFFLE_EVERY_BYTE_ROW(Planes, PlanesKernel);

}  // namespace
}  // namespace riffle::kernels::testing
