// Resizes whose results are more than two pixels of each row and column: cubic ones, and those that see all pixels that
// a smaller result stands for (antialias). They are products with matrices along rows and along columns, so that they
// hold for one size.
#pragma once

#include "io/onnx/importer.hpp"

namespace riffle::onnx {

/// How much a number counts by its distance from the place that is asked for.
struct Filter {
  bool is_cubic = false;  ///< else it is linear, from 1 to 0 at a distance of 1
  double a = -0.75;       ///< of the cubic one (Keys, 1981), which ends at a distance of 2
  /// Of a smaller result distances are shorter by the scale.
  bool antialiases = false;
  /// Of pixels beyond the edge the others count more; otherwise they are those at the edge.
  bool excludes_outside = false;
};

/// An image, resized as the engine would to the nearest or linearly. The view is of all channels of its node.
View filtered(Call& call, View view, const graph::Resize& resize, const Filter& filter);

}  // namespace riffle::onnx
