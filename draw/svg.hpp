// A drawing in SVG, as much of it as the pictures here need. Lengths are pixels, y points down.
#pragma once

#include <string>
#include <string_view>

namespace riffle::draw {

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  [[nodiscard]] double right() const { return x + width; }
  [[nodiscard]] double bottom() const { return y + height; }
  [[nodiscard]] double center_x() const { return x + width / 2; }
  [[nodiscard]] double center_y() const { return y + height / 2; }
};

enum class Anchor { start, middle, end };

struct TextStyle {
  double size = 12;
  std::string_view color = "#24292f";
  Anchor anchor = Anchor::start;
  bool bold = false;
  double turn = 0;  ///< degrees about (x, y), clockwise; -90 is read from below
};

class Svg {
 public:
  /// A filled box; `tooltip` appears under the pointer.
  void box(const Box& box, std::string_view fill, double rounding = 0, std::string_view tooltip = {});
  /// A filled circle with a white rim, so that neighbours stay apart.
  void dot(double x, double y, double radius, std::string_view fill, std::string_view tooltip = {});
  /// (x, y) is the middle of the text's height.
  void text(double x, double y, std::string_view words, const TextStyle& style = {});
  void line(double x1, double y1, double x2, double y2, std::string_view color, double width = 1);
  /// An open outline; `points` as in the SVG attribute: "x,y x,y ...".
  void polyline(std::string_view points, std::string_view color, double width);
  /// A filled area, its outline's points likewise.
  void polygon(std::string_view points, std::string_view fill);
  /// Puts another drawing on top of this one.
  void append(const Svg& other) { body_ += other.body_; }

  /// The whole file.
  [[nodiscard]] std::string finish(double width, double height, std::string_view title) const;

 private:
  std::string body_;
};

/// What the text will take, on the generous side: fonts differ.
double text_width(std::string_view words, double size);

}  // namespace riffle::draw
