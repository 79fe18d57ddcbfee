#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Image : public EveryIsa {
 protected:
  static ImageArgs random_args(Scene& scene, std::vector<std::uint8_t>& pixels, std::int32_t in_h, std::int32_t in_w,
                               std::int32_t out_h, std::int32_t out_w) {
    ImageArgs args;
    args.channels = scene.integer(1, 4);
    args.in_h = in_h;
    args.in_w = in_w;
    args.out_h = out_h;
    args.out_w = out_w;
    args.row_stride = in_w * args.channels + scene.pick({0, 0, 5});
    pixels.resize(static_cast<std::size_t>((in_h - 1) * args.row_stride + in_w * args.channels));
    for (std::uint8_t& p : pixels) p = static_cast<std::uint8_t>(scene.integer(0, 255));
    args.pixels = pixels.data();
    for (std::size_t c = 0; c < 4; ++c) {
      args.scale[c] = 1.0F / (255 * (0.2F + 0.01F * static_cast<float>(c)));
      args.shift[c] = -2.0F - 0.1F * static_cast<float>(c);
    }
    return args;
  }

  void try_one(ImageArgs args) {
    SCOPED_TRACE(std::to_string(args.in_h) + "x" + std::to_string(args.in_w) + " -> " + std::to_string(args.out_h) +
                 "x" + std::to_string(args.out_w) + ", channels " + std::to_string(args.channels));
    const std::size_t size = static_cast<std::size_t>(args.channels * args.out_h * args.out_w);
    const std::vector<float> before(size + 32, std::bit_cast<float>(guard_bits));
    std::vector<float> expected = before, actual = before;
    args.output = expected.data() + 16;
    image_reference(args);
    args.output = actual.data() + 16;
    kernels().image.run(args);
    expect_matches(before, expected, actual, 1e-5);
  }
};

TEST_P(Image, EqualsTheReferenceAtRandomSizes) {
  for (std::uint32_t seed = 0; seed < 60 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    std::vector<std::uint8_t> pixels;
    try_one(random_args(scene, pixels, scene.integer(1, 50), scene.integer(1, 150), scene.integer(1, 50),
                        scene.integer(1, 150)));
  }
}

TEST_P(Image, EqualsTheReferenceWhereAStripEnds) {
  for (const std::int32_t width : {255, 256, 257, 512, 700}) {
    Scene scene(2);
    std::vector<std::uint8_t> pixels;
    try_one(random_args(scene, pixels, 6, 90, 11, width));
    try_one(random_args(scene, pixels, 11, 1000, 6, width));
  }
}

TEST_P(Image, OfTheSameSizeIsScaledOnly) {
  Scene scene(1);
  std::vector<std::uint8_t> pixels;
  ImageArgs args = random_args(scene, pixels, 9, 70, 9, 70);
  std::vector<float> out(static_cast<std::size_t>(args.channels * 9 * 70));
  args.output = out.data();
  kernels().image.run(args);
  for (std::int32_t c = 0; c < args.channels; ++c) {
    for (std::int32_t y = 0; y < 9; ++y) {
      for (std::int32_t x = 0; x < 70; ++x) {
        const float pixel = pixels[static_cast<std::size_t>(y * args.row_stride + x * args.channels + c)];
        ASSERT_NEAR(out[static_cast<std::size_t>((c * 9 + y) * 70 + x)], args.scale[c] * pixel + args.shift[c], 1e-5);
      }
    }
  }
}

RIFFLE_EVERY_ISA(Image);

}  // namespace
}  // namespace riffle::kernels::testing
