// Views and the numbers of shape arithmetic.
#include "io/onnx/view.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "io/onnx/numbers.hpp"

namespace riffle::onnx {
namespace {

using Channels = std::vector<std::int32_t>;

std::vector<Quantity> shape(std::initializer_list<std::int64_t> known) {
  std::vector<Quantity> result;
  for (const std::int64_t extent : known) result.emplace_back(extent);
  return result;
}

std::vector<Quantity> open_shape(std::initializer_list<std::int64_t> behind_batch) {
  std::vector<Quantity> result = shape(behind_batch);
  result.insert(result.begin(), Quantity::batch());
  return result;
}

View image(std::int32_t channels, Batch batch = std::nullopt) {
  return whole("x", 0, {.h = 3, .w = 5, .c = channels}, batch);
}

TEST(View, FollowsAChannelShuffle) {
  View view = *reshape(image(6), open_shape({2, 3, 3, 5}));
  EXPECT_EQ(text(view), "(N, 2, 3, 3, 5)");
  view = transpose(view, std::vector<std::size_t>{0, 2, 1, 3, 4});
  EXPECT_FALSE(is_settled(view, 6));
  EXPECT_FALSE(channel_axis(view).has_value());
  view = *reshape(view, open_shape({6, 3, 5}));
  EXPECT_EQ(channel_axis(view), 1U);
  EXPECT_EQ(channels(view), (Channels{0, 3, 1, 4, 2, 5}));
  const auto operation = choose_channels(channels(view), 6);
  ASSERT_TRUE(operation && std::holds_alternative<graph::Shuffle>(*operation));
  EXPECT_EQ(std::get<graph::Shuffle>(*operation).groups, 2);
}

TEST(View, AShuffleAndItsInverseAreNothing) {
  View view = *reshape(image(6), open_shape({2, 3, 3, 5}));
  view = *reshape(transpose(view, std::vector<std::size_t>{0, 2, 1, 3, 4}), open_shape({6, 3, 5}));
  view = *reshape(view, open_shape({3, 2, 3, 5}));
  view = *reshape(transpose(view, std::vector<std::size_t>{0, 2, 1, 3, 4}), open_shape({6, 3, 5}));
  EXPECT_TRUE(is_settled(view, 6));
  EXPECT_EQ(view.axes, image(6).axes);
}

TEST(View, JoinsRowsColumnsAndTheBatch) {
  const std::vector<Quantity> merged = {multiply(Quantity::batch(), Quantity(3)), Quantity(2), Quantity(15)};
  View view = *reshape(image(6), merged);
  EXPECT_EQ(text(view), "(3 N, 2, 15)");
  view = transpose(view, std::vector<std::size_t>{1, 0, 2});
  std::vector<Quantity> halves = open_shape({3, 3, 5});
  halves.insert(halves.begin(), Quantity(2));
  view = *reshape(view, halves);
  EXPECT_EQ(channels(*select(view, 0, 0)), (Channels{0, 2, 4}));
  EXPECT_EQ(channels(*select(view, 0, 1)), (Channels{1, 3, 5}));
  EXPECT_EQ(with_channels_of(*select(view, 0, 1), 0, 3).axes, image(3).axes);
}

TEST(View, OfAFixedBatch) {
  EXPECT_EQ(text(image(6, 7)), "(7, 6, 3, 5)");
  EXPECT_TRUE(reshape(image(6, 7), shape({21, 2, 15})).has_value());
  EXPECT_FALSE(reshape(image(6, 4), shape({2, 2, 6, 15})).has_value());  // would divide the batch
  EXPECT_TRUE(reshape(image(6, 1), shape({6, 15})).has_value());
}

TEST(View, DividesNothingButChannels) {
  EXPECT_EQ(text(*reshape(image(6), open_shape({18, 5, 1}))), "(N, 18, 5, 1)");
  EXPECT_FALSE(reshape(image(6), open_shape({9, 2, 5})).has_value());
  EXPECT_FALSE(reshape(image(6), open_shape({4, 6, 15})).has_value());
}

TEST(View, SlicesChannelsOnly) {
  EXPECT_EQ(channels(*slice(image(6), 1, 2, 3, 1)), (Channels{2, 3, 4}));
  EXPECT_EQ(channels(*slice(image(6), 1, 5, 3, -2)), (Channels{5, 3, 1}));
  EXPECT_EQ(channels(*slice(*slice(image(6), 1, 1, 4, 1), 1, 1, 2, 2)), (Channels{2, 4}));
  EXPECT_TRUE(slice(image(6), 2, 0, 3, 1).has_value());
  EXPECT_FALSE(slice(image(6), 2, 0, 2, 1).has_value());
  EXPECT_FALSE(slice(image(6), 0, 0, 1, 1).has_value());
  EXPECT_FALSE(select(image(6), 2, 0).has_value());
}

TEST(View, OneChannelOnePixel) {
  const View view = whole("x", 0, {.h = 1, .w = 1, .c = 1}, 1);
  EXPECT_TRUE(is_settled(view, 1));
  EXPECT_EQ(channels(view), Channels{0});
  EXPECT_EQ(text(view), "(1, 1, 1, 1)");
  const View last = *slice(image(6), 1, 5, 1, 1);
  EXPECT_EQ(channels(last), Channels{5});
  EXPECT_FALSE(is_settled(last, 6));
}

/// Of one pixel at the model's size, of more at others.
View open_pixel(std::int32_t channels) {
  return whole("x", 0, {.h = 1, .w = 1, .c = channels}, std::nullopt, {.rows = true, .columns = true});
}

TEST(View, OpenPixelsKeepTheirPlace) {
  const auto at = [](const View& view, std::size_t axis) {
    std::string result;
    for (const Factor& factor : view.axes[axis]) result += "ncrw"[static_cast<int>(factor.index)];
    return result;
  };
  const View flat = *reshape(open_pixel(6), open_shape({6}));
  EXPECT_EQ(at(flat, 1), "crw");
  EXPECT_EQ(flat.axes[1][1].extent, 1);
  const View back = *reshape(flat, open_shape({6, 1, 1}));
  EXPECT_EQ(back.axes, open_pixel(6).axes);
  EXPECT_EQ(at(*reshape(open_pixel(6), open_shape({6, 1})), 2), "rw");
  EXPECT_EQ(at(*reshape(open_pixel(6), open_shape({1, 6})), 2), "crw");
  EXPECT_EQ(extent(flat.axes[1]).made_of, (Extents{.rows = true, .columns = true}));
  EXPECT_EQ(closed(flat).axes, whole_vector("x", 0, 6, std::nullopt).axes);
  EXPECT_FALSE(slice(open_pixel(6), 2, 0, 1, 1).has_value());  // all rows at this size alone
  EXPECT_FALSE(select(open_pixel(6), 2, 0).has_value());
  EXPECT_TRUE(select(closed(open_pixel(6)), 2, 0).has_value());
}

TEST(ChooseChannels, TakesTheSimplestOperation) {
  EXPECT_FALSE(choose_channels({0, 1, 2}, 3).has_value());
  EXPECT_TRUE(std::holds_alternative<graph::Slice>(*choose_channels({0, 1, 2}, 4)));
  EXPECT_TRUE(std::holds_alternative<graph::Slice>(*choose_channels({2}, 4)));
  EXPECT_TRUE(std::holds_alternative<graph::Shuffle>(*choose_channels({0, 2, 1, 3}, 4)));
  EXPECT_TRUE(std::holds_alternative<graph::Gather>(*choose_channels({0, 2, 1, 3}, 5)));
  EXPECT_TRUE(std::holds_alternative<graph::Gather>(*choose_channels({1, 0, 3, 2}, 4)));
  EXPECT_TRUE(std::holds_alternative<graph::Gather>(*choose_channels({0, 2, 3, 1}, 4)));
  EXPECT_TRUE(std::holds_alternative<graph::Gather>(*choose_channels({0, 0}, 4)));
}

TEST(Quantity, ComputesWithTheBatch) {
  const Quantity n = Quantity::batch(), half = divide(Quantity(1), Quantity(2));
  EXPECT_EQ(text(multiply(n, Quantity(58))), "58 N");
  EXPECT_EQ(divide(multiply(n, Quantity(58)), n), Quantity(58));
  EXPECT_EQ(divide(multiply(n, Quantity(58)), Quantity(29)), add(n, n));
  EXPECT_EQ(subtract(n, n), Quantity(0));
  EXPECT_EQ(multiply(half, Quantity(6)), Quantity(3));
  EXPECT_EQ(floor(divide(Quantity(-3), Quantity(2))), Quantity(-2));
  EXPECT_EQ(truncate(divide(Quantity(-3), Quantity(2))), Quantity(-1));
  EXPECT_EQ(modulo(Quantity(-3), Quantity(2)), Quantity(1));
  EXPECT_FALSE(less(n, Quantity(0)));
  EXPECT_TRUE(less(Quantity(-1), n));
  EXPECT_TRUE(less(n, multiply(n, Quantity(2))));
  EXPECT_FALSE(equal(n, Quantity(-1)));
  EXPECT_EQ(Quantity::from_real(0.75), divide(Quantity(3), Quantity(4)));
}

TEST(Quantity, RefusesWhatItCannotKnow) {
  const Quantity n = Quantity::batch();
  constexpr auto least = std::numeric_limits<std::int64_t>::min(), greatest = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(add(n, Quantity(1)), Error);
  EXPECT_THROW(multiply(n, n), Error);
  EXPECT_THROW(divide(Quantity(1), n), Error);
  EXPECT_THROW(floor(divide(n, Quantity(2))), Error);
  EXPECT_THROW(less(n, Quantity(2)), Error);
  EXPECT_THROW(equal(n, Quantity(2)), Error);
  EXPECT_THROW(divide(Quantity(1), Quantity(0)), Error);
  EXPECT_THROW(modulo(Quantity(1), Quantity(0)), Error);
  EXPECT_THROW(add(Quantity(greatest), Quantity(1)), Error);
  EXPECT_THROW(multiply(Quantity(least), Quantity(-1)), Error);
  EXPECT_THROW(divide(Quantity(least), Quantity(-1)), Error);
  EXPECT_THROW(divide(Quantity(least), Quantity(least)), Error);
  EXPECT_THROW(subtract(Quantity(1), Quantity(least)), Error);
  EXPECT_THROW(Quantity::from_real(0.1), Error);
  EXPECT_THROW(Quantity::from_real(1e30), Error);
  EXPECT_THROW(Quantity::from_real(std::numeric_limits<double>::quiet_NaN()), Error);
}

TEST(Numbers, TransposeTakeAndJoin) {
  Numbers matrix = list_of(shape({1, 2, 3, 4, 5, 6}));
  matrix.dims = {2, 3};
  const Value constant = matrix;
  const Value other = pick(constant, {3, 2}, transposed_positions(matrix.dims, std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(dims_of(other), (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(std::get<Numbers>(other).values, shape({1, 4, 2, 5, 3, 6}));
  const auto values = [](const Value& value) { return std::get<Numbers>(value).values; };
  EXPECT_EQ(values(take(constant, 1, std::vector<std::int64_t>{2, 0})), shape({3, 1, 6, 4}));
  const Value* twice[] = {&constant, &constant};
  EXPECT_EQ(values(concatenate(twice, 1)), shape({1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}));
  const Value* uneven[] = {&constant, &other};
  EXPECT_THROW(concatenate(uneven, 0), Error);
  const Value wide = broadcast(take(constant, 1, std::vector<std::int64_t>{1}), {2, 1, 3});
  EXPECT_EQ(dims_of(wide), (std::vector<std::int64_t>{2, 2, 3}));
  EXPECT_EQ(values(wide), shape({2, 2, 2, 5, 5, 5, 2, 2, 2, 5, 5, 5}));
  EXPECT_THROW(broadcast(constant, {4, 3}), Error);
  EXPECT_THROW(combine(matrix, std::get<Numbers>(other), add), Error);
}

TEST(Floats, MoveAsNumbersDo) {
  const Value constant = Floats{.dims = {2, 2}, .values = graph::Constant(std::vector<float>{0.1F, 0.2F, 0.3F, 0.4F})};
  const auto values = [](const Value& value) {
    const std::span<const float> all = std::get<Floats>(value).values.values();
    return std::vector<float>(all.begin(), all.end());
  };
  EXPECT_EQ(values(take(constant, 0, std::vector<std::int64_t>{1})), (std::vector<float>{0.3F, 0.4F}));
  const Value* twice[] = {&constant, &constant};
  EXPECT_EQ(values(concatenate(twice, 1)), (std::vector<float>{0.1F, 0.2F, 0.1F, 0.2F, 0.3F, 0.4F, 0.3F, 0.4F}));
  EXPECT_TRUE(values(take(constant, 0, {})).empty());
  EXPECT_EQ(dims_of(take(constant, 0, {})), (std::vector<std::int64_t>{0, 2}));
}

TEST(Numbers, ElementCountsDoNotOverflow) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({3, 0, 5}), 0);
  EXPECT_THROW(element_count({1LL << 40, 1LL << 40}), Error);
  EXPECT_THROW(element_count({1LL << 62, 4, 0}), Error);
  EXPECT_THROW(element_count({-1, -1}), Error);
}

}  // namespace
}  // namespace riffle::onnx
