#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Softmax : public EveryRow<SoftmaxKernel> {
 protected:
  void try_one(Scene& scene, bool in_place) {
    SoftmaxArgs args;
    args.groups = scene.pick({1, 1, 2, 3});
    const std::int32_t channels = scene.pick({1, 2, 3, 5, 10, 17, 29, 58, 1000}) * args.groups;
    const Types& types = row().types;
    args.pixels = scene.integer(1, 5);
    const Block elsewhere = scene.block(args.pixels, channels, types.output);
    args.input = scene.run(args.pixels, channels, 0, types.input);
    for (std::int64_t p = 0; p < args.pixels; ++p) {
      for (std::int32_t c = 0; c < channels; ++c) {
        // Wide apart and far from zero: what overflows without the maximum's subtraction.
        const Numbers input{args.input.first, types.input};
        const std::int64_t at = p * args.input.pixel_stride + c;
        scene.set(input, at, scene.get(input, at) * 20 + 200);
      }
    }
    args.output = in_place && types.input == types.output
                      ? Block{args.input.first, args.input.pixel_stride, 0, types.input}
                      : elsewhere;
    args.tiles = scene.integer(1, 4);
    Tolerance tolerance = rounded(types.output, 1e-6);
    // Powers wait in the output for their sum.
    if (types.output != Type::f32) tolerance.relative += types.output == Type::f16 ? 0x1p-11 : 0x1p-8;
    check(
        scene, args.tiles, [&](const Addresses& memory) { softmax_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); }, tolerance);
  }
};

TEST_P(Softmax, EqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 100 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, scene.coin());
  }
}

RIFFLE_EVERY_ROW(Softmax, SoftmaxKernel);

}  // namespace
}  // namespace riffle::kernels::testing
