// From a picture to a network's input: what the network was trained with, as far as a model carries it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace riffle::graph {

/// How a picture of any size becomes one of the input's. Files hold the numbers: new kinds go to the end.
enum class Fit : std::uint8_t {
  stretch,  ///< to the input's height and width, whatever becomes of the aspect ratio
  crop      ///< the shorter edge to `resize_size`, and of that the middle (torchvision's Resize and CenterCrop)
};

/// Resized bilinearly, then (pixel / 255 - mean) / deviation. For an input of u8 this makes the numbers q themselves,
/// whatever they stand for, rounded to 0 to 255: with mean 0 and deviation 1 / 255 they are the pixels.
struct Preprocessing {
  Fit resize = Fit::stretch;
  bool antialias = true;  ///< made smaller, a pixel is the mean of all that it stands for, not of the nearest four
  /// Of Fit::crop, in pixels, not less than the input's height and width; 0: the larger of the two.
  std::int32_t resize_size = 0;
  std::vector<float> mean = {0.0F}, deviation = {1.0F};  ///< one value a channel, or one for all

  /// The deviation of a picture whose pixels stay what they are.
  static constexpr float of_pixels = 1.0F / 255.0F;

  bool operator==(const Preprocessing&) const = default;
  [[nodiscard]] float mean_of(std::int32_t channel) const { return of_channel(mean, channel); }
  [[nodiscard]] float deviation_of(std::int32_t channel) const { return of_channel(deviation, channel); }
  static float of_channel(const std::vector<float>& values, std::int32_t channel) {
    return values.size() == 1 ? values.front() : values[static_cast<std::size_t>(channel)];
  }
};

}  // namespace riffle::graph
