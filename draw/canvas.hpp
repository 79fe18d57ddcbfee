// Antialiased drawing on a picture.
//
// A shape is a signed distance: how far outside of it a point lies. It covers a pixel by 1/2 - the distance of the
// pixel's centre, within 0 and 1, which is the part of the pixel inside, as if the edge were straight and upright.
// Shapes are united until they are painted: the largest coverage counts, so that where lines meet nothing is painted
// twice. Coordinates are continuous: pixel (x, y) covers [x, x + 1) x [y, y + 1). Any are allowed: what lies outside of
// the picture is not drawn, and no more is a shape with a NaN.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "io/picture.hpp"

namespace riffle::draw {

struct Point {
  double x = 0, y = 0;
};

struct Rectangle {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  [[nodiscard]] double width() const { return x1 - x0; }
  [[nodiscard]] double height() const { return y1 - y0; }
};

struct Color {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Color&) const = default;
};

class Canvas {
 public:
  /// The picture has 3 channels and is upright; it outlives the canvas. Throws Error for another.
  explicit Canvas(io::Picture& picture);

  [[nodiscard]] double width() const { return picture_.width; }
  [[nodiscard]] double height() const { return picture_.height; }

  /// With round ends. A line thinner than a pixel is fainter.
  void add_line(Point from, Point to, double line_width);
  void add_disc(Point centre, double radius) { add_line(centre, centre, 2 * radius); }
  /// The corners are round, at most as much as the box has room for.
  void add_rectangle(Rectangle box, double radius);
  /// A line along the edge of the same, as much inside of it as outside.
  void add_frame(Rectangle box, double radius, double line_width);
  /// The baseline begins at `at`; `size`: the height of a capital letter.
  void add_text(Point at, double size, double line_width, std::string_view text);

  /// Mixes the colour in where something was added, and forgets what that was.
  void paint(Color color, double opacity = 1);

  /// Mixes the colour into one pixel, which is in the picture.
  void blend(std::int32_t x, std::int32_t y, Color color, double share);

 private:
  /// A range of pixels.
  struct Area {
    std::int32_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  };
  [[nodiscard]] Area area_of(const Rectangle& bounds) const;
  /// Within `bounds`, where all that is covered lies; no pixel by more than `most`.
  template <class Distance>
  void cover(const Rectangle& bounds, double most, const Distance& distance);

  io::Picture& picture_;
  std::vector<std::uint8_t> coverage_;  ///< by pixel, in 1/255; 0 outside of `touched_`
  Area touched_;
};

}  // namespace riffle::draw
