#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Softmax : public EveryIsa {
 protected:
  void try_one(Scene& scene, bool in_place) {
    const std::int32_t channels = scene.pick({1, 2, 3, 5, 10, 17, 29, 58, 1000});
    SoftmaxArgs args;
    args.pixels = scene.integer(1, 5);
    const Block elsewhere = scene.block(args.pixels, channels);
    args.input = scene.run(args.pixels, channels, 0);
    for (std::int64_t p = 0; p < args.pixels; ++p) {
      for (std::int32_t c = 0; c < channels; ++c) {
        // Wide apart and far from zero: what overflows without the maximum's subtraction.
        float& x = scene.at(args.input.first, p * args.input.pixel_stride + c);
        x = x * 20 + 200;
      }
    }
    args.output = in_place ? Block{args.input.first, args.input.pixel_stride} : elsewhere;
    args.tiles = scene.integer(1, 4);
    check(
        scene, args.tiles, [&](const Addresses& memory) { softmax_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { kernels().row<SoftmaxKernel>().run(args, memory, range); },
        1e-6);
  }
};

TEST_P(Softmax, EqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 100 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, scene.coin());
  }
}

RIFFLE_EVERY_ISA(Softmax);

}  // namespace
}  // namespace riffle::kernels::testing
