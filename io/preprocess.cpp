#include "io/preprocess.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>

#include "base/text.hpp"

namespace riffle::io {
namespace {

std::int32_t resize_size(const graph::Preprocessing& preprocessing, const graph::Shape& input) {
  return preprocessing.resize_size != 0 ? preprocessing.resize_size : std::max(input.h, input.w);
}

/// The picture at (x, y), bilinearly between the centres of four pixels; outside its edge goes on.
void add_sample(const Picture& picture, double x, double y, std::array<double, 3>& sums) {
  const double right = std::clamp(x - 0.5, 0.0, picture.width - 1.0);
  const double down = std::clamp(y - 0.5, 0.0, picture.height - 1.0);
  const auto x0 = static_cast<std::int32_t>(right), y0 = static_cast<std::int32_t>(down);
  const std::int32_t x1 = std::min(x0 + 1, picture.width - 1), y1 = std::min(y0 + 1, picture.height - 1);
  const double u = right - x0, v = down - y0;
  const auto at = [&](std::int32_t column, std::int32_t row, std::int32_t c) {
    return static_cast<double>(picture.pixels[static_cast<std::size_t>(
        (static_cast<std::int64_t>(row) * picture.width + column) * picture.channels + c)]);
  };
  for (std::int32_t c = 0; c < picture.channels; ++c) {
    sums[static_cast<std::size_t>(c)] +=
        (at(x0, y0, c) * (1 - u) + at(x1, y0, c) * u) * (1 - v) + (at(x0, y1, c) * (1 - u) + at(x1, y1, c) * u) * v;
  }
}

std::string list(const std::vector<float>& values) {
  std::string text;
  for (const float value : values) text += (text.empty() ? "" : ", ") + shortest(value);
  return text;
}

}  // namespace

Preprocess::Preprocess(const graph::Shape& input, const graph::Preprocessing& preprocessing,
                       const kernels::Kernels& kernels, Type type, const graph::Arrangement& arrangement)
    : kernel_(*kernels::find_row<kernels::FrameKernel>(kernels)),
      resize_(preprocessing.resize),
      align_(preprocessing.align),
      antialias_(preprocessing.antialias),
      resize_size_(resize_size(preprocessing, input)) {
  assert(type == Type::f32 || type == Type::u8);
  graph::check(preprocessing, input);
  args_.type = type;
  args_.channels = input.c;
  args_.out_h = input.h;
  args_.out_w = input.w;
  const std::optional<bool> as_pixels = graph::holds_pixels(arrangement);
  if (!as_pixels) throw Error("the model's input is neither planes nor pixels, as a picture is");
  args_.as_pixels = *as_pixels;
  args_.bgr = preprocessing.bgr;
  args_.rounded = preprocessing.rounded;
  for (std::int32_t c = 0; c < input.c; ++c) {
    args_.normalise(c, preprocessing.mean_of(c), preprocessing.deviation_of(c));
    args_.pad[c] = preprocessing.pad_of(c);
  }
}

graph::Covered Preprocess::covered(const Picture& picture) const {
  if (resize_ != graph::Fit::letterbox) return {0, 0, args_.out_h, args_.out_w};
  return graph::letterboxed(align_, args_.out_h, args_.out_w, picture.upright_height(), picture.upright_width());
}

bool Preprocess::in_bytes(const Picture& picture, const graph::Covered& covered) const {
  const bool smaller = picture.upright_width() > covered.width || picture.upright_height() > covered.height;
  return resize_ == graph::Fit::crop || (antialias_ && smaller);
}

void Preprocess::check_channels(const Picture& picture) const {
  if (picture.channels == channels() || picture.channels == 1) return;
  throw Error("a picture of " + std::to_string(picture.channels) + " channels does not become one of " +
              std::to_string(channels()));
}

decode::Placement Preprocess::placement(const Picture& picture) const {
  const double width = picture.upright_width(), height = picture.upright_height();
  if (resize_ == graph::Fit::crop) {
    const ResizeTarget target =
        cropped(picture.upright_height(), picture.upright_width(), resize_size_, args_.out_h, args_.out_w);
    const double x = width / static_cast<double>(target.width), y = height / static_cast<double>(target.height);
    return {x, 0, static_cast<double>(target.left) * x, 0, y, static_cast<double>(target.top) * y};
  }
  const graph::Covered covered = this->covered(picture);
  const double x = width / covered.width, y = height / covered.height;
  return {x, 0, -covered.left * x, 0, y, -covered.top * y};
}

void Preprocess::operator()(const Picture& picture, std::span<std::byte> input) {
  assert(static_cast<std::int64_t>(input.size()) ==
         size_of(args_.type) * static_cast<std::int64_t>(args_.out_h) * args_.out_w * channels());
  check_channels(picture);
  const Picture* from = &picture;
  const graph::Covered covered = this->covered(picture);
  if (in_bytes(picture, covered)) {
    const ResizeTarget target = resize_ == graph::Fit::crop ? cropped(picture.upright_height(), picture.upright_width(),
                                                                      resize_size_, args_.out_h, args_.out_w)
                                                            : stretched(covered.height, covered.width);
    from = &resample_(picture, target, antialias_);
  }
  kernels::FrameArgs args = args_;
  args.covered = {covered.left, covered.top, covered.width, covered.height};
  args.frame.planes[0] = from->pixels.data();
  args.frame.width = from->width;
  args.frame.height = from->height;
  args.frame.format = from->channels == 1 ? kernels::PixelFormat::grey : kernels::PixelFormat::rgb;
  args.frame.rotation = from->orientation.rotation;
  args.frame.mirrored = from->orientation.mirrored;
  args.output = input.data();
  kernel_.run(args);
}

void Preprocess::operator()(const Picture& picture, const decode::Placement& placement,
                            std::span<std::byte> input) const {
  check_channels(picture);
  assert(picture.orientation == Orientation{});
  // So many samples along each axis of a pixel of the input.
  const std::int32_t samples =
      antialias_ ? static_cast<std::int32_t>(std::ceil(std::clamp(placement.scale(), 1.0, 64.0))) : 1;
  const std::int64_t plane = static_cast<std::int64_t>(args_.out_h) * args_.out_w;
  for (std::int32_t y = 0; y < args_.out_h; ++y) {
    for (std::int32_t x = 0; x < args_.out_w; ++x) {
      std::array<double, 3> sums = {};
      for (std::int32_t i = 0; i < samples * samples; ++i) {
        const double at_x = x + (i % samples + 0.5) / samples, at_y = y + (i / samples + 0.5) / samples;
        add_sample(picture, placement.x(at_x, at_y), placement.y(at_x, at_y), sums);
      }
      for (std::int32_t c = 0; c < channels(); ++c) {
        const std::int32_t color = args_.bgr ? 2 - c : c;
        double value = sums[static_cast<std::size_t>(picture.channels == 1 ? 0 : color)] / (samples * samples);
        if (args_.rounded) value = std::floor(value + 0.5);
        const auto number = static_cast<float>(value) * args_.scale[c] + args_.shift[c];
        const std::int64_t to = c * plane + static_cast<std::int64_t>(y) * args_.out_w + x;
        if (args_.type == Type::f32) {
          std::memcpy(input.data() + to * size_of(Type::f32), &number, sizeof(number));
        } else {
          input[static_cast<std::size_t>(to)] =
              static_cast<std::byte>(std::nearbyint(std::clamp(number, 0.0F, 255.0F)));
        }
      }
    }
  }
}

std::string preprocessing_text(const graph::Preprocessing& preprocessing, const graph::Shape& input) {
  const std::string size = graph::hw(input);
  std::string resized;
  switch (preprocessing.resize) {
    case graph::Fit::stretch:
      resized = "stretched to " + size;
      break;
    case graph::Fit::crop:
      resized = "shorter edge to " + std::to_string(resize_size(preprocessing, input)) + ", middle " + size;
      break;
    case graph::Fit::letterbox:
      resized = "letterboxed to " + size +
                (preprocessing.align == graph::Align::centre ? ", centred" : ", in the upper left corner") + ", pad " +
                list(preprocessing.pad);
      break;
  }
  resized += preprocessing.antialias ? ", antialiased" : ", not antialiased";
  if (preprocessing.rounded) resized += ", rounded";
  const std::string all = resized + (preprocessing.bgr ? "; BGR" : "");
  const bool as_they_are = preprocessing.mean == std::vector{0.0F} &&
                           preprocessing.deviation == std::vector{graph::Preprocessing::of_pixels};
  if (as_they_are) return all + "; pixels as they are";
  return all + "; mean " + list(preprocessing.mean) + "; std " + list(preprocessing.deviation);
}

}  // namespace riffle::io
