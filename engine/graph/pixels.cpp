#include "engine/graph/pixels.hpp"

#include <algorithm>
#include <cmath>

namespace riffle::graph {
namespace {

void expect_between(const char* what, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most) throw Error({what, " is ", value, ", not in ", least, " to ", most});
}

/// One axis of a resize.
struct ResizedAxis {
  Coordinates coordinates;
  Rounding rounding;
  float scale;
  std::int32_t in, out;

  ResizedAxis(const Resize& resize, float given_scale, std::int32_t from, std::int32_t to)
      : coordinates(resize.coordinates),
        rounding(resize.rounding),
        scale(given_scale != 0.0F ? given_scale : static_cast<float>(to) / static_cast<float>(from)),
        in(from),
        out(to) {}

  /// Where pixel i of the result lies on the operand.
  [[nodiscard]] float place(std::int32_t i) const {
    const auto x = static_cast<float>(i);
    switch (coordinates) {
      case Coordinates::half_pixel:
        return (x + 0.5F) / scale - 0.5F;
      case Coordinates::pytorch_half_pixel:
        return out > 1 ? (x + 0.5F) / scale - 0.5F : 0.0F;
      case Coordinates::asymmetric:
        return x / scale;
      case Coordinates::align_corners:
        return out == 1 ? 0.0F : x * static_cast<float>(in - 1) / static_cast<float>(out - 1);
    }
    return 0.0F;
  }

  [[nodiscard]] std::int32_t nearest(std::int32_t i) const {
    const float x = place(i);
    float rounded = 0.0F;
    switch (rounding) {
      case Rounding::prefer_floor:
        rounded = std::ceil(x - 0.5F);
        break;
      case Rounding::prefer_ceil:
        rounded = std::floor(x + 0.5F);
        break;
      case Rounding::floor:
        rounded = std::floor(x);
        break;
      case Rounding::ceil:
        rounded = std::ceil(x);
        break;
    }
    return static_cast<std::int32_t>(std::clamp(rounded, 0.0F, static_cast<float>(in - 1)));
  }

  [[nodiscard]] kernels::Between between(std::int32_t i) const {
    const float x = std::clamp(place(i), 0.0F, static_cast<float>(in - 1));
    const auto first = static_cast<std::int32_t>(x);
    return {first, std::min(first + 1, in - 1), x - static_cast<float>(first)};
  }

  template <class T>
  std::vector<T> each(T (ResizedAxis::*of)(std::int32_t) const) const {
    std::vector<T> result;
    for (std::int32_t i = 0; i < out; ++i) result.push_back((this->*of)(i));
    return result;
  }
};

std::int32_t resized_extent(const char* what, std::int32_t in, float scale, std::int32_t size,
                            const std::int32_t* like) {
  if (!(scale >= 0.0F && scale <= static_cast<float>(max_extent))) throw Error({what, ": its scale is not in range"});
  expect_between(what, size, 0, max_extent);
  if (like != nullptr) return *like;
  if (size != 0) return size;
  if (scale == 0.0F) throw Error({what, ": neither a scale nor a size"});
  return static_cast<std::int32_t>(std::floor(scale * static_cast<float>(in)));
}

std::int32_t cropped_extent(const char* what, std::int32_t in, std::int32_t before, std::int32_t after,
                            std::int32_t step) {
  expect_between(what, before, 0, max_extent);
  expect_between(what, after, 0, max_extent);
  expect_between("step", step, 1, max_extent);
  const std::int64_t left = std::int64_t{in} - before - after;
  if (left < 1) throw Error({"it leaves none of ", in, " ", what});
  return static_cast<std::int32_t>((left + step - 1) / step);
}

std::int32_t padded_extent(const char* what, std::int32_t in, std::int32_t before, std::int32_t after, PadMode mode) {
  const std::int64_t most = mode == PadMode::reflect ? in - 1 : max_extent;
  for (const std::int32_t pad : {before, after}) {
    if (mode == PadMode::reflect && pad > most) {
      throw Error({"it mirrors ", pad, " of ", in, " ", what, ", which has only ", most, " beside the edge"});
    }
    expect_between(what, pad, 0, max_extent);
  }
  return in + before + after;
}

std::int32_t transposed_extent(std::int32_t in, std::int32_t kernel, std::int32_t stride, std::int32_t dilation,
                               std::int64_t less, std::int32_t more) {
  expect_between("kernel", kernel, 1, max_extent);
  expect_between("stride", stride, 1, max_transposed_stride);
  expect_between("dilation", dilation, 1, max_extent);
  expect_between("what is added", more, 0, max_extent);
  const std::int64_t extent = std::int64_t{in - 1} * stride + std::int64_t{kernel - 1} * dilation + 1 - less + more;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(extent, 0, max_extent + 1));
}

std::vector<std::int32_t> cropped(std::int32_t first, std::int32_t step, std::int32_t count) {
  std::vector<std::int32_t> result;
  for (std::int32_t i = 0; i < count; ++i) result.push_back(first + i * step);
  return result;
}

std::vector<std::int32_t> padded(std::int32_t before, std::int32_t in, std::int32_t count, PadMode mode) {
  std::vector<std::int32_t> result;
  for (std::int32_t i = -before; i < count - before; ++i) {
    const std::int32_t last = in - 1;
    if (i >= 0 && i <= last) {
      result.push_back(i);
    } else if (mode == PadMode::constant) {
      result.push_back(-1);
    } else if (mode == PadMode::edge) {
      result.push_back(i < 0 ? 0 : last);
    } else {
      result.push_back(i < 0 ? -i : 2 * last - i);
    }
  }
  return result;
}

}  // namespace

Shape result_shape(const Resize& o, const Shape& in, const Shape* like) {
  return {resized_extent("height", in.h, o.scale_h, o.height, like != nullptr ? &like->h : nullptr),
          resized_extent("width", in.w, o.scale_w, o.width, like != nullptr ? &like->w : nullptr), in.c};
}

Shape result_shape(const Crop& o, const Shape& in) {
  return {cropped_extent("rows", in.h, o.top, o.bottom, o.step_h),
          cropped_extent("columns", in.w, o.left, o.right, o.step_w), in.c};
}

Shape result_shape(const Pad& o, const Shape& in) {
  return {padded_extent("rows", in.h, o.top, o.bottom, o.mode), padded_extent("columns", in.w, o.left, o.right, o.mode),
          in.c};
}

Shape result_shape(const TransposedConvolution& o, const Shape& in) {
  const Window& w = o.window;
  for (const std::int32_t pad : {w.pad_top, w.pad_left, w.pad_bottom, w.pad_right}) {
    expect_between("padding", pad, 0, max_extent);
  }
  return {transposed_extent(in.h, w.kernel_h, w.stride_h, w.dilation_h, std::int64_t{w.pad_top} + w.pad_bottom,
                            o.more_bottom),
          transposed_extent(in.w, w.kernel_w, w.stride_w, w.dilation_w, std::int64_t{w.pad_left} + w.pad_right,
                            o.more_right),
          o.outputs};
}

SelectedPixels selected_pixels(const Resize& o, const Shape& in, const Shape& out) {
  return {ResizedAxis(o, o.scale_h, in.h, out.h).each(&ResizedAxis::nearest),
          ResizedAxis(o, o.scale_w, in.w, out.w).each(&ResizedAxis::nearest)};
}

SelectedPixels selected_pixels(const Crop& o, const Shape&, const Shape& out) {
  return {cropped(o.top, o.step_h, out.h), cropped(o.left, o.step_w, out.w)};
}

SelectedPixels selected_pixels(const Pad& o, const Shape& in, const Shape& out) {
  return {padded(o.top, in.h, out.h, o.mode), padded(o.left, in.w, out.w, o.mode)};
}

Places places(const Resize& resize, const Shape& operand, const Shape& result) {
  return {ResizedAxis(resize, resize.scale_h, operand.h, result.h).each(&ResizedAxis::place),
          ResizedAxis(resize, resize.scale_w, operand.w, result.w).each(&ResizedAxis::place)};
}

MixedPixels mixed_pixels(const Resize& o, const Shape& in, const Shape& out) {
  return {ResizedAxis(o, o.scale_h, in.h, out.h).each(&ResizedAxis::between),
          ResizedAxis(o, o.scale_w, in.w, out.w).each(&ResizedAxis::between)};
}

}  // namespace riffle::graph
