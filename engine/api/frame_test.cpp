#include "kernels/frame/frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/format/format.hpp"
#include "riffle/riffle.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

/// A global average: it takes images of any size, and any number of channels.
std::vector<std::byte> network(std::int32_t channels) {
  graph::Graph result;
  const graph::NodeId input = result.add("input", graph::Input{{8, 8, channels}});
  result.outputs = {{result.add("average", graph::GlobalAveragePool{}, {input})}};
  return format::save(result);
}

class Frame : public ::testing::Test {
 protected:
  /// A session whose input, of uint8, is 3 x height x width.
  static Session session_of_bytes(std::int32_t height, std::int32_t width) {
    graph::Graph graph;
    graph.add("input", graph::Input{.shape = {height, width, 3}, .type = Type::u8, .quantization = {1.0F, 100}});
    graph.outputs = {{graph.add("average", graph::GlobalAveragePool{}, {0})}};
    const std::vector<std::byte> bytes = format::save(graph);
    return Session(Model(std::span<const std::byte>(bytes)));
  }

  /// A session whose input is channels x height x width.
  static Session session(std::int32_t channels, std::int32_t height, std::int32_t width) {
    static const std::vector<std::byte> networks[] = {network(1), network(2), network(3), network(4)};
    const std::vector<std::byte>& bytes = networks[channels - 1];
    riffle_options options = {};
    options.height = height;
    options.width = width;
    return Session(Model(std::span<const std::byte>(bytes)), options);
  }

  /// A frame of random bytes that this test keeps.
  riffle_frame random_frame(riffle_pixel_format format, std::int32_t width, std::int32_t height, std::int32_t gap) {
    riffle_frame frame = {};
    frame.format = format;
    frame.width = width;
    frame.height = height;
    const auto of_kernels = static_cast<kernels::PixelFormat>(format);
    for (std::int32_t p = 0; p < kernels::plane_count(of_kernels); ++p) {
      const auto row = static_cast<std::int32_t>(kernels::row_bytes(of_kernels, p, width));
      if (gap > 0) frame.strides[p] = row + gap + p;
      const std::int32_t stride = gap > 0 ? frame.strides[p] : row, rows = p == 0 ? height : (height + 1) / 2;
      bytes_[p].resize(static_cast<std::size_t>((rows - 1) * stride + row));
      for (std::uint8_t& byte : bytes_[p]) byte = static_cast<std::uint8_t>(random_());
      frame.planes[p] = bytes_[p].data();
    }
    return frame;
  }

  std::mt19937 random_;

 private:
  std::vector<std::uint8_t> bytes_[3];
};

constexpr riffle_normalisation normalisation = {{0.485F, 0.456F, 0.406F, 0}, {0.229F, 0.224F, 0.225F, 0}};

std::vector<float> reference(const riffle_frame& frame, const riffle_tensor& input) {
  kernels::FrameArgs args;
  for (int p = 0; p < 3; ++p) {
    args.frame.planes[p] = frame.planes[p];
    args.frame.strides[p] = frame.strides[p];
  }
  args.frame.width = frame.width;
  args.frame.height = frame.height;
  args.frame.format = static_cast<kernels::PixelFormat>(frame.format);
  args.frame.yuv = static_cast<kernels::YuvRange>(frame.yuv);
  args.frame.crop = {frame.crop_x, frame.crop_y, frame.crop_width, frame.crop_height};
  args.frame.rotation = frame.rotation;
  args.frame.mirrored = frame.mirrored != 0;
  args.channels = input.channels;
  args.out_h = input.height;
  args.out_w = input.width;
  for (std::int32_t c = 0; c < input.channels; ++c) {
    args.scale[c] = 1 / (255 * normalisation.deviation[c]);
    args.shift[c] = -normalisation.mean[c] / normalisation.deviation[c];
  }
  std::vector<float> result(input.size);
  args.output = result.data();
  kernels::frame_reference(args);
  return result;
}

TEST_F(Frame, IsWhatTheReferenceReads) {
  constexpr std::int32_t sizes[][2] = {{21, 13}, {8, 30}, {1, 1}};  // width, height
  for (const std::int32_t channels : {1, 3}) {
    for (const auto& [out_h, out_w] : {std::pair(8, 8), std::pair(17, 35)}) {
      const Session reader = session(channels, out_h, out_w);
      for (int format = RIFFLE_RGB; format <= RIFFLE_I420; ++format) {
        for (int variant = 0; variant < 4 * 2 * 2 * 3; ++variant) {
          const auto& [width, height] = sizes[variant % 3];
          riffle_frame frame = random_frame(static_cast<riffle_pixel_format>(format), width, height, variant % 2 * 5);
          frame.yuv = static_cast<riffle_yuv>(random_() % 4);
          frame.rotation = variant / 12 * 90;
          frame.mirrored = variant / 6 % 2 * 7;
          if (variant / 3 % 2 != 0) {
            frame.crop_x = width / 3;
            frame.crop_y = height / 2;
            frame.crop_width = width - frame.crop_x;
            frame.crop_height = (height - frame.crop_y + 1) / 2;
          }
          SCOPED_TRACE("format " + std::to_string(format) + ", variant " + std::to_string(variant));
          std::vector<float> read(reader.input().size, std::numeric_limits<float>::quiet_NaN());
          reader.read_frame(frame, read, &normalisation);
          const std::vector<float> expected = reference(frame, reader.input());
          for (std::size_t i = 0; i < read.size(); ++i) ASSERT_NEAR(read[i], expected[i], 1e-5F) << "float " << i;
        }
      }
    }
  }
}

TEST_F(Frame, WithoutNormalisationIsFromZeroToOne) {
  const std::uint8_t pixels[] = {0, 51, 102, 153, 204, 255};
  riffle_frame frame = {};
  frame.planes[0] = pixels;
  frame.width = 2;
  frame.height = 1;
  frame.format = RIFFLE_BGR;
  std::vector<float> read(6);
  session(3, 1, 2).read_frame(frame, read);
  const float expected[] = {0.4F, 1, 0.2F, 0.8F, 0, 0.6F};  // R, G, B
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(read[i], expected[i], 1e-6F) << i;
}

TEST_F(Frame, OfAnInputOfBytesIsThePixels) {
  const riffle_frame frame = random_frame(RIFFLE_RGB, 5, 4, 0);
  const Session reader = session_of_bytes(4, 5);
  std::vector<std::uint8_t> read(60);
  reader.read_frame(frame, read);
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(read[i], frame.planes[0][i % 20 * 3 + i / 20]) << i;
}

TEST_F(Frame, OfAnInputOfBytesIsNormalisedAndRounded) {
  const riffle_frame frame = random_frame(RIFFLE_NV12, 20, 11, 0);
  const riffle_normalisation by = {{0.1F, 0.2F, 0.3F, 0}, {1.0F / 170, 1.0F / 300, 1.0F / 500, 0}};
  std::vector<float> floats(3 * 9 * 7);
  session(3, 9, 7).read_frame(frame, floats, &by);
  std::vector<std::uint8_t> bytes(floats.size());
  session_of_bytes(9, 7).read_frame(frame, bytes, &by);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_EQ(bytes[i], std::nearbyint(std::clamp(floats[i], 0.0F, 255.0F))) << floats[i];
  }
}

TEST_F(Frame, IsRefusedByInputsOfOtherTypes) {
  const riffle_frame frame = random_frame(RIFFLE_RGB, 4, 4, 0);
  std::vector<std::uint8_t> bytes(48);
  std::vector<float> floats(48);
  EXPECT_THROW(session(3, 4, 4).read_frame(frame, bytes), Failure);
  EXPECT_THROW(session_of_bytes(4, 4).read_frame(frame, floats), Failure);
  graph::Graph graph;
  graph.add("input", graph::Input{.shape = {4, 4, 3}, .type = Type::f16});
  graph.outputs = {{graph.add("average", graph::GlobalAveragePool{}, {0})}};
  const std::vector<std::byte> saved = format::save(graph);
  const Session halves{Model(std::span<const std::byte>(saved))};
  riffle_error error;
  EXPECT_EQ(riffle_session_read_frame(halves.get(), &frame, nullptr, floats.data(), &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "the session's input is neither float32 nor uint8: its numbers are the caller's to make");
}

TEST_F(Frame, GreyOfYuvNeedsNoChroma) {
  riffle_frame frame = random_frame(RIFFLE_NV21, 5, 4, 0);
  frame.planes[1] = nullptr;
  frame.strides[1] = -1;
  std::vector<float> read(20);
  session(1, 4, 5).read_frame(frame, read);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_NEAR(read[i], static_cast<float>(frame.planes[0][i]) / 255, 1e-6F);
}

/// Every field that may be wrong: what is said, and that nothing is written.
TEST_F(Frame, ArgumentsOutOfRangeAreNamed) {
  static const float something = 0;
  const struct {
    const char* message;
    void (*set)(riffle_frame&);
  } cases[] = {
      {"a reserved field is not zero", [](riffle_frame& f) { f.reserved[3] = &something; }},
      {"format is 8,", [](riffle_frame& f) { f.format = static_cast<riffle_pixel_format>(8); }},
      {"format is -1,", [](riffle_frame& f) { f.format = static_cast<riffle_pixel_format>(-1); }},
      {"yuv is 4,", [](riffle_frame& f) { f.yuv = static_cast<riffle_yuv>(4); }},
      {"yuv is -1,", [](riffle_frame& f) { f.yuv = static_cast<riffle_yuv>(-1); }},
      {"width is 0, not in 1 to 32768", [](riffle_frame& f) { f.width = 0; }},
      {"width is 32769,", [](riffle_frame& f) { f.width = 32769; }},
      {"height is -7,", [](riffle_frame& f) { f.height = -7; }},
      {"height is 32769,", [](riffle_frame& f) { f.height = 32769; }},
      {"planes[0] is NULL", [](riffle_frame& f) { f.planes[0] = nullptr; }},
      {"planes[1] is NULL", [](riffle_frame& f) { f.planes[1] = nullptr; }},
      {"planes[2] is NULL", [](riffle_frame& f) { f.planes[2] = nullptr; }},
      {"strides[0] is 20, less than the 21 bytes", [](riffle_frame& f) { f.strides[0] = 20; }},
      {"strides[1] is 10, less than the 11 bytes", [](riffle_frame& f) { f.strides[1] = 10; }},
      {"strides[2] is -11,", [](riffle_frame& f) { f.strides[2] = -11; }},
      {"strides[1] is 21, less than the 22 bytes",
       [](riffle_frame& f) {
         f.format = RIFFLE_NV12;
         f.strides[1] = 21;
       }},
      {"strides[0] is 83, less than the 84 bytes",
       [](riffle_frame& f) {
         f.format = RIFFLE_BGRA;
         f.strides[0] = 83;
       }},
      {"crop_x is 1, but crop_width and crop_height are 0", [](riffle_frame& f) { f.crop_x = 1; }},
      {"crop_y is -1, but crop_width and crop_height are 0", [](riffle_frame& f) { f.crop_y = -1; }},
      {"crop_width is 0", [](riffle_frame& f) { f.crop_height = 5; }},
      {"crop_height is 0", [](riffle_frame& f) { f.crop_width = 5; }},
      {"crop_width is -1",
       [](riffle_frame& f) {
         f.crop_width = -1;
         f.crop_height = 5;
       }},
      {"crop_x is -2",
       [](riffle_frame& f) {
         f.crop_x = -2;
         f.crop_width = f.crop_height = 5;
       }},
      {"crop_y is -3",
       [](riffle_frame& f) {
         f.crop_y = -3;
         f.crop_width = f.crop_height = 5;
       }},
      {"crop_x is 17 and crop_width is 5, but the frame's width is 21",
       [](riffle_frame& f) {
         f.crop_x = 17;
         f.crop_width = f.crop_height = 5;
       }},
      {"crop_y is 9 and crop_height is 5, but the frame's height is 13",
       [](riffle_frame& f) {
         f.crop_y = 9;
         f.crop_width = f.crop_height = 5;
       }},
      {"crop_x is 2147483647 and crop_width is 2147483647,",
       [](riffle_frame& f) {
         f.crop_x = f.crop_width = 2147483647;
         f.crop_height = 1;
       }},
      {"rotation is 45,", [](riffle_frame& f) { f.rotation = 45; }},
      {"rotation is -90,", [](riffle_frame& f) { f.rotation = -90; }},
      {"rotation is 360,", [](riffle_frame& f) { f.rotation = 360; }},
  };
  const riffle_frame good = random_frame(RIFFLE_I420, 21, 13, 0);
  const Session reader = session(3, 4, 4);
  const std::vector<float> untouched(48, 7);
  std::vector<float> read = untouched;
  riffle_error error;
  for (const auto& one : cases) {
    riffle_frame frame = good;
    one.set(frame);
    error.message[0] = '\0';
    EXPECT_EQ(riffle_session_read_frame(reader.get(), &frame, nullptr, read.data(), &error), RIFFLE_BAD_ARGUMENT);
    EXPECT_EQ(std::string(error.message).find(one.message), 0U) << error.message << "\n" << one.message;
    EXPECT_EQ(riffle_session_read_frame(reader.get(), &frame, nullptr, read.data(), nullptr), RIFFLE_BAD_ARGUMENT);
  }
  EXPECT_EQ(read, untouched);
  EXPECT_EQ(riffle_session_read_frame(reader.get(), &good, nullptr, read.data(), &error), RIFFLE_OK);
  EXPECT_NE(read, untouched);
}

TEST_F(Frame, NullIsNamed) {
  const riffle_frame frame = random_frame(RIFFLE_RGB, 4, 4, 0);
  const Session reader = session(3, 4, 4);
  float read[48];
  riffle_error error;
  EXPECT_EQ(riffle_session_read_frame(nullptr, &frame, nullptr, read, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "session is NULL");
  EXPECT_EQ(riffle_session_read_frame(reader.get(), nullptr, nullptr, read, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "frame is NULL");
  EXPECT_EQ(riffle_session_read_frame(reader.get(), &frame, nullptr, nullptr, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "input is NULL");
}

TEST_F(Frame, NormalisationThatIsNoneIsNamed) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const struct {
    const char* message;
    riffle_normalisation by;
  } cases[] = {
      {"deviation[0] is 0", {{0, 0, 0, 0}, {0, 1, 1, 0}}},
      {"deviation[2] is 0", {{0, 0, 0, 0}, {1, 1, 0, 0}}},
      {"deviation[1] is nan", {{0, 0, 0, 0}, {1, std::nanf(""), 1, 0}}},
      {"deviation[1] is inf", {{0, 0, 0, 0}, {1, infinity, 1, 0}}},
      {"mean[1] is -inf", {{0, -infinity, 0, 0}, {1, 1, 1, 0}}},
      {"deviation[0] is 0.1, too small for a mean[0] of 1e+38", {{1e38F, 0, 0, 0}, {0.1F, 1, 1, 0}}},
  };
  const riffle_frame frame = random_frame(RIFFLE_RGB, 4, 4, 0);
  const Session reader = session(3, 4, 4);
  float read[48];
  riffle_error error;
  for (const auto& one : cases) {
    EXPECT_EQ(riffle_session_read_frame(reader.get(), &frame, &one.by, read, &error), RIFFLE_BAD_ARGUMENT);
    EXPECT_EQ(std::string(error.message).find(one.message), 0U) << error.message << "\n" << one.message;
  }
  // Those of channels that there are not do not count.
  float grey[16];
  const riffle_normalisation of_grey = {{0, infinity, 0, 0}, {1, 0, 0, 0}};
  EXPECT_EQ(riffle_session_read_frame(session(1, 4, 4).get(), &frame, &of_grey, grey, &error), RIFFLE_OK);
}

TEST_F(Frame, IsRefusedByInputsOfOtherChannels) {
  const riffle_frame frame = random_frame(RIFFLE_RGB, 4, 4, 0);
  float read[64];
  riffle_error error;
  for (const std::int32_t channels : {2, 4}) {
    const Session reader = session(channels, 4, 4);
    EXPECT_EQ(riffle_session_read_frame(reader.get(), &frame, nullptr, read, &error), RIFFLE_BAD_ARGUMENT);
    EXPECT_EQ(error.message, "the session's input has " + std::to_string(channels) + " channels; a frame has 1 or 3");
  }
}

TEST_F(Frame, OfTheWrongSizeOfInputIsAFailure) {
  const riffle_frame frame = random_frame(RIFFLE_RGB, 4, 4, 0);
  std::vector<float> read(47);
  EXPECT_THROW(session(3, 4, 4).read_frame(frame, read), Failure);
}

}  // namespace
}  // namespace riffle
