// How the loops of a move stand: another order moves the same, and takes longer.
#include "engine/plan/moves.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/text.hpp"

namespace riffle::plan {
namespace {

using graph::arranged;
using graph::Shape;

/// Of each move "first element read > first element written: extent (elements between reads > between writes) ...".
std::string text(const MoveList& list) {
  std::string result;
  for (std::size_t i = 0; i < list.moves.size(); ++i) {
    const kernels::Move& move = list.moves[i];
    result += joined({i == 0 ? "" : "; ", move.from.offset / 4, ">", move.to.offset / 4, ":"});
    for (const auto& [extent, from, to] : list.loops[i]) result += joined({" ", extent, " (", from, ">", to, ")"});
  }
  return result;
}

/// All channels of pixels side by side, in rows of `width` of them, to an arrangement.
std::string moved(const char* arrangement, const Shape& shape, std::int32_t width = 0, MoveTo to = MoveTo::arranged) {
  MoveList list;
  list.add(side_by_side(arranged(arrangement), shape, {}), {.first = {}, .pixel_stride = shape.c, .channels = shape.c},
           0, width == 0 ? shape.w : width, to);
  return text(list);
}

TEST(Moves, HaveAsFewLoopsAsPossibleTheNearestInnermost) {
  EXPECT_EQ(moved("c h w", {4, 6, 3}), "0>0: 24 (3>1) 3 (1>24)");
  EXPECT_EQ(moved("c h w", {4, 6, 30}), "0>0: 30 (1>24) 24 (30>1)") << "where there are more channels, the pixels are";
  EXPECT_EQ(moved("c h w", {4, 6, 24}), "0>0: 24 (24>1) 24 (1>24)");
  EXPECT_EQ(moved("w c h", {4, 6, 3}), "0>0: 18 (1>4) 4 (18>1)");
  EXPECT_EQ(moved("h c w", {4, 6, 3}), "0>0: 4 (18>18) 6 (3>1) 3 (1>6)");
  EXPECT_EQ(moved("c h w", {4, 6, 5}, 9), "0>0: 4 (45>6) 6 (5>1) 5 (1>24)") << "rows that are not side by side";
  EXPECT_EQ(moved("c h w", {4, 6, 6}, 9), "0>0: 4 (54>6) 6 (6>1) 6 (1>24)");
  EXPECT_EQ(moved("c h w", {4, 6, 7}, 9), "0>0: 4 (63>6) 7 (1>24) 6 (7>1)");
  EXPECT_EQ(moved("h w c", {4, 6, 3}), "0>0: 4 (18>18) 18 (1>1)") << "two at least";
  EXPECT_EQ(moved("h w c", {1, 1, 3}), "0>0: 1 (0>0) 3 (1>1)");
  EXPECT_EQ(moved("h w c", {1, 1, 1}), "0>0: 1 (0>0) 1 (0>0)");
  EXPECT_EQ(moved("c h w", {4, 6, 3}, 0, MoveTo::pixels), "0>0: 24 (1>3) 3 (24>1)");
}

TEST(Moves, JoinLoopsThatGoOnOnBothSides) {
  ArrangedMemory memory = side_by_side(arranged("h w c"), {4, 6, 3}, {});
  const auto with_strides = [&](std::vector<std::int64_t> strides) {
    memory.strides = std::move(strides);
    MoveList list;
    list.add(memory, {.first = {}, .pixel_stride = 3, .channels = 3}, 0, 6, MoveTo::arranged);
    return text(list);
  };
  ASSERT_EQ(memory.strides, (std::vector<std::int64_t>{18, 3, 1}));
  EXPECT_EQ(with_strides({24, 4, 1}), "0>0: 24 (3>4) 3 (1>1)");
  EXPECT_EQ(with_strides({36, 3, 1}), "0>0: 4 (18>36) 18 (1>1)");
  EXPECT_EQ(with_strides({40, 4, 1}), "0>0: 4 (18>40) 6 (3>4) 3 (1>1)");
}

TEST(Moves, OfSomeChannelsAreCutWhereAnOuterDigitChanges) {
  const ArrangedMemory memory = side_by_side(arranged("c0:2 h w c1"), {2, 1, 6}, {{8, {}, 0}, Type::f32});
  const auto some = [&](std::int32_t channel, std::int32_t channels) {
    MoveList list;
    list.add(memory, {.first = {40, {}, 0}, .pixel_stride = channels, .channels = channels}, channel, 1,
             MoveTo::arranged);
    return text(list);
  };
  EXPECT_EQ(some(0, 6), "10>2: 2 (3>6) 2 (6>3) 3 (1>1)");
  EXPECT_EQ(some(0, 3), "10>2: 2 (3>3) 3 (1>1)");
  EXPECT_EQ(some(3, 3), "10>8: 2 (3>3) 3 (1>1)");
  EXPECT_EQ(some(1, 4), "10>3: 2 (4>3) 2 (1>1); 12>8: 2 (4>3) 2 (1>1)");
  EXPECT_EQ(some(1, 1), "10>3: 1 (0>0) 2 (1>3)");
  EXPECT_EQ(some(2, 4), "10>4: 1 (0>0) 2 (4>3); 11>8: 2 (4>3) 3 (1>1)");
}

TEST(Moves, APixelStrideIsThatOfAllRowsAndColumns) {
  const Shape shape{4, 6, 3};
  ArrangedMemory memory = side_by_side(arranged("h w c"), shape, {});
  EXPECT_EQ(pixel_stride_in(memory, shape), 3);
  memory.strides = {30, 5, 1};
  EXPECT_EQ(pixel_stride_in(memory, shape), 5);
  memory.strides = {12, 2, 1};
  EXPECT_EQ(pixel_stride_in(memory, shape), std::nullopt) << "pixels would overlap";
  memory.strides = {36, 5, 1};
  EXPECT_EQ(pixel_stride_in(memory, shape), std::nullopt) << "a gap behind each row";
  memory.strides = {32, 5, 1};
  EXPECT_EQ(pixel_stride_in(memory, shape), std::nullopt);
  memory.strides = {36, 6, 2};
  EXPECT_EQ(pixel_stride_in(memory, shape), std::nullopt) << "channels are not side by side";
  EXPECT_EQ(pixel_stride_in(side_by_side(arranged("c h w"), shape, {}), shape), std::nullopt);
  EXPECT_EQ(pixel_stride_in(side_by_side(arranged("c h w"), {4, 6, 1}, {}), {4, 6, 1}), 1);
  EXPECT_EQ(pixel_stride_in(side_by_side(arranged("c h w"), {1, 1, 3}, {}), {1, 1, 3}), 3);
  EXPECT_EQ(pixel_stride_in(side_by_side(arranged("w h c"), shape, {}), shape), std::nullopt);
  EXPECT_EQ(pixel_stride_in(as_pixels(arranged("h w c"), shape, {}, 6, 8), shape), 8);
  EXPECT_EQ(pixel_stride_in(as_pixels(arranged("h w c"), shape, {}, 7, 8), shape), std::nullopt);
  EXPECT_EQ(pixel_stride_in(as_pixels(arranged("(h w) 1 c"), shape, {}, 1, 8), shape), 8);
}

}  // namespace
}  // namespace riffle::plan
