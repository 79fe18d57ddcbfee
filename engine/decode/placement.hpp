// Where a network's input lies in the picture that it was made from.
#pragma once

#include <cmath>

namespace riffle::decode {

/// From the input's pixels to a picture's, both continuous: x' = xx x + xy y + x0, y' = yx x + yy y + y0.
struct Placement {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;

  [[nodiscard]] double x(double at_x, double at_y) const { return xx * at_x + xy * at_y + x0; }
  [[nodiscard]] double y(double at_x, double at_y) const { return yx * at_x + yy * at_y + y0; }
  /// A length along x, and so what a depth grows by.
  [[nodiscard]] double scale() const { return std::hypot(xx, yx); }
};

}  // namespace riffle::decode
