// What is done to a picture at random before the network sees it.
//
// Everything happens in place, to `channels` planes of height x width floats, and allocates nothing. What happens is
// what a few numbers say (Change); the numbers are drawn beforehand, so that they can be tested and told.
#pragma once

#include <cstdint>
#include <span>

#include "engine/graph/graph.hpp"
#include "trainer/data/random.hpp"

namespace riffle::trainer {

/// Applied in this order to the resized, normalised picture; the default is none of it.
struct Augmentation {
  std::int32_t crop_padding = 0;  ///< pixels of zeros around the picture, of which a window of its size is cut anywhere
  float flip = 0.0F;              ///< probability of a horizontal flip
  float erase = 0.0F;             ///< probability that a rectangle is filled with zeros (arXiv 1708.04896)
};

/// Throws Error naming a value that is out of range: probabilities are in [0, 1], the padding in [0, max_extent].
void check(const Augmentation& augmentation);

/// Rows [top, top + height), columns [left, left + width).
struct Rectangle {
  std::int32_t top = 0, left = 0, height = 0, width = 0;
};

/// One picture's augmentation.
struct Change {
  std::int32_t down = 0, right = 0;  ///< where the window begins: up to the padding in either direction
  bool flip = false;
  Rectangle erased = {};  ///< of no height where nothing is
};

/// `erased` has 2 % to 33 % of the picture's area, evenly, and an aspect (height / width) of 0.3 to 3.3, evenly in its
/// logarithm; ten sizes are tried for one that fits into the picture.
Change draw_change(const Augmentation& augmentation, std::int32_t height, std::int32_t width, Random& random);

/// planes: input.size() floats, (C, H, W).
void apply(const Change& change, const graph::Shape& input, std::span<float> planes);

}  // namespace riffle::trainer
