#include "kernels/image/image.hpp"

#include <algorithm>
#include <cmath>

namespace riffle::kernels {

namespace {

/// The source coordinate of output `at`, clamped at the image's border.
double source(std::int32_t at, std::int32_t in, std::int32_t out) {
  return std::clamp((at + 0.5) * in / out - 0.5, 0.0, in - 1.0);
}

double pixel(const ImageArgs& args, double y, double x, std::int32_t c) {
  return args.pixels[static_cast<std::int64_t>(y) * args.row_stride + static_cast<std::int64_t>(x) * args.channels + c];
}

}  // namespace

void image_reference(const ImageArgs& args) {
  float* out = args.output;
  for (std::int32_t c = 0; c < args.channels; ++c) {
    for (std::int32_t y = 0; y < args.out_h; ++y) {
      for (std::int32_t x = 0; x < args.out_w; ++x) {
        const double sy = source(y, args.in_h, args.out_h), sx = source(x, args.in_w, args.out_w);
        const double fy = sy - std::floor(sy), fx = sx - std::floor(sx);
        const double value = (1 - fy) * (1 - fx) * pixel(args, std::floor(sy), std::floor(sx), c) +
                             (1 - fy) * fx * pixel(args, std::floor(sy), std::ceil(sx), c) +
                             fy * (1 - fx) * pixel(args, std::ceil(sy), std::floor(sx), c) +
                             fy * fx * pixel(args, std::ceil(sy), std::ceil(sx), c);
        *out++ = static_cast<float>(static_cast<double>(args.scale[c]) * value + static_cast<double>(args.shift[c]));
      }
    }
  }
}

}  // namespace riffle::kernels
