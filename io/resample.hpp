// Bilinear resizing in 8 bits, to the bit as Pillow does it, which is what torchvision's Resize does to pictures.
//
// Along rows first, then along columns, in -> out pixels, where support = in / out if that is more than 1 and the
// result is antialiased, or else 1:
//
//   out[x] = sum over s of weight(x, s) * in[s]       weight(x, s) = max(0, 1 - |s + 0.5 - centre(x)| / support),
//   centre(x) = (x + 0.5) * in / out                                 divided by their sum over all s
//
// Each direction's results are rounded to 8 bits. Enlarged, or without antialiasing, that is the frame kernel's
// interpolation (kernels/frame/frame.hpp) up to this rounding. https://github.com/python-pillow/Pillow/blob/9.4.0/
// src/libImaging/Resample.c
#pragma once

#include <cstdint>
#include <vector>

#include "engine/graph/preprocessing.hpp"
#include "io/picture.hpp"

namespace riffle::io {

/// The size that a picture is resized to, and the window of it that is wanted.
struct ResizeTarget {
  std::int64_t height = 0, width = 0;
  std::int64_t top = 0, left = 0;
  std::int32_t rows = 0, columns = 0;
};

/// All of it: `height` x `width`.
ResizeTarget stretched(std::int32_t height, std::int32_t width);

/// torchvision's Resize(size), then CenterCrop((height, width)), of an upright picture of that height and width. size:
/// at least `height` and `width`.
ResizeTarget cropped(std::int32_t picture_height, std::int32_t picture_width, std::int32_t size, std::int32_t height,
                     std::int32_t width);

/// The picture, turned upright.
Picture upright(Picture picture);
/// Of 1 channel: BT.601's luma, rounded.
Picture to_gray(Picture picture);
/// Columns [x0, x1) and rows [y0, y1) of an upright picture, which has them.
Picture cut_out(const Picture& picture, std::int32_t x0, std::int32_t y0, std::int32_t x1, std::int32_t y1);

/// What resizes pictures, and the memory that it takes; one thread uses it. It allocates for the largest picture yet.
class Resampler {
 public:
  /// The window, upright; valid until the next call. What lies outside of it is not computed.
  const Picture& operator()(const Picture& picture, const ResizeTarget& target, bool antialias);

 private:
  /// Of one direction: which pixels of the picture make pixel x of the window, and by how much.
  struct Taps {
    std::int32_t most = 0;                   ///< a pixel
    std::vector<std::int32_t> first, count;  ///< by x; neither first nor first + count ever decreases
    std::vector<std::int32_t> weights;       ///< `most` for each x, in 1 / 2^weight_bits
    [[nodiscard]] const std::int32_t* of(std::size_t x) const {
      return weights.data() + x * static_cast<std::size_t>(most);
    }
  };
  static void make(Taps& taps, std::int32_t in, std::int64_t out, std::int64_t first, std::int32_t count,
                   bool antialias);
  template <int Channels>
  void resample_row(const std::uint8_t* from, std::ptrdiff_t step);

  Taps across_, down_;
  std::vector<std::uint8_t> row_;   ///< one of the picture's, resized
  std::vector<std::int32_t> sums_;  ///< of the window's pixels, while rows are added
  Picture window_;
};

}  // namespace riffle::io
