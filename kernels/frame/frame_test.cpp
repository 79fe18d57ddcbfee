#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <new>
#include <utility>

#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

constexpr PixelFormat formats[] = {PixelFormat::rgb,  PixelFormat::bgr,  PixelFormat::rgba, PixelFormat::bgra,
                                   PixelFormat::grey, PixelFormat::nv12, PixelFormat::nv21, PixelFormat::i420};
constexpr YuvRange ranges[] = {YuvRange::bt601_full, YuvRange::bt601_limited, YuvRange::bt709_full,
                               YuvRange::bt709_limited};

std::int32_t plane_rows(PixelFormat format, std::int32_t plane, std::int32_t height) {
  return is_yuv(format) && plane > 0 ? (height + 1) / 2 : height;
}

/// A frame of random bytes, `gap` at most between its rows, and nothing behind the last one.
struct Camera {
  Camera(Scene& scene, PixelFormat format, std::int32_t width, std::int32_t height, std::int32_t gap = 0) {
    frame.format = format;
    frame.width = width;
    frame.height = height;
    for (std::int32_t p = 0; p < plane_count(format); ++p) {
      const std::int64_t bytes = row_bytes(format, p, width), stride = bytes + scene.integer(0, gap);
      planes[p].resize(static_cast<std::size_t>((plane_rows(format, p, height) - 1) * stride + bytes));
      for (std::uint8_t& byte : planes[p]) byte = static_cast<std::uint8_t>(scene.integer(0, 255));
      frame.planes[p] = planes[p].data();
      frame.strides[p] = gap == 0 ? 0 : stride;
    }
  }

  Frame frame;
  std::vector<std::uint8_t> planes[3];
};

FrameArgs normalised(const Frame& frame, std::int32_t channels, std::int32_t out_h, std::int32_t out_w) {
  FrameArgs args;
  args.frame = frame;
  args.channels = channels;
  args.out_h = out_h;
  args.out_w = out_w;
  for (std::size_t c = 0; c < 3; ++c) {
    args.scale[c] = 1.0F / (255 * (0.2F + 0.01F * static_cast<float>(c)));
    args.shift[c] = -2.0F - 0.1F * static_cast<float>(c);
  }
  return args;
}

std::size_t size_of(const FrameArgs& args) {
  return static_cast<std::size_t>(args.channels) * static_cast<std::size_t>(args.out_h * args.out_w);
}

class FrameToTensor : public EveryRow<FrameKernel> {
 protected:
  void try_one(FrameArgs args) {
    for (const bool as_pixels : {false, true}) {
      args.as_pixels = as_pixels;
      try_one_layout(args);
    }
  }
  void try_one_layout(FrameArgs args) {
    const Frame& f = args.frame;
    SCOPED_TRACE("format " + std::to_string(static_cast<int>(f.format)) + ", yuv " +
                 std::to_string(static_cast<int>(f.yuv)) + ", " + std::to_string(f.width) + "x" +
                 std::to_string(f.height) + ", crop " + std::to_string(f.crop.x) + " " + std::to_string(f.crop.y) +
                 " " + std::to_string(f.crop.width) + "x" + std::to_string(f.crop.height) + ", rotation " +
                 std::to_string(f.rotation) + (f.mirrored ? " mirrored" : "") + " -> " + std::to_string(args.channels) +
                 "x" + std::to_string(args.out_h) + "x" + std::to_string(args.out_w) +
                 (args.as_pixels ? " as pixels" : ""));
    const std::vector<float> before(size_of(args) + 32, std::bit_cast<float>(guard_bits));
    std::vector<float> expected = before, actual = before;
    args.output = expected.data() + 16;
    frame_reference(args);
    args.output = actual.data() + 16;
    row().run(args);
    expect_matches(before, expected, actual, tolerance);
  }

  /// The kernel's result on values of 0 to 255.
  [[nodiscard]] std::vector<float> run(const Frame& frame, std::int32_t channels, std::int32_t out_h,
                                       std::int32_t out_w) const {
    FrameArgs args;
    args.frame = frame;
    args.channels = channels;
    args.out_h = out_h;
    args.out_w = out_w;
    std::vector<float> output(size_of(args));
    args.output = output.data();
    row().run(args);
    return output;
  }

  /// Results here have a range of 5 (1 / 0.2): a millionth of it, halved by expect_matches' own 1 + |expected|.
  static constexpr double tolerance = 2.5e-6;
};

TEST_P(FrameToTensor, EqualsTheReferenceForAllFormatsAndOrientations) {
  Scene scene(1);
  for (const PixelFormat format : formats) {
    for (const std::int32_t rotation : {0, 90, 180, 270}) {
      for (const bool mirrored : {false, true}) {
        for (const std::int32_t channels : {1, 3}) {
          Camera camera(scene, format, scene.integer(1, 40), scene.integer(1, 40), scene.pick({0, 5}));
          camera.frame.yuv = ranges[scene.integer(0, 3)];
          camera.frame.rotation = rotation;
          camera.frame.mirrored = mirrored;
          try_one(normalised(camera.frame, channels, scene.integer(1, 50), scene.integer(1, 90)));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST_P(FrameToTensor, EqualsTheReferenceAtRandomSizes) {
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const std::int32_t width = scene.integer(1, 150), height = scene.integer(1, 60);
    Camera camera(scene, formats[scene.integer(0, 7)], width, height, scene.pick({0, 0, 7}));
    Frame& f = camera.frame;
    f.yuv = ranges[scene.integer(0, 3)];
    f.rotation = 90 * scene.integer(0, 3);
    f.mirrored = scene.coin();
    if (scene.coin()) {
      f.crop = {scene.integer(0, width - 1), scene.integer(0, height - 1), 0, 0};
      f.crop.width = scene.integer(1, width - f.crop.x);
      f.crop.height = scene.integer(1, height - f.crop.y);
    }
    try_one(normalised(f, scene.pick({1, 3}), scene.integer(1, 50), scene.integer(1, 150)));
  }
}

TEST_P(FrameToTensor, EqualsTheReferenceAtTheSmallestSizes) {
  Scene scene(3);
  for (const PixelFormat format : formats) {
    for (const auto& [width, height] : {std::pair(1, 1), std::pair(2, 1), std::pair(1, 2), std::pair(3, 3)}) {
      for (const auto& [out_h, out_w] : {std::pair(1, 1), std::pair(5, 1), std::pair(1, 17), std::pair(2, 2)}) {
        for (const std::int32_t rotation : {0, 90, 180, 270}) {
          Camera camera(scene, format, width, height);
          camera.frame.rotation = rotation;
          try_one(normalised(camera.frame, 3, out_h, out_w));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST_P(FrameToTensor, EqualsTheReferenceWhereAStripEnds) {
  Scene scene(2);
  for (const std::int32_t rotation : {0, 270}) {
    for (const std::int32_t width : {63, 64, 65, 351, 352, 353, 400, 704, 800}) {
      Camera small(scene, PixelFormat::rgb, 90, 6), large(scene, PixelFormat::nv21, 1000, 11);
      small.frame.rotation = large.frame.rotation = rotation;
      try_one(normalised(small.frame, 3, 11, width));
      try_one(normalised(large.frame, 3, 6, width));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(FrameToTensor, CoversAPartAndPadsTheRest) {
  for (std::uint32_t seed = 0; seed < 100 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    Camera camera(scene, formats[scene.integer(0, 7)], scene.integer(1, 90), scene.integer(1, 40));
    camera.frame.rotation = 90 * scene.integer(0, 3);
    const std::int32_t out_h = scene.integer(1, 40), out_w = scene.integer(1, 300);
    FrameArgs args = normalised(camera.frame, scene.pick({1, 3}), out_h, out_w);
    args.covered = {scene.integer(0, out_w - 1), scene.integer(0, out_h - 1), 0, 0};
    args.covered.width = scene.integer(1, out_w - args.covered.x);
    args.covered.height = scene.integer(1, out_h - args.covered.y);
    args.bgr = scene.coin();
    for (float& value : args.pad) value = static_cast<float>(scene.integer(0, 255));
    try_one(args);
  }
}

/// Multiples of five that are enlarged five times: fifths, and none of them a half.
TEST_P(FrameToTensor, RoundsToWholeNumbers) {
  Scene scene(8);
  Camera camera(scene, PixelFormat::rgb, 40, 9);
  for (std::uint8_t& byte : camera.planes[0]) byte = static_cast<std::uint8_t>(byte / 5 * 5);
  FrameArgs args = normalised(camera.frame, 3, 45, 200);
  args.rounded = true;
  args.bgr = true;
  try_one(args);
  for (std::size_t c = 0; c < 3; ++c) args.scale[c] = 1, args.shift[c] = 0;
  std::vector<float> output(size_of(args));
  args.output = output.data();
  row().run(args);
  for (const float value : output) ASSERT_EQ(value, std::nearbyint(value));
}

TEST_P(FrameToTensor, PlanesOfBgrAreThoseOfRgbTheOtherWayRound) {
  Scene scene(9);
  const Camera camera(scene, PixelFormat::rgb, 20, 10);
  FrameArgs args;
  args.frame = camera.frame;
  args.channels = 3;
  args.out_h = 7;
  args.out_w = 30;
  std::vector<float> rgb(size_of(args)), bgr(size_of(args));
  args.output = rgb.data();
  row().run(args);
  args.output = bgr.data();
  args.bgr = true;
  row().run(args);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 210; ++i) ASSERT_EQ(bgr[c * 210 + i], rgb[(2 - c) * 210 + i]);
  }
}

TEST_P(FrameToTensor, OfTheSameSizeIsScaledOnly) {
  Scene scene(1);
  const Camera camera(scene, PixelFormat::rgb, 70, 9);
  FrameArgs args = normalised(camera.frame, 3, 9, 70);
  std::vector<float> out(size_of(args));
  args.output = out.data();
  row().run(args);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t p = 0; p < 9 * 70; ++p) {
      ASSERT_NEAR(out[c * 9 * 70 + p], args.scale[c] * camera.planes[0][p * 3 + c] + args.shift[c], 1e-5);
    }
  }
}

/// Within a wider memory, whose other bytes stay.
std::vector<std::uint8_t> bytes_of(FrameArgs args, void (*run)(const FrameArgs&)) {
  std::vector<std::uint8_t> bytes(size_of(args) + 2, 0xA5);
  args.type = Type::u8;
  args.output = bytes.data() + 1;
  run(args);
  EXPECT_EQ(bytes.front(), 0xA5);
  EXPECT_EQ(bytes.back(), 0xA5);
  return {bytes.begin() + 1, bytes.end() - 1};
}

TEST_P(FrameToTensor, BytesAreTheNearestToItsFloats) {
  Scene scene(6);
  for (const PixelFormat format : formats) {
    for (const std::int32_t rotation : {0, 90}) {
      Camera camera(scene, format, scene.integer(1, 90), scene.integer(1, 40));
      camera.frame.rotation = rotation;
      FrameArgs args = normalised(camera.frame, 3, scene.integer(1, 20), scene.integer(1, 300));
      for (std::size_t c = 0; c < 3; ++c) {  // beyond what a byte holds, on both sides
        args.scale[c] = 1.5F + 0.1F * static_cast<float>(c);
        args.shift[c] = -40.0F;
      }
      std::vector<float> floats(size_of(args));
      args.output = floats.data();
      row().run(args);
      const std::vector<std::uint8_t> bytes = bytes_of(args, row().run), reference = bytes_of(args, frame_reference);
      for (std::size_t i = 0; i < floats.size(); ++i) {
        const float within = std::clamp(floats[i], 0.0F, 255.0F);
        ASSERT_EQ(bytes[i], std::nearbyint(within)) << i;
        ASSERT_NEAR(reference[i], within, 0.501) << i;
      }
    }
  }
}

TEST_P(FrameToTensor, PixelsAreTheirOwnBytes) {
  Scene scene(7);
  const Camera camera(scene, PixelFormat::grey, 301, 5);
  FrameArgs args = normalised(camera.frame, 1, 5, 301);
  ASSERT_TRUE(args.normalise(0, 0.0F, 1.0F / 255));
  EXPECT_EQ(bytes_of(args, row().run), camera.planes[0]);
}

/// The corners of a frame of letters, read like a page.
TEST_P(FrameToTensor, TurnsClockwiseAndThenMirrors) {
  const std::array<std::uint8_t, 6> letters = {'a', 'b', 'c',  //
                                               'd', 'e', 'f'};
  Frame frame;
  frame.planes[0] = letters.data();
  frame.width = 3;
  frame.height = 2;
  frame.format = PixelFormat::grey;
  const struct {
    std::int32_t rotation;
    bool mirrored;
    const char* upright;
  } cases[] = {{0, false, "abcdef"}, {90, false, "daebfc"}, {180, false, "fedcba"}, {270, false, "cfbead"},
               {0, true, "cbafed"},  {90, true, "adbecf"},  {180, true, "defabc"},  {270, true, "fcebda"}};
  for (const auto& [rotation, mirrored, upright] : cases) {
    frame.rotation = rotation;
    frame.mirrored = mirrored;
    const bool turned = rotation == 90 || rotation == 270;
    std::string read;
    for (const float value : run(frame, 1, turned ? 3 : 2, turned ? 2 : 3)) read += static_cast<char>(value);
    EXPECT_EQ(read, upright) << rotation << (mirrored ? " mirrored" : "");
  }
}

/// Colours as BT.601 and BT.709 encode them, worked out by hand: Y = 16 + 219 (Kr R + Kg G + Kb B) and so on, rounded.
TEST_P(FrameToTensor, KnowsTheColoursOfYuv) {
  const struct {
    YuvRange yuv;
    std::array<std::uint8_t, 3> encoded;
    std::array<float, 3> rgb;
  } cases[] = {
      {YuvRange::bt601_limited, {81, 90, 240}, {255, 0, 0}},
      {YuvRange::bt601_limited, {145, 54, 34}, {0, 255, 0}},
      {YuvRange::bt601_limited, {41, 240, 110}, {0, 0, 255}},
      {YuvRange::bt601_limited, {235, 128, 128}, {255, 255, 255}},
      {YuvRange::bt601_limited, {16, 128, 128}, {0, 0, 0}},
      {YuvRange::bt601_full, {76, 85, 255}, {255, 0, 0}},
      {YuvRange::bt601_full, {150, 44, 21}, {0, 255, 0}},
      {YuvRange::bt601_full, {29, 255, 107}, {0, 0, 255}},
      {YuvRange::bt601_full, {200, 128, 128}, {200, 200, 200}},
      {YuvRange::bt709_limited, {63, 102, 240}, {255, 0, 0}},
      {YuvRange::bt709_limited, {173, 42, 26}, {0, 255, 0}},
      {YuvRange::bt709_limited, {32, 240, 118}, {0, 0, 255}},
      {YuvRange::bt709_full, {54, 99, 255}, {255, 0, 0}},
      {YuvRange::bt709_full, {182, 30, 12}, {0, 255, 0}},
      {YuvRange::bt709_full, {18, 255, 116}, {0, 0, 255}},
  };
  for (const auto& [yuv, encoded, rgb] : cases) {
    const auto [y, u, v] = encoded;
    SCOPED_TRACE(std::to_string(static_cast<int>(yuv)) + ": " + std::to_string(y) + " " + std::to_string(u) + " " +
                 std::to_string(v));
    const std::array<std::uint8_t, 4> luma = {y, y, y, y};
    const std::array<std::uint8_t, 2> uv = {u, v}, vu = {v, u};
    Frame frame;
    frame.width = frame.height = 2;
    frame.yuv = yuv;
    for (const PixelFormat format : {PixelFormat::nv12, PixelFormat::nv21, PixelFormat::i420}) {
      frame.format = format;
      frame.planes[0] = luma.data();
      frame.planes[1] = format == PixelFormat::nv21 ? vu.data() : uv.data();
      frame.planes[2] = format == PixelFormat::i420 ? uv.data() + 1 : nullptr;
      const std::vector<float> out = run(frame, 3, 2, 2);
      // Half a unit of Y, U and V, times the largest factor.
      for (std::size_t i = 0; i < 12; ++i) EXPECT_NEAR(out[i], rgb[i / 4], 1.5) << "float " << i;
      frame.planes[1] = frame.planes[2] = nullptr;  // grey is Y alone
      const bool limited = yuv == YuvRange::bt601_limited || yuv == YuvRange::bt709_limited;
      const float grey = limited ? static_cast<float>(y - 16) * 255 / 219 : y;
      for (const float value : run(frame, 1, 2, 2)) EXPECT_NEAR(value, grey, 1e-4);
    }
  }
}

TEST_P(FrameToTensor, WeighsTheColoursOfGrey) {
  const std::array<std::uint8_t, 8> pixels = {10, 200, 30, 99, 200, 10, 30, 99};  // two of four bytes
  Frame frame;
  frame.planes[0] = pixels.data();
  frame.width = 2;
  frame.height = 1;
  frame.format = PixelFormat::rgba;
  std::vector<float> out = run(frame, 1, 1, 2);
  EXPECT_NEAR(out[0], 2.99 + 117.4 + 3.42, 1e-4);
  EXPECT_NEAR(out[1], 59.8 + 5.87 + 3.42, 1e-4);
  frame.format = PixelFormat::bgra;
  out = run(frame, 1, 1, 2);
  EXPECT_NEAR(out[0], 1.14 + 117.4 + 8.97, 1e-4);
  frame.format = PixelFormat::bgra;
  out = run(frame, 3, 1, 2);
  EXPECT_EQ(out, (std::vector<float>{30, 30, 200, 10, 10, 200}));
}

/// Chroma belongs to two by two pixels of the frame, wherever the crop begins.
TEST_P(FrameToTensor, CountsChromaFromTheFramesCorner) {
  Scene scene(5);
  Camera camera(scene, PixelFormat::nv12, 7, 5);
  const std::vector<float> whole = run(camera.frame, 3, 5, 7);
  camera.frame.crop = {3, 1, 3, 3};
  const std::vector<float> part = run(camera.frame, 3, 3, 3);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t y = 0; y < 3; ++y) {
      for (std::size_t x = 0; x < 3; ++x) {
        EXPECT_NEAR(part[(c * 3 + y) * 3 + x], whole[(c * 5 + y + 1) * 7 + x + 3], 1e-4) << c << " " << y << " " << x;
      }
    }
  }
}

/// Pages of which the one before and the one behind cannot be touched.
class Guarded {
 public:
  explicit Guarded(std::size_t bytes) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    inside_ = (bytes + page_ - 1) / page_ * page_;
    void* const map = mmap(nullptr, inside_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) throw std::bad_alloc();
    map_ = static_cast<std::uint8_t*>(map);
    if (mprotect(begin(), inside_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  }
  ~Guarded() { munmap(map_, inside_ + 2 * page_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  [[nodiscard]] std::uint8_t* begin() const { return map_ + page_; }
  [[nodiscard]] std::uint8_t* end() const { return begin() + inside_; }

 private:
  std::size_t page_, inside_ = 0;
  std::uint8_t* map_ = nullptr;
};

/// The first byte of the crop is the first that may be touched, or the last one is the last.
TEST_P(FrameToTensor, ReadsNothingOutsideTheCrop) {
  Scene scene(4);
  for (const PixelFormat format : formats) {
    for (const Crop crop : {Crop{0, 0, 21, 13}, Crop{0, 0, 1, 1}, Crop{3, 5, 10, 6}, Crop{4, 2, 17, 11}}) {
      for (const std::int32_t rotation : {0, 90, 180, 270}) {
        for (const bool at_end : {false, true}) {
          Camera camera(scene, format, 21, 13);
          camera.frame.crop = crop;
          camera.frame.rotation = rotation;
          FrameArgs args = normalised(camera.frame, 3, 8, 11);
          std::vector<float> expected(size_of(args)), actual(expected);
          args.output = expected.data();
          row().run(args);

          std::vector<std::unique_ptr<Guarded>> memory;
          for (std::int32_t p = 0; p < plane_count(format); ++p) {
            const bool halved = is_yuv(format) && p > 0;
            const std::int32_t x0 = halved ? crop.x / 2 * 2 : crop.x, y0 = halved ? crop.y / 2 : crop.y;
            const std::int32_t y1 = halved ? (crop.y + crop.height - 1) / 2 : crop.y + crop.height - 1;
            const std::int64_t stride = row_bytes(format, p, 21);
            const std::int64_t first = y0 * stride + row_bytes(format, p, x0);
            const std::int64_t last = y1 * stride + row_bytes(format, p, crop.x + crop.width);
            memory.push_back(std::make_unique<Guarded>(static_cast<std::size_t>(last - first)));
            std::uint8_t* const at = at_end ? memory.back()->end() - (last - first) : memory.back()->begin();
            std::copy(camera.planes[p].begin() + first, camera.planes[p].begin() + last, at);
            args.frame.planes[p] = reinterpret_cast<const std::uint8_t*>(reinterpret_cast<std::uintptr_t>(at) -
                                                                         static_cast<std::uintptr_t>(first));
          }
          args.output = actual.data();
          row().run(args);
          ASSERT_EQ(actual, expected);
        }
      }
    }
  }
}

/// Strides so large that 32 bits do not hold a row's place.
TEST_P(FrameToTensor, ReadsRowsThatAreFarApart) {
  if constexpr (sizeof(void*) == 4) GTEST_SKIP() << "no memory is that large";
  constexpr std::int64_t stride = std::int64_t{1} << 30;
  constexpr std::size_t bytes = (std::size_t{3} << 30) + 4;
  void* const map = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) GTEST_SKIP() << "no address space of 3 GiB";
  auto* const pixels = static_cast<std::uint8_t*>(map);
  for (std::int64_t y = 0; y < 4; ++y) pixels[y * stride + 1] = static_cast<std::uint8_t>(y + 1);
  Frame frame;
  frame.planes[0] = pixels;
  frame.strides[0] = stride;
  frame.width = 2;
  frame.height = 4;
  frame.format = PixelFormat::grey;
  EXPECT_EQ(run(frame, 1, 4, 2), (std::vector<float>{0, 1, 0, 2, 0, 3, 0, 4}));
  frame.rotation = 90;
  EXPECT_EQ(run(frame, 1, 2, 4), (std::vector<float>{0, 0, 0, 0, 4, 3, 2, 1}));
  munmap(map, bytes);
}

RIFFLE_EVERY_ROW(FrameToTensor, FrameKernel);

}  // namespace
}  // namespace riffle::kernels::testing
