// The one body of the image kernel; see image.hpp for the equation.
#pragma once

#include "kernels/image/image.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

template <class S>
struct Image {
  /// The two neighbours of one output coordinate, and the second one's share.
  struct Neighbours {
    std::int32_t first, second;
    float share;
  };

  static RIFFLE_INLINE Neighbours neighbours(std::int32_t at, std::int32_t in, std::int32_t out) {
    double source = (at + 0.5) * in / out - 0.5;
    source = source > 0 ? source : 0;
    const std::int32_t floor = static_cast<std::int32_t>(source);
    const std::int32_t first = floor < in - 1 ? floor : in - 1;
    return {first, first < in - 1 ? first + 1 : first, static_cast<float>(source - first)};
  }

  /// Columns whose neighbours are worked out once and used for every row.
  static constexpr std::int32_t strip = 64;

  static void run(const ImageArgs& args) {
    std::int64_t left[strip], right[strip];  // in bytes
    float share[strip];
    for (std::int32_t x0 = 0; x0 < args.out_w; x0 += strip) {
      const std::int32_t width = args.out_w - x0 < strip ? args.out_w - x0 : strip;
      for (std::int32_t x = 0; x < width; ++x) {
        const Neighbours n = neighbours(x0 + x, args.in_w, args.out_w);
        left[x] = static_cast<std::int64_t>(n.first) * args.channels;
        right[x] = static_cast<std::int64_t>(n.second) * args.channels;
        share[x] = n.share;
      }
      for (std::int32_t y = 0; y < args.out_h; ++y) {
        const Neighbours n = neighbours(y, args.in_h, args.out_h);
        for (std::int32_t c = 0; c < args.channels; ++c) {
          const std::uint8_t* const top = args.pixels + n.first * args.row_stride + c;
          const std::uint8_t* const bottom = args.pixels + n.second * args.row_stride + c;
          float* const to = args.output + (static_cast<std::int64_t>(c) * args.out_h + y) * args.out_w + x0;
          const float scale = args.scale[c], shift = args.shift[c];
          for (std::int32_t x = 0; x < width; ++x) {
            const float a = top[left[x]], b = top[right[x]], d = bottom[left[x]], e = bottom[right[x]];
            const float upper = a + share[x] * (b - a), lower = d + share[x] * (e - d);
            to[x] = scale * (upper + n.share * (lower - upper)) + shift;
          }
        }
      }
    }
  }

  static constexpr ImageKernel kernel(const char* name) { return {name, S::lanes, run}; }
};

}  // namespace riffle::kernels
