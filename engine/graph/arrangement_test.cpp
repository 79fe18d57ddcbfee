#include "engine/graph/arrangement.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "engine/graph/graph.hpp"
#include "tests/expect_error.hpp"

namespace riffle {
namespace {

using graph::arranged;
using graph::Arrangement;
using graph::Shape;

/// The places of all numbers of a tensor, row by row, column by column, channel by channel.
std::vector<std::int64_t> places(const Arrangement& arrangement, const Shape& shape) {
  const graph::ResolvedArrangement resolved = graph::resolve(arrangement, shape);
  std::vector<std::int64_t> result;
  for (std::int64_t y = 0; y < shape.h; ++y) {
    for (std::int64_t x = 0; x < shape.w; ++x) {
      for (std::int64_t c = 0; c < shape.c; ++c) result.push_back(graph::place_of(resolved, y, x, c));
    }
  }
  return result;
}

TEST(Arrangement, is_written_as_it_is_read) {
  for (const char* text : {"c h w", "h w c", "c", "(h w c0:3) c1:85", "(h c1:2) (w c2:2) c0", "h1:2 1 (c w h0)",
                           "(n h w) c", "n", "()", "1 h w c:5 1"}) {
    EXPECT_EQ(to_text(arranged(text)), text);
  }
  for (const char* text :
       {"x", "c c", "c1", "c0 c2:3", "(h", "h)", "((h) w)", "c:0", "c:-1", "c:", "h n", "n n", "c:99999999999"}) {
    EXPECT_THROW((void)arranged(text), Error) << text;
  }
}

TEST(Arrangement, has_each_number_at_its_place) {
  EXPECT_EQ(places(arranged("h w c"), {1, 2, 3}), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(places(arranged("c h w"), {1, 2, 3}), (std::vector<std::int64_t>{0, 2, 4, 1, 3, 5}));
  // Two anchors of two numbers at each of two pixels, a list of all anchors of either number.
  EXPECT_EQ(places(arranged("c1:2 (h w c0:2)"), {1, 2, 4}), (std::vector<std::int64_t>{0, 4, 1, 5, 2, 6, 3, 7}));
}

TEST(Arrangement, is_for_every_size_that_it_divides) {
  const Arrangement halves = arranged("h0 w (h1:2 c)");
  EXPECT_EQ(graph::resolve(halves, {6, 5, 3}).extents, (std::vector<std::int64_t>{3, 5, 6}));
  EXPECT_EQ(graph::resolve(halves, {2, 1, 1}).extents, (std::vector<std::int64_t>{1, 1, 2}));
  const auto refused = [&](const Arrangement& arrangement, const Shape& shape) {
    return tests::error_of([&] { (void)graph::resolve(arrangement, shape); });
  };
  EXPECT_NE(refused(halves, {5, 5, 3}).find("is not for 5 rows"), std::string::npos);
  EXPECT_NE(refused(arranged("c"), {1, 2, 3}).find("is not for 2 columns"), std::string::npos);
  EXPECT_NE(refused(arranged("h w c:4"), {1, 2, 3}).find("is not for 3 channels"), std::string::npos);
  EXPECT_NE(refused(arranged("h0 h1 w c"), {1, 2, 3}).find("two open digits"), std::string::npos);
}

TEST(Arrangement, that_is_none_is_refused) {
  Arrangement twice = arranged("h w c"), missing = twice, unknown = twice, mixed = twice;
  twice.axes[0] = {0, 0};
  missing.axes[1].clear();
  unknown.axes[2] = {7};
  std::swap(mixed.digits[0], mixed.digits[2]);
  for (const Arrangement& one : {twice, missing, unknown, mixed}) {
    EXPECT_THROW((void)graph::resolve(one, {2, 2, 2}), Error);
  }
}

TEST(Arrangement, of_what_is_arranged_is_one_arrangement) {
  const auto both = [](const char* first, const char* second) {
    const auto result = composed(arranged(first), arranged(second));
    return result ? to_text(*result) : "none";
  };
  EXPECT_EQ(both("(h w c0:3) 1 c1:85", "h w c"), "(h w c0:3) 1 c1:85");
  EXPECT_EQ(both("(h w c0:3) 1 c1:85", "c h w"), "c1:85 (h w c0:3) 1");
  EXPECT_EQ(both("h w c:6", "c0:2 h w c1:3"), "c0:2 h w c1:3");
  EXPECT_EQ(both("h w c:6", "c0:4 h w c1:3"), "none");
  EXPECT_EQ(both("(h c1:2) (w c2:2) c0", "h0 w0 (h1:2 w1:2 c)"), "h w (c1:2 c2:2 c0)");
  EXPECT_EQ(both("(h c1:2) (w c2:2) c0", "h0 w0 (h1:3 w1:2 c)"), "none");
  EXPECT_EQ(both("c h w", "w c h"), "h w c");

  const Shape shape{2, 3, 8};
  const Arrangement first = arranged("(h c1:2) (w c2:2) c0"), second = arranged("w c h");
  const Shape between{4, 6, 2};
  const auto in_two = graph::resolve(second, between);
  const auto at_once = graph::resolve(*composed(first, second), shape), step = graph::resolve(first, shape);
  for (std::int32_t y = 0; y < shape.h; ++y) {
    for (std::int32_t x = 0; x < shape.w; ++x) {
      for (std::int32_t c = 0; c < shape.c; ++c) {
        const std::int64_t p = graph::place_of(step, y, x, c);
        EXPECT_EQ(graph::place_of(at_once, y, x, c), graph::place_of(in_two, p / 12, p / 2 % 6, p % 2));
      }
    }
  }
}

}  // namespace
}  // namespace riffle
