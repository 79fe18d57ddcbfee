// Camera frames: what may be wrong with one, and its translation for the kernel.
#include "kernels/frame/frame.hpp"

#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "base/arithmetic.hpp"
#include "engine/api/objects.hpp"

namespace {

using riffle::kernels::FrameArgs;
using riffle::kernels::PixelFormat;
using riffle::kernels::YuvRange;

static_assert(RIFFLE_RGB == static_cast<int>(PixelFormat::rgb) && RIFFLE_BGR == static_cast<int>(PixelFormat::bgr) &&
              RIFFLE_RGBA == static_cast<int>(PixelFormat::rgba) &&
              RIFFLE_BGRA == static_cast<int>(PixelFormat::bgra) &&
              RIFFLE_GREY == static_cast<int>(PixelFormat::grey) &&
              RIFFLE_NV12 == static_cast<int>(PixelFormat::nv12) &&
              RIFFLE_NV21 == static_cast<int>(PixelFormat::nv21) && RIFFLE_I420 == static_cast<int>(PixelFormat::i420));
static_assert(RIFFLE_BT601_FULL == static_cast<int>(YuvRange::bt601_full) &&
              RIFFLE_BT601_LIMITED == static_cast<int>(YuvRange::bt601_limited) &&
              RIFFLE_BT709_FULL == static_cast<int>(YuvRange::bt709_full) &&
              RIFFLE_BT709_LIMITED == static_cast<int>(YuvRange::bt709_limited));

constexpr std::int32_t largest_size = 32768;

/// Formats into the caller's error, if there is one; false, so that a check that fails may return it.
class Fault {
 public:
  explicit Fault(riffle_error* error) : error_(error) {}

  __attribute__((format(printf, 2, 3))) bool operator()(const char* format, ...) const {
    if (error_ == nullptr) return false;
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(error_->message, sizeof error_->message, format, arguments);
    va_end(arguments);
    return false;
  }

 private:
  riffle_error* error_;
};

/// One direction of the crop: "x" and "width", or "y" and "height".
bool is_inside(const Fault& fault, const char* at, const char* size, std::int32_t crop_at, std::int32_t crop_size,
               std::int32_t frame_size) {
  if (crop_at < 0) return fault("crop_%s is %d", at, crop_at);
  if (crop_size < 1) return fault("crop_%s is %d", size, crop_size);
  if (crop_at > frame_size - crop_size) {
    return fault("crop_%s is %d and crop_%s is %d, but the frame's %s is %d", at, crop_at, size, crop_size, size,
                 frame_size);
  }
  return true;
}

bool is_valid(const riffle_frame& frame, std::int32_t channels, const Fault& fault) {
  for (const void* field : frame.reserved) {
    if (field != nullptr) return fault("a reserved field is not zero (start from riffle_frame frame = {0})");
  }
  if (frame.format < RIFFLE_RGB || frame.format > RIFFLE_I420) {
    return fault("format is %d, no riffle_pixel_format", static_cast<int>(frame.format));
  }
  if (frame.yuv < RIFFLE_BT601_FULL || frame.yuv > RIFFLE_BT709_LIMITED) {
    return fault("yuv is %d, no riffle_yuv", static_cast<int>(frame.yuv));
  }
  if (frame.width < 1 || frame.width > largest_size) {
    return fault("width is %d, not in 1 to %d", frame.width, largest_size);
  }
  if (frame.height < 1 || frame.height > largest_size) {
    return fault("height is %d, not in 1 to %d", frame.height, largest_size);
  }
  const PixelFormat format = static_cast<PixelFormat>(frame.format);
  const std::int32_t planes = channels == 1 ? 1 : riffle::kernels::plane_count(format);  // grey of YUV is Y alone
  for (std::int32_t p = 0; p < planes; ++p) {
    if (frame.planes[p] == nullptr) return fault("planes[%d] is NULL", p);
    const std::int64_t row = riffle::kernels::row_bytes(format, p, frame.width);
    if (frame.strides[p] != 0 && frame.strides[p] < row) {
      return fault("strides[%d] is %d, less than the %d bytes of a row", p, frame.strides[p], static_cast<int>(row));
    }
  }
  if (frame.crop_width == 0 && frame.crop_height == 0) {
    if (frame.crop_x != 0) return fault("crop_x is %d, but crop_width and crop_height are 0", frame.crop_x);
    if (frame.crop_y != 0) return fault("crop_y is %d, but crop_width and crop_height are 0", frame.crop_y);
  } else if (!is_inside(fault, "x", "width", frame.crop_x, frame.crop_width, frame.width) ||
             !is_inside(fault, "y", "height", frame.crop_y, frame.crop_height, frame.height)) {
    return false;
  }
  if (frame.rotation != 0 && frame.rotation != 90 && frame.rotation != 180 && frame.rotation != 270) {
    return fault("rotation is %d, not 0, 90, 180 or 270", frame.rotation);
  }
  return true;
}

riffle_normalisation normalisation_of(const riffle::graph::Preprocessing& preprocessing, std::int32_t channels) {
  riffle_normalisation result = {};
  for (std::int32_t c = 0; c < channels; ++c) {
    result.mean[c] = preprocessing.mean_of(c);
    result.deviation[c] = preprocessing.deviation_of(c);
  }
  return result;
}

/// What is cropped of a frame, and its size upright.
struct Upright {
  explicit Upright(const riffle_frame& frame) : crop{frame.crop_x, frame.crop_y, frame.crop_width, frame.crop_height} {
    if (crop.width == 0) crop = {0, 0, frame.width, frame.height};
    const bool turned = frame.rotation == 90 || frame.rotation == 270;
    height = turned ? crop.width : crop.height;
    width = turned ? crop.height : crop.width;
  }
  riffle::kernels::Crop crop;
  std::int32_t height, width;
};

/// The part of the session's input that a frame becomes.
riffle::graph::Covered covered_by(const riffle_session& session, const Upright& upright) {
  const riffle::graph::Shape& input = session.session.plan().inputs[0].shape;
  const riffle::graph::Preprocessing& preprocessing = session.preprocessing;
  if (preprocessing.resize != riffle::graph::Fit::letterbox) return {0, 0, input.h, input.w};
  return riffle::graph::letterboxed(preprocessing.align, input.h, input.w, upright.height, upright.width);
}

bool normalise(FrameArgs& args, const riffle_normalisation& by, const Fault& fault) {
  for (std::int32_t c = 0; c < args.channels; ++c) {
    const auto mean = static_cast<double>(by.mean[c]), deviation = static_cast<double>(by.deviation[c]);
    if (!std::isfinite(mean)) return fault("mean[%d] is %g", c, mean);
    if (!std::isfinite(deviation) || deviation == 0) return fault("deviation[%d] is %g", c, deviation);
    if (!args.normalise(c, by.mean[c], by.deviation[c])) {
      return fault("deviation[%d] is %g, too small for a mean[%d] of %g", c, deviation, c, mean);
    }
  }
  return true;
}

}  // namespace

riffle_status riffle_session_read_frame(const riffle_session* session, const riffle_frame* frame,
                                        const riffle_normalisation* normalisation, void* input, riffle_error* error) {
  const Fault fault(error);
  const auto bad = [&](const char* pointer) {
    fault("%s is NULL", pointer);
    return RIFFLE_BAD_ARGUMENT;
  };
  if (session == nullptr) return bad("session");
  if (frame == nullptr) return bad("frame");
  if (input == nullptr) return bad("input");

  const riffle::plan::Plan& plan = session->session.plan();
  const auto* const kernel = riffle::kernels::find_row<riffle::kernels::FrameKernel>(*plan.kernels);
  if (kernel == nullptr) {
    fault("this build of riffle was made without frames (RIFFLE_OPERATIONS)");
    return RIFFLE_UNSUPPORTED;
  }
  FrameArgs args;
  const riffle::graph::Shape& shape = plan.inputs[0].shape;
  args.channels = shape.c;
  args.out_h = shape.h;
  args.out_w = shape.w;
  args.output = input;
  if (!session->takes_pixels) {
    fault("the session's input is neither planes nor pixels: its numbers are the caller's to make");
    return RIFFLE_BAD_ARGUMENT;
  }
  args.as_pixels = *session->takes_pixels;
  args.type = plan.inputs[0].type;
  if (args.type != riffle::Type::f32 && args.type != riffle::Type::u8) {
    fault("the session's input is neither float32 nor uint8: its numbers are the caller's to make");
    return RIFFLE_BAD_ARGUMENT;
  }
  if (args.channels != 1 && args.channels != 3) {
    fault("the session's input has %d channels; a frame has 1 or 3", args.channels);
    return RIFFLE_BAD_ARGUMENT;
  }
  if (!is_valid(*frame, args.channels, fault)) return RIFFLE_BAD_ARGUMENT;
  const riffle::DefaultArithmetic arithmetic;
  const riffle::graph::Preprocessing& own = session->preprocessing;
  const riffle_normalisation by = normalisation != nullptr ? *normalisation : normalisation_of(own, args.channels);
  if (!normalise(args, by, fault)) return RIFFLE_BAD_ARGUMENT;
  const riffle::graph::Covered covered = covered_by(*session, Upright(*frame));
  args.covered = {covered.left, covered.top, covered.width, covered.height};
  args.bgr = own.bgr;
  args.rounded = own.rounded;
  for (std::int32_t c = 0; c < args.channels; ++c) args.pad[c] = own.pad_of(c);

  for (int p = 0; p < 3; ++p) {
    args.frame.planes[p] = frame->planes[p];
    args.frame.strides[p] = frame->strides[p];
  }
  args.frame.width = frame->width;
  args.frame.height = frame->height;
  args.frame.format = static_cast<PixelFormat>(frame->format);
  args.frame.yuv = static_cast<YuvRange>(frame->yuv);
  args.frame.crop = {frame->crop_x, frame->crop_y, frame->crop_width, frame->crop_height};
  args.frame.rotation = frame->rotation;
  args.frame.mirrored = frame->mirrored != 0;
  kernel->run(args);
  return RIFFLE_OK;
}

riffle_status riffle_session_place_frame(const riffle_session* session, const riffle_frame* frame,
                                         riffle_placement* placement, riffle_error* error) {
  const Fault fault(error);
  const auto bad = [&](const char* pointer) {
    fault("%s is NULL", pointer);
    return RIFFLE_BAD_ARGUMENT;
  };
  if (placement == nullptr) return bad("placement");
  *placement = {};
  if (session == nullptr) return bad("session");
  if (frame == nullptr) return bad("frame");
  if (!is_valid(*frame, session->session.plan().inputs[0].shape.c, fault)) return RIFFLE_BAD_ARGUMENT;

  const riffle::DefaultArithmetic arithmetic;
  const Upright upright(*frame);
  const riffle::graph::Covered covered = covered_by(*session, upright);
  // Of the upright picture: (u, v) = (u0 + du x, v0 + dv y) ...
  double du = static_cast<double>(upright.width) / covered.width, u0 = -covered.left * du;
  const double dv = static_cast<double>(upright.height) / covered.height, v0 = -covered.top * dv;
  if (frame->mirrored != 0) {
    u0 = upright.width - u0;
    du = -du;
  }
  // ... and of the crop: turned clockwise, its columns were the rows from below.
  riffle_placement p = {};
  switch (frame->rotation) {
    case 90:
      p = {.xx = 0, .xy = dv, .x0 = v0, .yx = -du, .yy = 0, .y0 = upright.crop.height - u0, .width = 0, .height = 0};
      break;
    case 180:
      p = {.xx = -du,
           .xy = 0,
           .x0 = upright.crop.width - u0,
           .yx = 0,
           .yy = -dv,
           .y0 = upright.crop.height - v0,
           .width = 0,
           .height = 0};
      break;
    case 270:
      p = {.xx = 0, .xy = -dv, .x0 = upright.crop.width - v0, .yx = du, .yy = 0, .y0 = u0, .width = 0, .height = 0};
      break;
    default:
      p = {.xx = du, .xy = 0, .x0 = u0, .yx = 0, .yy = dv, .y0 = v0, .width = 0, .height = 0};
      break;
  }
  p.x0 += upright.crop.x;
  p.y0 += upright.crop.y;
  p.width = frame->width;
  p.height = frame->height;
  *placement = p;
  return RIFFLE_OK;
}
