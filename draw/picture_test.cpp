#include "draw/picture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "draw/stroke_font.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

using draw::Canvas;
using draw::Color;
using draw::Mark;
using draw::Point;
using draw::Rectangle;

constexpr Color white = {255, 255, 255};
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

io::Picture black(std::int32_t width, std::int32_t height) {
  return {width, height, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(width * height) * 3)};
}

const std::uint8_t* pixel(const io::Picture& picture, std::int32_t x, std::int32_t y) {
  return picture.pixels.data() + static_cast<std::ptrdiff_t>(3) * (y * picture.width + x);
}

/// What was painted in white on black covers, in pixels: light is the square of a file's number.
double area(const io::Picture& picture) {
  double sum = 0;
  for (std::size_t i = 0; i < picture.pixels.size(); i += 3) sum += std::pow(picture.pixels[i] / 255.0, 2);
  return sum;
}

template <class Add>
double area_of(const Add& add) {
  io::Picture picture = black(100, 80);
  Canvas canvas(picture);
  add(canvas);
  canvas.paint(white);
  return area(picture);
}

TEST(Canvas, shapes_cover_their_area) {
  for (const double width : {1.0, 1.5, 2.0, 5.0, 12.0}) {
    const double ends = std::numbers::pi * width * width / 4;
    for (const Point to : {Point{70.3, 20.2}, {70.3, 31.7}, {25.1, 64.9}, {66, 70}, {20.2, 20.2}}) {
      const Point from = {20.2, 20.2};
      const double expected = width * std::hypot(to.x - from.x, to.y - from.y) + ends;
      const double found = area_of([&](Canvas& canvas) { canvas.add_line(from, to, width); });
      EXPECT_NEAR(found, expected, 0.02 * expected + 0.3) << width << " to " << to.x << ", " << to.y;
    }
  }
  EXPECT_NEAR(area_of([](Canvas& canvas) { canvas.add_line({20, 30.5}, {70, 30.5}, 0.4); }), 20, 0.5);
  EXPECT_NEAR(area_of([](Canvas& canvas) { canvas.add_disc({40.4, 40.1}, 13.7); }), std::numbers::pi * 13.7 * 13.7, 1);
  EXPECT_NEAR(area_of([](Canvas& canvas) { canvas.add_rectangle({10.25, 20.5, 50.75, 40}, 0); }), 40.5 * 19.5, 1);
  const double corners = (4 - std::numbers::pi) * 36;
  EXPECT_NEAR(area_of([](Canvas& canvas) { canvas.add_rectangle({10, 20, 50, 40}, 6); }), 800 - corners, 1);
  EXPECT_NEAR(area_of([](Canvas& canvas) { canvas.add_frame({10.3, 20.6, 60.3, 50.6}, 0, 3); }), 53 * 33 - 47 * 27, 3);
  // Turned around is the same; a radius that has no room is as large as can be.
  EXPECT_NEAR(area_of([](Canvas& canvas) { canvas.add_rectangle({50, 60, 10, 20}, 1000); }), std::numbers::pi * 400, 2);
}

TEST(Canvas, shapes_are_united_until_they_are_painted) {
  const auto half_line = [](Canvas& canvas) { canvas.add_line({10.5, 10}, {10.5, 60}, 0.5); };
  const double once = area_of(half_line);
  EXPECT_DOUBLE_EQ(area_of([&](Canvas& canvas) {
                     half_line(canvas);
                     half_line(canvas);
                   }),
                   once);
  EXPECT_GT(area_of([&](Canvas& canvas) {
              half_line(canvas);
              canvas.paint(white);
              half_line(canvas);
            }),
            1.3 * once);
}

TEST(Canvas, mixes_light) {
  io::Picture picture = black(2, 1);
  Canvas canvas(picture);
  canvas.blend(0, 0, {200, 100, 0}, 0.5);
  EXPECT_EQ(pixel(picture, 0, 0)[0], std::lround(200 * std::sqrt(0.5)));
  EXPECT_EQ(pixel(picture, 0, 0)[1], std::lround(100 * std::sqrt(0.5)));
  EXPECT_EQ(pixel(picture, 0, 0)[2], 0);
  canvas.blend(0, 0, {1, 2, 3}, 1);
  EXPECT_EQ(pixel(picture, 0, 0)[2], 3);
  EXPECT_EQ(pixel(picture, 1, 0)[0], 0);
}

TEST(Canvas, takes_any_coordinates) {
  io::Picture picture = black(40, 30);
  Canvas canvas(picture);
  const auto add_all = [&](double a, double b) {
    canvas.add_line({a, 5}, {10, b}, 2);
    canvas.add_disc({a, b}, 3);
    canvas.add_rectangle({a, 2, b, 9}, 2);
    canvas.add_frame({a, a, b, b}, 2, 3);
    canvas.add_text({a, b}, 10, 1, "text");
  };
  for (const double hostile : {nan, infinite, -infinite, 1e300, -1e300, -5.0}) {
    add_all(hostile, 12);
    add_all(12, hostile);
    add_all(hostile, hostile);
    canvas.add_line({3, 3}, {9, 9}, std::min(hostile, 0.0));
    canvas.add_line({3, 3}, {9, 9}, hostile);
    canvas.add_rectangle({3, 3, 9, 9}, hostile);
    canvas.add_frame({3, 3, 9, 9}, hostile, hostile);
    canvas.add_text({3, 3}, hostile, hostile, "text");
    canvas.paint(white);
  }
  // Nothing is drawn where a number is none, or where all is outside.
  picture = black(40, 30);
  canvas.add_line({nan, 5}, {10, 5}, 2);
  canvas.add_rectangle({3, 3, nan, 9}, 0);
  canvas.add_frame({3, 3, 9, 9}, 1, nan);
  canvas.add_disc({-20, 15}, 10);
  canvas.add_line({41.5, 0}, {41.5, 30}, 2);
  canvas.paint(white);
  EXPECT_EQ(area(picture), 0);
  EXPECT_TRUE(contains(error_of([] {
                         io::Picture gray = {1, 1, 1, {0}};
                         const Canvas wrong(gray);
                       }),
                       "3 channels"));
}

TEST(StrokeFont, has_a_character_for_each_byte_of_ascii) {
  for (char c = '!'; c <= '~'; ++c) {
    const std::string text(1, c);
    ASSERT_FALSE(draw::text_strokes(text).empty()) << c;
    for (const draw::Segment& s : draw::text_strokes(text)) {
      for (const Point& p : {s.from, s.to}) {
        EXPECT_TRUE(p.x >= 0 && p.x <= draw::text_width(text) + 1e-9 && p.y >= -1.2 && p.y <= 0.3) << c;
      }
    }
    for (char other = '!'; other < c; ++other) {
      const auto a = draw::text_strokes(text), b = draw::text_strokes(std::string(1, other));
      const auto same = [](const draw::Segment& p, const draw::Segment& q) {
        return p.from.x == q.from.x && p.from.y == q.from.y && p.to.x == q.to.x && p.to.y == q.to.y;
      };
      EXPECT_FALSE(std::equal(a.begin(), a.end(), b.begin(), b.end(), same)) << c << " and " << other;
    }
  }
  EXPECT_TRUE(draw::text_strokes(" ").empty());
  EXPECT_EQ(draw::text_width(""), 0);
  // Others are question marks, one a character, however many bytes it has.
  for (const std::string other : {"\n", "\x7F", "\xC3\xA4", "\xE2\x82\xAC", "\xFF"}) {
    EXPECT_EQ(draw::text_width(other), draw::text_width("?"));
    EXPECT_EQ(draw::text_strokes(other).size(), draw::text_strokes("?").size());
  }
}

TEST(Marks, colours_are_distinct_and_can_be_written_on) {
  for (std::int32_t i = 0; i < 16; ++i) {
    const Color color = draw::color_of(i);
    EXPECT_GE(draw::contrast(color, draw::ink_on(color)), 4.5) << i;
    EXPECT_EQ(color, draw::color_of(i + 16));
    for (std::int32_t k = 0; k < i; ++k) {
      const Color other = draw::color_of(k);
      EXPECT_GT(
          std::abs(color.red - other.red) + std::abs(color.green - other.green) + std::abs(color.blue - other.blue), 60)
          << i << " and " << k;
    }
  }
  EXPECT_NEAR(draw::contrast(white, {}), 21, 1e-9);
  EXPECT_EQ(draw::ink_on({}), white);
  draw::color_of(-1);
}

/// The bounds of the pixels in which two pictures differ; of equal ones, empty.
Rectangle changed(const io::Picture& a, const io::Picture& b) {
  Rectangle bounds = {1e9, 1e9, 0, 0};
  for (std::int32_t y = 0; y < a.height; ++y) {
    for (std::int32_t x = 0; x < a.width; ++x) {
      if (std::equal(pixel(a, x, y), pixel(a, x, y) + 3, pixel(b, x, y))) continue;
      bounds = {std::min(bounds.x0, x + 0.0), std::min(bounds.y0, y + 0.0), std::max(bounds.x1, x + 1.0),
                std::max(bounds.y1, y + 1.0)};
    }
  }
  return bounds.x1 == 0 ? Rectangle{} : bounds;
}

/// A tag that was drawn on a black picture, without its frame.
Rectangle tag_of(std::int32_t width, std::int32_t height, const Rectangle& box, const std::string& label) {
  io::Picture picture = black(width, height);
  draw::draw_marks(picture, {{Mark{.box = box, .label = label, .color = white, .has_frame = false}}});
  return changed(picture, black(width, height));
}

TEST(Marks, a_tag_is_whole_wherever_its_object_is) {
  for (const auto& [width, height] : {std::pair{200, 150}, {640, 480}, {64, 64}}) {
    const Rectangle middle = tag_of(width, height, {30, 30, 60, 60}, "person 0.87");
    ASSERT_GT(middle.height(), 6);
    const double w = width, h = height;
    for (const Rectangle& box : {Rectangle{0, 0, w, h},
                                 {-50, -50, w + 50, h + 50},
                                 {w - 5, 0, w, 5},
                                 {w - 5, h - 5, w + 9, h + 9},
                                 {-9, h - 5, 5, h + 9},
                                 {0, 0, 5, 5},
                                 {-9, -9, 5, 5},
                                 {20, 1, 30, h - 1},
                                 {-1e30, -1e30, 1e30, 1e30}}) {
      const Rectangle tag = tag_of(width, height, box, "person 0.87");
      EXPECT_NEAR(tag.width(), middle.width(), 1) << box.x0 << ", " << box.y0;
      EXPECT_NEAR(tag.height(), middle.height(), 1) << box.x0 << ", " << box.y0;
    }
  }
  // One that is too long has fewer letters.
  const Rectangle long_tag = tag_of(100, 80, {10, 30, 50, 60}, std::string(200, 'm'));
  EXPECT_LE(long_tag.width(), 100);
  EXPECT_GT(long_tag.width(), 80);
  // What cannot be seen has none, and no more has a picture without room.
  EXPECT_EQ(tag_of(100, 80, {120, 20, 150, 50}, "gone").width(), 0);
  EXPECT_EQ(tag_of(100, 80, {nan, 20, 50, 50}, "none").width(), 0);
  EXPECT_EQ(tag_of(3, 3, {0, 0, 3, 3}, "small").width(), 0);
}

TEST(Marks, letters_grow_with_the_picture) {
  double last = 0;
  for (const std::int32_t side : {200, 800, 1600}) {
    const Rectangle tag = tag_of(side, side, {20, 100, 150, 190}, "cat 0.9");
    EXPECT_GT(tag.height(), 1.2 * last);
    last = tag.height();
  }
}

TEST(Marks, tags_of_one_box_stand_side_by_side) {
  io::Picture both = black(300, 200);
  const Rectangle box = {50, 60, 200, 150};
  const Color green = {0, 255, 0}, red = {255, 0, 0};
  draw::draw_marks(both, {{Mark{.box = box, .label = "a", .color = red, .has_frame = false},
                           Mark{.box = box, .label = "b", .color = green, .has_frame = false}}});
  const auto count = [](const io::Picture& picture, const Color& color) {
    int n = 0;
    for (std::int32_t i = 0; i < picture.width * picture.height; ++i) {
      const std::uint8_t* p = picture.pixels.data() + static_cast<std::ptrdiff_t>(3) * i;
      n += p[0] == color.red && p[1] == color.green && p[2] == color.blue ? 1 : 0;
    }
    return n;
  };
  io::Picture alone = black(300, 200);
  draw::draw_marks(alone, {{Mark{.box = box, .label = "b", .color = green, .has_frame = false}}});
  EXPECT_EQ(count(both, green), count(alone, green));
  EXPECT_GT(count(both, red), 50);
}

TEST(Marks, a_frame_is_cut_at_the_edge_and_its_inside_left_alone) {
  io::Picture picture = black(100, 80);
  draw::draw_marks(picture, {{Mark{.box = {-40, 20, 60, 500}, .color = white}}});
  EXPECT_EQ(pixel(picture, 0, 50)[0], 255);  // along the left edge, where the box has left the picture
  EXPECT_EQ(pixel(picture, 30, 79)[0], 255);
  EXPECT_EQ(pixel(picture, 30, 50)[0], 0);
  EXPECT_EQ(pixel(picture, 80, 50)[0], 0);
}

TEST(Marks, points_stand_where_they_are) {
  io::Picture picture = black(100, 80);
  draw::draw_marks(picture, {{Mark{.color = {255, 0, 0},
                                   .points = {{20.5, 30.5}, {70.5, 60.5}, {nan, 3}, {1e30, -1e30}, {-4, 200}},
                                   .has_frame = false}}});
  for (const auto& [x, y] : {std::pair{20, 30}, {70, 60}}) {
    EXPECT_EQ(pixel(picture, x, y)[0], 255);
    EXPECT_EQ(pixel(picture, x, y)[1], 0);
  }
  EXPECT_LT(area(picture), 100);
}

TEST(Mask, is_painted_where_it_is_and_has_a_line_around_it) {
  // The left half of what covers the picture but for a stripe on the right.
  std::vector<float> shares(8 * 6);
  for (std::size_t i = 0; i < shares.size(); ++i) shares[i] = i % 8 < 4 ? 1.0F : 0.0F;
  io::Picture picture = black(100, 60);
  draw::draw_mask(picture, {8, 6, shares, {0, 0, 80, 60}}, white);
  const int inside = pixel(picture, 10, 30)[0];
  EXPECT_GT(inside, 40);
  EXPECT_LT(inside, 160);
  for (std::int32_t y = 0; y < 60; ++y) {
    EXPECT_EQ(pixel(picture, 0, y)[0], inside);  // no line along the picture's edge
    EXPECT_EQ(pixel(picture, 36, y)[0], inside);
    EXPECT_GT(std::max(pixel(picture, 39, y)[0], pixel(picture, 40, y)[0]), inside + 50);
    EXPECT_EQ(pixel(picture, 44, y)[0], 0);
    EXPECT_EQ(pixel(picture, 90, y)[0], 0);
  }
  // Hostile ones.
  const io::Picture before = picture;
  draw::draw_mask(picture, {8, 6, shares, {nan, 0, 80, 60}}, white);
  draw::draw_mask(picture, {8, 6, shares, {0, 0, infinite, 60}}, white);
  draw::draw_mask(picture, {8, 6, shares, {80, 0, 0, 60}}, white);
  draw::draw_mask(picture, {8, 6, shares, {200, 200, 300, 300}}, white);
  draw::draw_mask(picture, {0, 0, {}, {0, 0, 80, 60}}, white);
  shares.assign(shares.size(), std::numeric_limits<float>::quiet_NaN());
  draw::draw_mask(picture, {8, 6, shares, {0, 0, 80, 60}}, white);
  EXPECT_EQ(picture.pixels, before.pixels);
  shares.assign(shares.size(), 1.0F);
  draw::draw_mask(picture, {8, 6, shares, {-1e300, -5, 1e-300, 1e300}}, white);
}

TEST(Key, stands_within_the_picture) {
  io::Picture picture = black(120, 60);
  std::vector<draw::KeyEntry> entries(20, {"something", white});
  draw::draw_key(picture, entries);
  const Rectangle bounds = changed(picture, black(120, 60));
  EXPECT_GT(bounds.x0, 0);
  EXPECT_GT(bounds.y0, 0);
  EXPECT_LT(bounds.x1, 120);
  EXPECT_LT(bounds.y1, 60);
  EXPECT_GT(bounds.height(), 20);
}

}  // namespace
}  // namespace riffle::tests
