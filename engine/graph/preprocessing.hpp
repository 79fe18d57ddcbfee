// From a picture to a network's input: what the network was trained with, as far as a model carries it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace riffle::graph {

/// How a picture of any size becomes one of the input's. Files hold the numbers: new kinds go to the end.
enum class Fit : std::uint8_t {
  stretch,   ///< to the input's height and width, whatever becomes of the aspect ratio
  crop,      ///< the shorter edge to `resize_size`, and of that the middle (torchvision's Resize and CenterCrop)
  letterbox  ///< all of it at one scale, as large as fits into the input; `pad` is what is left
};

/// Where a letterboxed picture lies in the input: of an odd rest of pixels the larger half is behind.
enum class Align : std::uint8_t { centre, top_left };

/// Resized bilinearly, then (pixel / 255 - mean) / deviation. For an input of u8 this makes the numbers q themselves,
/// whatever they stand for, rounded to 0 to 255: with mean 0 and deviation 1 / 255 they are the pixels.
struct Preprocessing {
  Fit resize = Fit::stretch;
  bool antialias = true;  ///< made smaller, a pixel is the mean of all that it stands for, not of the nearest four
  /// Of Fit::crop, in pixels, not less than the input's height and width; 0: the larger of the two.
  std::int32_t resize_size = 0;
  std::vector<float> mean = {0.0F}, deviation = {1.0F};  ///< one value a channel, or one for all
  bool bgr = false;             ///< the input's channels are B, G, R; in this order stand mean, deviation and pad, too
  Align align = Align::centre;  ///< of Fit::letterbox
  std::vector<float> pad = {0.0F};  ///< of Fit::letterbox: a pixel of 0 to 255, which is normalised, too
  bool rounded = false;  ///< resized pixels are whole numbers, half rounded up, as those of 8-bit pictures are

  /// The deviation of a picture whose pixels stay what they are.
  static constexpr float of_pixels = 1.0F / 255.0F;

  bool operator==(const Preprocessing&) const = default;
  [[nodiscard]] float mean_of(std::int32_t channel) const { return of_channel(mean, channel); }
  [[nodiscard]] float deviation_of(std::int32_t channel) const { return of_channel(deviation, channel); }
  [[nodiscard]] float pad_of(std::int32_t channel) const { return of_channel(pad, channel); }
  static float of_channel(const std::vector<float>& values, std::int32_t channel) {
    return values.size() == 1 ? values.front() : values[static_cast<std::size_t>(channel)];
  }
};

/// The rows and columns of the input that a picture covers.
struct Covered {
  std::int32_t top = 0, left = 0, height = 0, width = 0;
};
/// By a letterboxed picture of that height and width: the scale is the largest that fits, the other extent is rounded
/// down.
Covered letterboxed(Align align, std::int32_t height, std::int32_t width, std::int32_t picture_height,
                    std::int32_t picture_width);

}  // namespace riffle::graph
