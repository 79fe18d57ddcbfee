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

  /// Columns that are worked on at a time.
  static constexpr std::int32_t strip = 256;

  /// The neighbours of a strip's columns, worked out once for all rows.
  struct Columns {
    std::int32_t count = 0;
    std::int64_t left[strip], right[strip];  // in bytes
    float share[strip];
  };

  static RIFFLE_INLINE void place(const ImageArgs& args, std::int32_t first, Columns& columns) {
    columns.count = args.out_w - first < strip ? args.out_w - first : strip;
    for (std::int32_t x = 0; x < columns.count; ++x) {
      const Neighbours n = neighbours(first + x, args.in_w, args.out_w);
      columns.left[x] = static_cast<std::int64_t>(n.first) * args.channels;
      columns.right[x] = static_cast<std::int64_t>(n.second) * args.channels;
      columns.share[x] = n.share;
    }
  }

  /// A row of the picture, as wide as the output.
  static RIFFLE_INLINE void stretch(const std::uint8_t* from, const Columns& columns, float* to) {
    for (std::int32_t x = 0; x < columns.count; ++x) {
      const float a = from[columns.left[x]], b = from[columns.right[x]];
      to[x] = a + columns.share[x] * (b - a);
    }
  }

  /// One output row between two stretched rows.
  static RIFFLE_INLINE void blend(const float* upper, const float* lower, float share, float scale, float shift,
                                  std::int32_t count, float* to) {
    using V = typename S::Vec;
    const V part = S::broadcast(share), factor = S::broadcast(scale), offset = S::broadcast(shift);
    for (std::int32_t x = 0; x < count; x += S::lanes) {
      const int lanes = count - x < S::lanes ? count - x : S::lanes;
      const V a = simd::load_lanes<S>(upper + x, lanes), b = simd::load_lanes<S>(lower + x, lanes);
      simd::store_lanes<S>(to + x, S::fma(factor, S::fma(part, S::sub(b, a), a), offset), lanes);
    }
  }

  /// Enlarging, several output rows lie between the same two rows of the picture, and of the next two the first is the
  /// second of these: a row is stretched once.
  static void run(const ImageArgs& args) {
    Columns columns;
    float rows[2][strip];
    for (std::int32_t x0 = 0; x0 < args.out_w; x0 += strip) {
      place(args, x0, columns);
      for (std::int32_t c = 0; c < args.channels; ++c) {
        std::int32_t held[2] = {-1, -1};  // the picture's rows that are in `rows`
        std::int32_t upper = 0;           // which of the two is the upper one; the other one is the lower
        const auto hold = [&](std::int32_t which, std::int32_t row) {
          if (held[which] == row) return;
          stretch(args.pixels + row * args.row_stride + c, columns, rows[which]);
          held[which] = row;
        };
        for (std::int32_t y = 0; y < args.out_h; ++y) {
          const Neighbours n = neighbours(y, args.in_h, args.out_h);
          if (held[1 - upper] == n.first) upper = 1 - upper;
          hold(upper, n.first);
          hold(1 - upper, n.second);
          blend(rows[upper], rows[1 - upper], n.share, args.scale[c], args.shift[c], columns.count,
                args.output + (static_cast<std::int64_t>(c) * args.out_h + y) * args.out_w + x0);
        }
      }
    }
  }

  static constexpr ImageKernel kernel(const char* name) { return {name, S::lanes, run}; }
};

}  // namespace riffle::kernels
