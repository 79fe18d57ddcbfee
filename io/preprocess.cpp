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
                       const kernels::Kernels& kernels, Type type, const graph::Arrangement& arrangement)
    : kernel_(*kernels::find_row<kernels::FrameKernel>(kernels)),
      resize_(preprocessing.resize),
      antialias_(preprocessing.antialias),
      resize_size_(resize_size(preprocessing, input)) {
  assert(type == Type::f32 || type == Type::u8);
  graph::check(preprocessing, input);
  args_.type = type;
  args_.channels = input.c;
  args_.out_h = input.h;
  args_.out_w = input.w;
  args_.as_pixels = graph::arrangement_of(arrangement) == graph::pixels_arrangement();
  if (!args_.as_pixels && graph::arrangement_of(arrangement) != graph::planes_arrangement()) {
    throw Error("the model's input is neither planes nor pixels, as a picture is");
  }
  for (std::int32_t c = 0; c < input.c; ++c) {
    args_.normalise(c, preprocessing.mean_of(c), preprocessing.deviation_of(c));
  }
}

bool Preprocess::in_bytes(const Picture& picture) const {
  const bool smaller = picture.upright_width() > args_.out_w || picture.upright_height() > args_.out_h;
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
  if (in_bytes(picture)) {
    const ResizeTarget target = resize_ == graph::Fit::crop ? cropped(picture.upright_height(), picture.upright_width(),
                                                                      resize_size_, args_.out_h, args_.out_w)
                                                            : stretched(args_.out_h, args_.out_w);
    from = &resample_(picture, target, antialias_);
  }
  kernels::FrameArgs args = args_;
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
  const std::string resized =
      preprocessing.resize == graph::Fit::crop
          ? "shorter edge to " + std::to_string(resize_size(preprocessing, input)) + ", middle " + size
          : "stretched to " + size;
  const std::string all = resized + (preprocessing.antialias ? ", antialiased" : ", not antialiased");
  const bool as_they_are = preprocessing.mean == std::vector{0.0F} &&
                           preprocessing.deviation == std::vector{graph::Preprocessing::of_pixels};
  if (as_they_are) return all + "; pixels as they are";
  return all + "; mean " + list(preprocessing.mean) + "; std " + list(preprocessing.deviation);
}

}  // namespace riffle::io
