#include "io/preprocess.hpp"

#include <algorithm>
#include <cassert>

#include "base/text.hpp"

namespace riffle::io {
namespace {

std::int32_t resize_size(const graph::Preprocessing& preprocessing, const graph::Shape& input) {
  return preprocessing.resize_size != 0 ? preprocessing.resize_size : std::max(input.h, input.w);
}

std::string list(const std::vector<float>& values) {
  std::string text;
  for (const float value : values) text += (text.empty() ? "" : ", ") + shortest(value);
  return text;
}

}  // namespace

Preprocess::Preprocess(const graph::Shape& input, const graph::Preprocessing& preprocessing,
                       const kernels::Kernels& kernels, Type type)
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

void Preprocess::operator()(const Picture& picture, std::span<std::byte> input) {
  assert(static_cast<std::int64_t>(input.size()) ==
         size_of(args_.type) * static_cast<std::int64_t>(args_.out_h) * args_.out_w * channels());
  if (picture.channels != channels() && picture.channels != 1) {
    throw Error("a picture of " + std::to_string(picture.channels) + " channels does not become one of " +
                std::to_string(channels()));
  }
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
