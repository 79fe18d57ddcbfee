#include "draw/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "draw/stroke_font.hpp"

namespace riffle::draw {
namespace {

constexpr std::array<Color, 16> palette = {{
    {0x2B, 0x9C, 0xF0},  // azure
    {0xFF, 0x5A, 0x4F},  // coral
    {0x3D, 0xC4, 0x6B},  // green
    {0xFF, 0xC4, 0x2E},  // amber
    {0xA4, 0x6C, 0xF5},  // violet
    {0x1B, 0xC5, 0xBD},  // turquoise
    {0xF5, 0x6A, 0xB0},  // pink
    {0xFF, 0x8F, 0x3A},  // orange
    {0x4F, 0x5B, 0xD9},  // indigo
    {0xA9, 0xD6, 0x39},  // lime
    {0xC9, 0x53, 0xD6},  // magenta
    {0x7F, 0xD3, 0xF7},  // sky
    {0xC0, 0x8A, 0x5B},  // brown
    {0xE8, 0x3E, 0x78},  // rose
    {0x8F, 0xA3, 0xB5},  // slate
    {0xF3, 0xE0, 0x7A},  // straw
}};
constexpr Color dark = {0x14, 0x17, 0x1C}, light = {0xFF, 0xFF, 0xFF};

double luminance(Color color) {
  const auto linear = [](std::uint8_t value) {
    const double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue);
}

/// Lengths in pixels, which follow from the picture's size.
struct Style {
  double line, halo;                    ///< widths
  double corner;                        ///< of a frame: its radius
  double text;                          ///< the height of a capital letter
  double padding_across, padding_down;  ///< of a tag

  explicit Style(const Canvas& canvas) {
    const double side = std::sqrt(canvas.width() * canvas.height());
    line = std::round(2 * (1 + 0.003 * side)) / 2;
    halo = line + 0.6 + 0.3 * line;
    corner = 1.6 * line;
    set_text(std::max(std::round(3 + 0.0125 * side), 7.0));
  }
  void set_text(double size) {
    text = size;
    padding_across = std::ceil(0.65 * size);
    padding_down = std::ceil(0.5 * size);
  }
  [[nodiscard]] double letter_line() const { return 0.45 + 0.1 * text; }
  [[nodiscard]] double tag_width(std::string_view label) const {
    return std::ceil((text - letter_line()) * text_width(label) + letter_line()) + 2 * padding_across;
  }
  [[nodiscard]] double tag_height() const { return text + 2 * padding_down; }
};

struct Tag {
  Rectangle box;
  std::string label;
  Style style;
};

/// A tag of that label which is no wider than the canvas, at (0, 0): in smaller letters, and then in fewer. Its label
/// is empty where not even one letter has room.
Tag make_tag(const Canvas& canvas, const Style& style, const std::string& label) {
  Tag tag = {{}, label, style};
  while (tag.style.tag_width(tag.label) > canvas.width() && tag.style.text > 5) tag.style.set_text(tag.style.text - 1);
  while (!tag.label.empty() && tag.style.tag_width(tag.label) > canvas.width()) tag.label.pop_back();
  if (tag.style.tag_height() > canvas.height()) tag.label.clear();
  tag.box = {0, 0, tag.style.tag_width(tag.label), tag.style.tag_height()};
  return tag;
}

void draw_tag(Canvas& canvas, const Tag& tag, Color color) {
  const Style& style = tag.style;
  canvas.add_rectangle(tag.box, style.line);
  canvas.paint(color);
  const double half = style.letter_line() / 2;
  canvas.add_text({tag.box.x0 + style.padding_across + half, tag.box.y1 - style.padding_down - half},
                  style.text - 2 * half, 2 * half, tag.label);
  canvas.paint(ink_on(color));
}

double common_area(const Rectangle& a, const Rectangle& b) {
  const double width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const double height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  return width > 0 && height > 0 ? width * height : 0;
}

/// At the frame, whose line it covers: above, in it, below, at its left and its right end; of these the first that lies
/// on no other tag, or on as little of them as can be.
void place(Tag& tag, const Canvas& canvas, const Rectangle& outer, std::span<const Tag> others) {
  const double width = tag.box.width(), height = tag.box.height(), line = tag.style.line;
  Rectangle best;
  double least = -1;
  for (const double y : {outer.y0 + line - height, outer.y0, outer.y1 - line, outer.y1 - height}) {
    if (y < 0 || y + height > canvas.height()) continue;
    for (const double x : {outer.x0, outer.x1 - width}) {
      const double left = std::clamp(x, 0.0, canvas.width() - width);
      const Rectangle at = {left, y, left + width, y + height};
      double hidden = 0;
      for (const Tag& other : others) hidden += common_area(at, other.box);
      if (least < 0 || hidden < least) {
        best = at;
        least = hidden;
      }
    }
  }
  if (least < 0) best = {0, 0, width, height};
  tag.box = best;
}

/// What of it is in the picture, drawn with a line of that width inside of it; empty where nothing is.
Rectangle visible(const Rectangle& box, const Canvas& canvas, double line) {
  const double half = line / 2;
  const auto within = [half](double at, double end) { return std::clamp(at, half, std::max(end - half, half)); };
  if (!(box.x0 < canvas.width() && box.y0 < canvas.height() && box.x1 > 0 && box.y1 > 0)) return {};
  return {within(box.x0, canvas.width()), within(box.y0, canvas.height()), within(box.x1, canvas.width()),
          within(box.y1, canvas.height())};
}

/// The radius of dots that leave room between them.
double dot_radius(std::span<const Point> points, double line) {
  Rectangle bounds = {1e9, 1e9, -1e9, -1e9};
  for (const Point& p : points) {
    bounds = {std::min(bounds.x0, p.x), std::min(bounds.y0, p.y), std::max(bounds.x1, p.x), std::max(bounds.y1, p.y)};
  }
  const double each = std::sqrt(std::max(0.0, bounds.width() * bounds.height()) / static_cast<double>(points.size()));
  return std::clamp(0.2 * each, 0.35 * line, 1.1 * line);
}

/// Large dots have a rim; small ones would be nothing but that.
void draw_points(Canvas& canvas, std::span<const Point> points, Color color, double line) {
  if (points.empty()) return;
  const double radius = dot_radius(points, line);
  for (const Point& p : points) canvas.add_disc(p, radius + 0.4 * line);
  canvas.paint(light, std::clamp(2 * radius / line - 1, 0.0, 0.9));
  for (const Point& p : points) canvas.add_disc(p, radius);
  canvas.paint(color);
}

/// Which of a mask's parts make a pixel's share along one axis, and by how much: a cubic B-spline, whose curves have no
/// corners. Beyond the mask's last part nothing belongs to it.
struct SplineTaps {
  std::array<std::int32_t, 4> at;
  std::array<float, 4> weights;
};

std::vector<SplineTaps> spline_taps(std::int32_t pixels, double first, double last, std::int32_t parts) {
  std::vector<SplineTaps> taps;
  for (std::int32_t x = 0; x < pixels; ++x) {
    const double where = (x + 0.5 - first) / (last - first) * parts;
    const double u = std::clamp(where, 0.0, static_cast<double>(parts)) - 0.5, whole = std::floor(u), t = u - whole;
    const double inside = where >= 0 && where < parts ? 1.0 / 6 : 0.0;
    SplineTaps& tap = taps.emplace_back();
    tap.weights = {static_cast<float>(inside * (1 - t) * (1 - t) * (1 - t)),
                   static_cast<float>(inside * (4 - 6 * t * t + 3 * t * t * t)),
                   static_cast<float>(inside * (1 + 3 * t + 3 * t * t - 3 * t * t * t)),
                   static_cast<float>(inside * t * t * t)};
    for (std::int32_t k = 0; k < 4; ++k) {
      tap.at[static_cast<std::size_t>(k)] = std::clamp(static_cast<std::int32_t>(whole) - 1 + k, 0, parts - 1);
    }
  }
  return taps;
}

/// A mask's shares at the pixels of a picture, a row at a time.
class Field {
 public:
  Field(const Mask& mask, std::int32_t width, std::int32_t height)
      : mask_(mask),
        across_(spline_taps(width, mask.covers.x0, mask.covers.x1, mask.columns)),
        down_(spline_taps(height, mask.covers.y0, mask.covers.y1, mask.rows)),
        column_(static_cast<std::size_t>(mask.columns)) {}

  void row(std::int32_t y, std::span<float> shares) {
    const SplineTaps& down = down_[static_cast<std::size_t>(y)];
    std::fill(column_.begin(), column_.end(), 0.0F);
    for (std::size_t k = 0; k < 4; ++k) {
      const auto from = mask_.shares.subspan(static_cast<std::size_t>(down.at[k]) * column_.size(), column_.size());
      for (std::size_t i = 0; i < column_.size(); ++i) column_[i] += down.weights[k] * from[i];
    }
    for (std::size_t x = 0; x < shares.size(); ++x) {
      const SplineTaps& across = across_[x];
      float sum = 0;
      for (std::size_t k = 0; k < 4; ++k) sum += across.weights[k] * column_[static_cast<std::size_t>(across.at[k])];
      shares[x] = sum;
    }
  }

 private:
  const Mask& mask_;
  std::vector<SplineTaps> across_, down_;
  std::vector<float> column_;
};

/// Where the edge of the mask crosses the square between four pixels' centres, the upper left one of which is (x, y)
/// (marching squares).
void add_contour(Canvas& canvas, double x, double y, std::array<float, 4> corners, double line) {
  constexpr std::array<Point, 4> places = {{{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
  std::array<Point, 4> crossings = {};
  std::size_t count = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t next = (i + 1) % 4;
    const double a = static_cast<double>(corners[i]) - 0.5, b = static_cast<double>(corners[next]) - 0.5;
    if ((a > 0) == (b > 0)) continue;
    const double t = a / (a - b);
    crossings[count++] = {x + 0.5 + places[i].x + t * (places[next].x - places[i].x),
                          y + 0.5 + places[i].y + t * (places[next].y - places[i].y)};
  }
  for (std::size_t i = 0; i + 1 < count; i += 2) canvas.add_line(crossings[i], crossings[i + 1], line);
}

}  // namespace

Color color_of(std::int32_t label) { return palette[static_cast<std::uint32_t>(label) % palette.size()]; }

double contrast(Color a, Color b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

Color ink_on(Color background) { return contrast(background, dark) > contrast(background, light) ? dark : light; }

void draw_marks(io::Picture& picture, std::span<const Mark> marks) {
  Canvas canvas(picture);
  const Style style(canvas);
  // The best in front: frames and points from the last to the first, and no line crosses a tag.
  for (auto mark = marks.rbegin(); mark != marks.rend(); ++mark) {
    const Rectangle box = visible(mark->box, canvas, style.line);
    if (mark->has_frame && box.width() > 0 && box.height() > 0) {
      canvas.add_frame(box, style.corner, style.halo);
      canvas.paint(dark, 0.4);
      canvas.add_frame(box, style.corner, style.line);
      canvas.paint(mark->color);
    }
    draw_points(canvas, mark->points, mark->color, style.line);
  }
  std::vector<Tag> tags;
  std::vector<Color> colors;
  for (const Mark& mark : marks) {
    const Rectangle box = visible(mark.box, canvas, style.line);
    if (mark.label.empty() || box.width() <= 0 || box.height() <= 0) continue;
    Tag tag = make_tag(canvas, style, mark.label);
    if (tag.label.empty()) continue;
    const double half = style.line / 2;
    place(tag, canvas, {box.x0 - half, box.y0 - half, box.x1 + half, box.y1 + half}, tags);
    tags.push_back(std::move(tag));
    colors.push_back(mark.color);
  }
  for (std::size_t i = tags.size(); i-- > 0;) draw_tag(canvas, tags[i], colors[i]);
}

void draw_key(io::Picture& picture, std::span<const KeyEntry> entries) {
  Canvas canvas(picture);
  const Style style(canvas);
  const double gap = std::ceil(0.4 * style.text);
  double top = gap;
  for (const KeyEntry& entry : entries) {
    Tag tag = make_tag(canvas, style, entry.label);
    if (tag.label.empty() || top + tag.box.height() > canvas.height()) return;
    const double left = std::min(gap, canvas.width() - tag.box.width());
    tag.box = {left, top, left + tag.box.width(), top + tag.box.height()};
    draw_tag(canvas, tag, entry.color);
    top = tag.box.y1 + gap;
  }
}

void draw_mask(io::Picture& picture, const Mask& mask, Color color) {
  Canvas canvas(picture);
  const Style style(canvas);
  // Neither is where a number is none.
  const bool is_somewhere = mask.covers.width() > 0 && mask.covers.height() > 0;
  if (mask.columns < 1 || mask.rows < 1 || !is_somewhere || !std::isfinite(mask.covers.width() + mask.covers.height()))
    return;
  Field field(mask, picture.width, picture.height);
  const auto width = static_cast<std::size_t>(picture.width);
  std::vector<float> above(width), row(width);
  for (std::int32_t y = 0; y < picture.height; ++y) {
    std::swap(above, row);
    field.row(y, row);
    for (std::int32_t x = 0; x < picture.width; ++x) {
      const auto i = static_cast<std::size_t>(x);
      if (row[i] > 0.5F) canvas.blend(x, y, color, 0.22);
      if (y > 0 && x > 0) add_contour(canvas, x - 1, y - 1, {above[i - 1], above[i], row[i], row[i - 1]}, style.line);
    }
  }
  canvas.paint(color);
}

}  // namespace riffle::draw
