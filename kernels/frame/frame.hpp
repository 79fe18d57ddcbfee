// An 8-bit picture, a camera's or a file's, to an input tensor.
//
//   out[c][y][x] = scale[c] * resized(y, x, c) + shift[c]
//
// as float, or as the nearest integer (ties to even) within 0 to 255. The picture may cover a part of the output alone,
// whose rest is as if `pad` were the pixel there (letterboxes).
//
// What is cropped from the frame is made upright: rotated clockwise, then mirrored. Every pixel of it becomes R, G, B
// or grey in 0 to 255 (clamped, not rounded). That picture is resized bilinearly to out_h x out_w with half-pixel
// centres and no antialiasing (torch.nn.functional.interpolate with align_corners=False: source = (d + 0.5) * in / out
// - 0.5, clamped at the picture's border). PyTorch's Normalize(mean, std) on pixels / 255 is scale = 1 / (255 std),
// shift = -mean / std.
//
//   Y' = 255 / 219 * (Y - 16)     Cb, Cr = 255 / 224 * (U - 128, V - 128)     limited range (video)
//   Y' = Y                        Cb, Cr = U - 128, V - 128                   full range (JPEG)
//   R = Y' + 2 (1 - Kr) Cr        B = Y' + 2 (1 - Kb) Cb                      G = (Y' - Kr R - Kb B) / (1 - Kr - Kb)
//
// With Kr = 0.299, Kb = 0.114 this is ITU-R BT.601-7 (sections 2.5.1 to 2.5.3) and, in full range, JFIF 1.02 (R = Y +
// 1.402 Cr, ...); with Kr = 0.2126, Kb = 0.0722 it is BT.709-6 (items 3.2 to 3.5). Grey is 0.299 R + 0.587 G + 0.114 B
// of colours, Y' of YUV. A sample of U and V counts for all its two by two pixels: it is not interpolated.
//
// The kernels differ from the reference by the rounding of float only: by less than 1e-6 of the range of the result. An
// integer is another one where that makes a number of the middle between two.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// In the order of the bytes in memory. nv12: a plane Y and one of U, V pairs; nv21: V, U pairs; i420: planes Y, U, V.
enum class PixelFormat : std::uint8_t { rgb, bgr, rgba, bgra, grey, nv12, nv21, i420 };

enum class YuvRange : std::uint8_t { bt601_full, bt601_limited, bt709_full, bt709_limited };

constexpr bool is_yuv(PixelFormat format) { return format >= PixelFormat::nv12; }

/// The planes that the format has, and the bytes of a row of `width` pixels in one of them.
std::int32_t plane_count(PixelFormat format);
std::int64_t row_bytes(PixelFormat format, std::int32_t plane, std::int32_t width);

/// A rectangle, in pixels of the frame as it is.
struct Crop {
  std::int32_t x = 0, y = 0, width = 0, height = 0;
};

struct Frame {
  const std::uint8_t* planes[3] = {};
  std::int64_t strides[3] = {};  ///< bytes from a row of a plane to the next; 0: rows stand side by side
  std::int32_t width = 0, height = 0;
  PixelFormat format = PixelFormat::rgb;
  YuvRange yuv = YuvRange::bt601_full;
  Crop crop = {};             ///< inside the frame; of width and height 0: all of it
  std::int32_t rotation = 0;  ///< 0, 90, 180, 270 degrees clockwise
  bool mirrored = false;      ///< left and right are exchanged, after the rotation
};

struct FrameArgs {
  Frame frame;
  std::int32_t channels = 0;  ///< 1: grey; 3: R, G, B
  bool bgr = false;           ///< of 3 channels: the planes are B, G, R
  std::int32_t out_h = 0, out_w = 0;
  Crop covered = {};           ///< what the picture becomes, of the output; of width and height 0: all of it
  float pad[3] = {};           ///< by plane: of 0 to 255, around that
  bool rounded = false;        ///< resized values are whole numbers, half rounded up
  float scale[3] = {1, 1, 1};  ///< by plane
  float shift[3] = {0, 0, 0};
  Type type = Type::f32;   ///< of the results: f32 or u8
  void* output = nullptr;  ///< out_h * out_w pixels of `channels` numbers
  bool as_pixels = false;  ///< each pixel's channels side by side, or else planes

  [[nodiscard]] RIFFLE_INLINE std::int64_t channel_stride() const {
    return as_pixels ? 1 : static_cast<std::int64_t>(out_h) * out_w;
  }
  [[nodiscard]] RIFFLE_INLINE std::int64_t pixel_stride() const { return as_pixels ? channels : 1; }

  /// Channel c becomes (value / 255 - mean) / deviation. False where float cannot hold that.
  bool normalise(std::int32_t c, float mean, float deviation);
};

/// Reads nothing outside the crop: of U and V, the samples that its pixels have.
struct FrameKernel {
  static constexpr std::string_view operation = "frame";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const FrameArgs&) = nullptr;
};

void frame_reference(const FrameArgs& args);

// What kernels and reference have in common.

/// args.covered, or all of the output.
Crop covered_part(const FrameArgs& args);
/// Writes what is not covered.
void fill_around(const FrameArgs& args);

/// What the kernels make of a frame: where the cells of its upright picture stand, and what is in them. Cell (y, x) of
/// a plane is what stands at byte
///
///   first + column(x) * step_x + row(y) * step_y
///
/// where column(x) = (columns.first + x * columns.step) >> halved, row alike: a rotation by 90 degrees is a picture
/// whose columns are the frame's rows.
struct FrameSamples {
  /// A cell is a byte, a pair (U, V), three or four (R, G, B and what else there is).
  struct Plane {
    const std::uint8_t* first = nullptr;
    std::int64_t step_x = 0, step_y = 0;  ///< bytes
    std::int32_t bytes = 0;               ///< of a cell, 1 to 4
    std::int32_t halved = 0;              ///< 1 for cells that two by two pixels share
  };
  /// What the upright picture's columns (rows) are in the frame: its columns or rows, from `first` on, by 1 or -1.
  struct Direction {
    std::int32_t first = 0, step = 1, count = 0;
  };
  /// A byte of a plane's cells.
  struct Sample {
    std::int32_t plane = 0, byte = 0;
    float zero = 0;  ///< what it is counted from
  };

  Plane planes[3];
  std::int32_t plane_count = 0;
  Direction columns, rows;
  bool along_columns = false;  ///< do the upright picture's rows go along the frame's columns?

  Sample samples[3];
  std::int32_t sample_count = 0;  ///< 1 or 3, of which each pixel is made ...
  std::int32_t colour_count = 0;  ///< ... into 1 or 3 colours, the clamped sum over k of
  float matrix[3][3] = {};        ///< matrix[colour][k] * (samples[k] - samples[k].zero)
  bool as_they_are = false;       ///< the matrix is the identity
};

FrameSamples frame_samples(const Frame& frame, std::int32_t channels);

}  // namespace riffle::kernels
