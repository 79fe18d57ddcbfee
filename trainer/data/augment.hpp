// What is done to a picture at random before the network sees it.
#pragma once

#include <cstdint>

namespace riffle::trainer {

/// Applied in this order to the resized, normalised picture; the default is none of it.
struct Augmentation {
  std::int32_t crop_padding = 0;   ///< pixels of zeros around the picture, of which a window of its size is cut anywhere
  float flip = 0.0F;               ///< probability of a horizontal flip
  float erase = 0.0F;              ///< probability that a rectangle is filled (arXiv 1708.04896)
};

}  // namespace riffle::trainer
