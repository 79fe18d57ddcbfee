// What stems of bytes and of dot products read of a picture: rows of its planes, with what lies outside around them.
#pragma once

#include "kernels/stem/stem.hpp"

namespace riffle::kernels {

/// Of the planes' rows that output row y reads, plane after plane, columns [first, first + count): rows at `to` that
/// are `step` apart. copy(from, count, to): those inside the image.
template <class In, class Value, class Copy>
RIFFLE_INLINE void copy_rows(const StemArgs& args, const In* planes, std::int32_t y, std::int32_t first,
                             std::int32_t count, Value outside, Value* to, std::ptrdiff_t step, Copy&& copy) {
  const Window& window = args.window;
  const std::int32_t in_h = args.extent.in_h, in_w = args.extent.in_w;
  const auto fill = [&](std::int32_t begin, std::int32_t end) __attribute__((always_inline)) {
    for (; begin < end; ++begin) {
      to[begin] = outside;
      asm("" : "+r"(begin));  // or compilers make a call of it
    }
  };
  const std::int32_t begin = first >= 0 ? 0 : -first < count ? -first : count;
  const std::int32_t end = in_w - first < count ? in_w - first : count;
  for (std::int32_t c = 0; c < args.channels; ++c) {
    std::int32_t row = y * window.stride_h - window.pad_top;
    for (std::int32_t i = 0; i < window.kernel_h; ++i, row += window.dilation_h, to += step) {
      if (row < 0 || row >= in_h || end <= begin) {
        fill(0, count);
        continue;
      }
      fill(0, begin);
      copy(planes + (std::int64_t{c} * in_h + row) * in_w + first + begin, end - begin, to + begin);
      fill(end, count);
    }
  }
}

}  // namespace riffle::kernels
