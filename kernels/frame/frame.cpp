#include "kernels/frame/frame.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace riffle::kernels {

namespace {

// BT.601's shares of R and B in Y; G has the rest.
constexpr double bt601_red = 0.299, bt601_blue = 0.114;
constexpr double bt709_red = 0.2126, bt709_blue = 0.0722;

struct YuvMeaning {
  double red, blue;                ///< Kr, Kb
  double luma_zero, luma, chroma;  ///< Y' = luma * (Y - luma_zero), Cb = chroma * (U - 128)
};

YuvMeaning meaning(YuvRange yuv) {
  const bool is_601 = yuv == YuvRange::bt601_full || yuv == YuvRange::bt601_limited;
  const bool full = yuv == YuvRange::bt601_full || yuv == YuvRange::bt709_full;
  return {is_601 ? bt601_red : bt709_red, is_601 ? bt601_blue : bt709_blue, full ? 0.0 : 16.0,
          full ? 1.0 : 255.0 / 219.0, full ? 1.0 : 255.0 / 224.0};
}

Crop whole(const Frame& frame) {
  const bool all = frame.crop.width == 0 && frame.crop.height == 0;
  return all ? Crop{0, 0, frame.width, frame.height} : frame.crop;
}

std::int64_t stride_of(const Frame& frame, std::int32_t plane) {
  return frame.strides[plane] != 0 ? frame.strides[plane] : row_bytes(frame.format, plane, frame.width);
}

/// Bytes of a pixel of a packed format, and where in it R, G and B are.
struct Packing {
  std::int32_t size, red, green, blue;
};

Packing packing(PixelFormat format) {
  switch (format) {
    case PixelFormat::rgb:
      return {3, 0, 1, 2};
    case PixelFormat::bgr:
      return {3, 2, 1, 0};
    case PixelFormat::rgba:
      return {4, 0, 1, 2};
    case PixelFormat::bgra:
      return {4, 2, 1, 0};
    default:
      return {1, 0, 0, 0};
  }
}

// ---- The reference: one pixel at a time ----

struct Pixel {
  double value[3];
};

/// Pixel (y, x) of the frame as it is.
Pixel pixel_of_frame(const Frame& frame, std::int64_t y, std::int64_t x, std::int32_t channels) {
  const auto byte = [&](std::int32_t plane, std::int64_t row, std::int64_t at) {
    return static_cast<double>(frame.planes[plane][row * stride_of(frame, plane) + at]);
  };
  if (!is_yuv(frame.format)) {
    const Packing at = packing(frame.format);
    const double r = byte(0, y, x * at.size + at.red), g = byte(0, y, x * at.size + at.green),
                 b = byte(0, y, x * at.size + at.blue);
    if (channels == 3) return {{r, g, b}};
    const double grey =
        frame.format == PixelFormat::grey ? r : bt601_red * r + (1 - bt601_red - bt601_blue) * g + bt601_blue * b;
    return {{grey, grey, grey}};
  }
  const YuvMeaning m = meaning(frame.yuv);
  const auto clamped = [](double value) { return std::clamp(value, 0.0, 255.0); };
  const double luma = m.luma * (byte(0, y, x) - m.luma_zero);
  if (channels == 1) return {{clamped(luma), clamped(luma), clamped(luma)}};
  const bool apart = frame.format == PixelFormat::i420;
  const double first = apart ? byte(1, y / 2, x / 2) : byte(1, y / 2, x / 2 * 2);
  const double second = apart ? byte(2, y / 2, x / 2) : byte(1, y / 2, x / 2 * 2 + 1);
  const bool swapped = frame.format == PixelFormat::nv21;
  const double cb = m.chroma * ((swapped ? second : first) - 128), cr = m.chroma * ((swapped ? first : second) - 128);
  const double r = luma + 2 * (1 - m.red) * cr, b = luma + 2 * (1 - m.blue) * cb;
  const double g = (luma - m.red * r - m.blue * b) / (1 - m.red - m.blue);
  return {{clamped(r), clamped(g), clamped(b)}};
}

/// Pixel (y, x) of the upright picture.
Pixel pixel_upright(const Frame& frame, std::int64_t y, std::int64_t x, std::int32_t channels) {
  const Crop crop = whole(frame);
  const std::int64_t bottom = crop.height - 1, right = crop.width - 1;
  const bool turned = frame.rotation == 90 || frame.rotation == 270;
  if (frame.mirrored) x = (turned ? bottom : right) - x;
  const auto [row, column] = frame.rotation == 90    ? std::pair(bottom - x, y)
                             : frame.rotation == 180 ? std::pair(bottom - y, right - x)
                             : frame.rotation == 270 ? std::pair(x, right - y)
                                                     : std::pair(y, x);
  return pixel_of_frame(frame, crop.y + row, crop.x + column, channels);
}

/// The source coordinate of output `at`, clamped at the picture's border.
double source(std::int32_t at, std::int32_t in, std::int32_t out) {
  return std::clamp((at + 0.5) * in / out - 0.5, 0.0, in - 1.0);
}

}  // namespace

std::int32_t plane_count(PixelFormat format) { return format == PixelFormat::i420 ? 3 : is_yuv(format) ? 2 : 1; }

std::int64_t row_bytes(PixelFormat format, std::int32_t plane, std::int32_t width) {
  const std::int64_t pixels = width;
  if (!is_yuv(format)) return pixels * packing(format).size;
  if (plane == 0) return pixels;
  return (pixels + 1) / 2 * (format == PixelFormat::i420 ? 1 : 2);
}

bool FrameArgs::normalise(std::int32_t c, float mean, float deviation) {
  scale[c] = 1.0F / (255.0F * deviation);
  shift[c] = -mean / deviation;
  return std::isfinite(scale[c]) && std::isfinite(shift[c]);
}

Crop covered_part(const FrameArgs& args) {
  const bool all = args.covered.width == 0 && args.covered.height == 0;
  return all ? Crop{0, 0, args.out_w, args.out_h} : args.covered;
}

void fill_around(const FrameArgs& args) {
  const Crop covered = covered_part(args);
  for (std::int32_t c = 0; c < args.channels; ++c) {
    const float value = args.scale[c] * args.pad[c] + args.shift[c];
    const auto fill = [&](auto* output, auto number) {
      for (std::int32_t y = 0; y < args.out_h; ++y) {
        const bool outside = y < covered.y || y >= covered.y + covered.height;
        for (std::int32_t x = 0; x < args.out_w; ++x) {
          if (!outside && x == covered.x) x += covered.width;
          if (x >= args.out_w) break;
          const std::int64_t pixel = static_cast<std::int64_t>(y) * args.out_w + x;
          output[c * args.channel_stride() + pixel * args.pixel_stride()] = number;
        }
      }
    };
    if (args.type == Type::u8) {
      fill(static_cast<std::uint8_t*>(args.output),
           static_cast<std::uint8_t>(std::nearbyint(std::clamp(value, 0.0F, 255.0F))));
    } else {
      fill(static_cast<float*>(args.output), value);
    }
  }
}

void frame_reference(const FrameArgs& args) {
  fill_around(args);
  const Crop crop = whole(args.frame), covered = covered_part(args);
  const bool turned = args.frame.rotation == 90 || args.frame.rotation == 270;
  const std::int32_t in_h = turned ? crop.width : crop.height, in_w = turned ? crop.height : crop.width;
  for (std::int32_t y = 0; y < covered.height; ++y) {
    for (std::int32_t x = 0; x < covered.width; ++x) {
      const double sy = source(y, in_h, covered.height), sx = source(x, in_w, covered.width);
      const double fy = sy - std::floor(sy), fx = sx - std::floor(sx);
      const auto pixel = [&](double at_y, double at_x) {
        return pixel_upright(args.frame, static_cast<std::int64_t>(at_y), static_cast<std::int64_t>(at_x),
                             args.channels);
      };
      const Pixel a = pixel(std::floor(sy), std::floor(sx)), b = pixel(std::floor(sy), std::ceil(sx)),
                  c = pixel(std::ceil(sy), std::floor(sx)), d = pixel(std::ceil(sy), std::ceil(sx));
      for (std::int32_t k = 0; k < args.channels; ++k) {
        const std::int32_t colour = args.bgr ? args.channels - 1 - k : k;
        double value = (1 - fy) * (1 - fx) * a.value[colour] + (1 - fy) * fx * b.value[colour] +
                       fy * (1 - fx) * c.value[colour] + fy * fx * d.value[colour];
        if (args.rounded) value = std::floor(value + 0.5);
        const std::int64_t number = static_cast<std::int64_t>(covered.y + y) * args.out_w + covered.x + x;
        const std::int64_t at = k * args.channel_stride() + number * args.pixel_stride();
        const double result = static_cast<double>(args.scale[k]) * value + static_cast<double>(args.shift[k]);
        if (args.type == Type::u8) {
          static_cast<std::uint8_t*>(args.output)[at] =
              static_cast<std::uint8_t>(std::nearbyint(std::clamp(result, 0.0, 255.0)));
        } else {
          static_cast<float*>(args.output)[at] = static_cast<float>(result);
        }
      }
    }
  }
}

// ---- For the kernels ----

FrameSamples frame_samples(const Frame& frame, std::int32_t channels) {
  FrameSamples s;

  // Clockwise by 90 degrees, the upright picture's columns are the frame's rows from the last one up, its rows the
  // frame's columns; by 270, its columns are the frame's rows downwards, its rows the frame's columns from the last
  // one.
  const Crop crop = whole(frame);
  using Direction = FrameSamples::Direction;
  const auto forwards = [](std::int32_t first, std::int32_t count) { return Direction{first, 1, count}; };
  const auto backwards = [](Direction d) { return Direction{d.first + d.step * (d.count - 1), -d.step, d.count}; };
  s.columns = forwards(crop.x, crop.width);
  s.rows = forwards(crop.y, crop.height);
  s.along_columns = frame.rotation == 90 || frame.rotation == 270;
  if (s.along_columns) std::swap(s.columns, s.rows);
  if (frame.rotation == 90 || frame.rotation == 180) s.columns = backwards(s.columns);
  if (frame.rotation == 180 || frame.rotation == 270) s.rows = backwards(s.rows);
  if (frame.mirrored) s.columns = backwards(s.columns);

  const auto plane = [&](std::int32_t index, std::int32_t bytes, std::int32_t halved) {
    FrameSamples::Plane& p = s.planes[s.plane_count++];
    p = {frame.planes[index], bytes, stride_of(frame, index), bytes, halved};
    if (s.along_columns) std::swap(p.step_x, p.step_y);
  };
  const auto sample = [&](std::int32_t index, std::int32_t byte, double zero) {
    s.samples[s.sample_count++] = {index, byte, static_cast<float>(zero)};
  };
  if (!is_yuv(frame.format)) {
    const Packing at = packing(frame.format);
    plane(0, at.size, 0);
    sample(0, at.red, 0);
    if (frame.format != PixelFormat::grey) {
      sample(0, at.green, 0);
      sample(0, at.blue, 0);
    }
    s.as_they_are = s.sample_count <= channels;
    s.colour_count = s.as_they_are ? s.sample_count : 1;
    s.matrix[0][0] = static_cast<float>(bt601_red);
    s.matrix[0][1] = static_cast<float>(1 - bt601_red - bt601_blue);
    s.matrix[0][2] = static_cast<float>(bt601_blue);
    return s;
  }

  const YuvMeaning m = meaning(frame.yuv);
  plane(0, 1, 0);
  sample(0, 0, m.luma_zero);
  if (channels == 3) {
    if (frame.format == PixelFormat::i420) {
      plane(1, 1, 1);
      plane(2, 1, 1);
      sample(1, 0, 128);
      sample(2, 0, 128);
    } else {
      const std::int32_t u = frame.format == PixelFormat::nv12 ? 0 : 1;
      plane(1, 2, 1);
      sample(1, u, 128);
      sample(1, 1 - u, 128);
    }
  }
  s.as_they_are = channels == 1 && m.luma == 1;
  s.colour_count = channels;
  const double from_cr = m.chroma * 2 * (1 - m.red), from_cb = m.chroma * 2 * (1 - m.blue);
  const double green = 1 - m.red - m.blue;
  const double matrix[3][3] = {
      {m.luma, 0, from_cr}, {m.luma, -from_cb * m.blue / green, -from_cr * m.red / green}, {m.luma, from_cb, 0}};
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k) s.matrix[i][k] = static_cast<float>(matrix[i][k]);
  }
  return s;
}

}  // namespace riffle::kernels
