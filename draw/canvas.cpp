#include "draw/canvas.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>

#include "base/error.hpp"
#include "draw/stroke_font.hpp"

namespace riffle::draw {
namespace {

/// Coordinates beyond are brought here, so that no sum overflows.
constexpr double far_away = 1e7;

/// Is there a shape of these numbers? Makes them small enough then.
bool tame(std::initializer_list<double*> numbers) {
  for (double* number : numbers) {
    if (std::isnan(*number)) return false;
    *number = std::clamp(*number, -far_away, far_away);
  }
  return true;
}

Rectangle widened(const Rectangle& box, double by) { return {box.x0 - by, box.y0 - by, box.x1 + by, box.y1 + by}; }

/// From a rectangle with round corners; negative inside.
class EdgeDistance {
 public:
  EdgeDistance(const Rectangle& box, double radius)
      : centre_{(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2},
        radius_(radius),
        half_width_(box.width() / 2 - radius),
        half_height_(box.height() / 2 - radius) {}

  double operator()(double x, double y) const {
    const double right = std::abs(x - centre_.x) - half_width_, below = std::abs(y - centre_.y) - half_height_;
    if (right > 0 && below > 0) return std::sqrt(right * right + below * below) - radius_;
    return std::max(right, below) - radius_;
  }

 private:
  Point centre_;
  double radius_, half_width_, half_height_;
};

/// Puts the corners in order, and limits the radius to what the box has room for.
bool tame_rectangle(Rectangle& box, double& radius) {
  if (!tame({&box.x0, &box.y0, &box.x1, &box.y1, &radius})) return false;
  if (box.x0 > box.x1) std::swap(box.x0, box.x1);
  if (box.y0 > box.y1) std::swap(box.y0, box.y1);
  radius = std::clamp(radius, 0.0, std::min(box.width(), box.height()) / 2);
  return true;
}

}  // namespace

Canvas::Canvas(io::Picture& picture) : picture_(picture) {
  if (picture.channels != 3 || picture.orientation != io::Orientation{}) {
    throw Error("drawing is on upright pictures of 3 channels");
  }
  coverage_.resize(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height));
}

Canvas::Area Canvas::area_of(const Rectangle& bounds) const {
  const auto first = [](double at, std::int32_t end) {
    return static_cast<std::int32_t>(std::clamp(std::floor(at - 1), 0.0, static_cast<double>(end)));
  };
  const auto last = [](double at, std::int32_t end) {
    return static_cast<std::int32_t>(std::clamp(std::ceil(at + 1), 0.0, static_cast<double>(end)));
  };
  return {first(bounds.x0, picture_.width), first(bounds.y0, picture_.height), last(bounds.x1, picture_.width),
          last(bounds.y1, picture_.height)};
}

template <class Distance>
void Canvas::cover(const Rectangle& bounds, double most, const Distance& distance) {
  const Area area = area_of(bounds);
  if (area.x0 >= area.x1 || area.y0 >= area.y1) return;
  const bool is_first = touched_.x0 >= touched_.x1;
  touched_ = is_first ? area
                      : Area{std::min(touched_.x0, area.x0), std::min(touched_.y0, area.y0),
                             std::max(touched_.x1, area.x1), std::max(touched_.y1, area.y1)};
  for (std::int32_t y = area.y0; y < area.y1; ++y) {
    std::uint8_t* const row = coverage_.data() + static_cast<std::ptrdiff_t>(y) * picture_.width;
    for (std::int32_t x = area.x0; x < area.x1; ++x) {
      const double covered = std::clamp(0.5 - distance(x + 0.5, y + 0.5), 0.0, most);
      row[x] = std::max(row[x], static_cast<std::uint8_t>(255 * covered + 0.5));
    }
  }
}

void Canvas::add_line(Point from, Point to, double line_width) {
  if (!tame({&from.x, &from.y, &to.x, &to.y, &line_width}) || line_width <= 0) return;
  const double along_x = to.x - from.x, along_y = to.y - from.y, half = line_width / 2;
  const double square = along_x * along_x + along_y * along_y, inverse = square > 0 ? 1 / square : 0;
  const Rectangle bounds = {std::min(from.x, to.x), std::min(from.y, to.y), std::max(from.x, to.x),
                            std::max(from.y, to.y)};
  cover(widened(bounds, half), std::min(line_width, 1.0), [=](double x, double y) {
    const double right = x - from.x, below = y - from.y;
    const double t = std::clamp((right * along_x + below * along_y) * inverse, 0.0, 1.0);
    const double away_x = right - t * along_x, away_y = below - t * along_y;
    return std::sqrt(away_x * away_x + away_y * away_y) - half;
  });
}

void Canvas::add_rectangle(Rectangle box, double radius) {
  if (!tame_rectangle(box, radius)) return;
  cover(box, std::min({1.0, box.width(), box.height()}), EdgeDistance(box, radius));
}

void Canvas::add_frame(Rectangle box, double radius, double line_width) {
  if (!tame_rectangle(box, radius) || !tame({&line_width}) || line_width <= 0) return;
  const double half = line_width / 2, depth = radius + half;
  const auto distance = [half, edge = EdgeDistance(box, radius)](double x, double y) {
    return std::abs(edge(x, y)) - half;
  };
  // Nothing in the middle of a large frame is looked at.
  const Rectangle whole = widened(box, half);
  const double left = std::min(box.x0 + depth, whole.x1), right = std::max(box.x1 - depth, whole.x0);
  const double top = std::min(box.y0 + depth, whole.y1), bottom = std::max(box.y1 - depth, whole.y0);
  for (const Rectangle& side :
       {Rectangle{whole.x0, whole.y0, whole.x1, top}, Rectangle{whole.x0, bottom, whole.x1, whole.y1},
        Rectangle{whole.x0, top, left, bottom}, Rectangle{right, top, whole.x1, bottom}}) {
    cover(side, std::min(line_width, 1.0), distance);
  }
}

void Canvas::add_text(Point at, double size, double line_width, std::string_view text) {
  for (const Segment& s : text_strokes(text)) {
    const bool is_dot = s.from.x == s.to.x && s.from.y == s.to.y;  // which would look smaller than a line's end
    add_line({at.x + size * s.from.x, at.y + size * s.from.y}, {at.x + size * s.to.x, at.y + size * s.to.y},
             is_dot ? 1.4 * line_width : line_width);
  }
}

void Canvas::paint(Color color, double opacity) {
  for (std::int32_t y = touched_.y0; y < touched_.y1; ++y) {
    std::uint8_t* const row = coverage_.data() + static_cast<std::ptrdiff_t>(y) * picture_.width;
    for (std::int32_t x = touched_.x0; x < touched_.x1; ++x) {
      if (row[x] != 0) blend(x, y, color, opacity * row[x] / 255);
      row[x] = 0;
    }
  }
  touched_ = {};
}

void Canvas::blend(std::int32_t x, std::int32_t y, Color color, double share) {
  std::uint8_t* const pixel = picture_.pixels.data() + 3 * (static_cast<std::ptrdiff_t>(y) * picture_.width + x);
  // Light mixes, not the numbers of files, which are about its square roots.
  const auto mix = [share](std::uint8_t& value, double with) {
    value = static_cast<std::uint8_t>(std::sqrt((1 - share) * value * value + share * with * with) + 0.5);
  };
  mix(pixel[0], color.red);
  mix(pixel[1], color.green);
  mix(pixel[2], color.blue);
}

}  // namespace riffle::draw
