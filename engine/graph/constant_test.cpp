#include "engine/graph/constant.hpp"

#include <gtest/gtest.h>

namespace riffle::graph {
namespace {

template <class T>
Constant stored_as(Type type, const std::vector<T>& numbers) {
  auto kept = std::make_shared<const std::vector<T>>(numbers);
  return Constant(type, std::as_bytes(std::span(*kept)), std::shared_ptr<const void>(kept));
}

std::vector<float> values_of(const Constant& constant) { return {constant.values().begin(), constant.values().end()}; }

TEST(Constant, FloatsStandWhereTheyAre) {
  const std::vector<float> floats = {1, 2, 3};
  const Constant constant(std::span<const float>{floats}, std::shared_ptr<const void>{});
  EXPECT_EQ(constant.values().data(), floats.data());
  EXPECT_EQ(constant.size(), 3U);
  EXPECT_EQ(constant.type(), Type::f32);
}

TEST(Constant, OfEveryTypeHasItsValues) {
  EXPECT_EQ(values_of(stored_as<std::uint16_t>(Type::f16, {0x3C00, 0xC100, 0x0001})),
            (std::vector<float>{1.0F, -2.5F, 0x1p-24F}));
  EXPECT_EQ(values_of(stored_as<std::uint16_t>(Type::bf16, {0x3F80, 0xC020})), (std::vector<float>{1.0F, -2.5F}));
  EXPECT_EQ(values_of(stored_as<std::int8_t>(Type::i8, {-128, 0, 127})), (std::vector<float>{-128, 0, 127}));
  EXPECT_EQ(values_of(stored_as<std::uint8_t>(Type::u8, {0, 255})), (std::vector<float>{0, 255}));
  const Constant halves = stored_as<std::uint16_t>(Type::f16, {0x3C00, 0x4000});
  EXPECT_EQ(halves.size(), 2U);
  EXPECT_EQ(halves.stored().size(), 4U);
}

TEST(Constant, RowsCountTheirFactorTimes) {
  const Constant bytes = stored_as<std::int8_t>(Type::i8, {1, 2, 3, 4}).scaled({0.5, 10});
  EXPECT_EQ(values_of(bytes), (std::vector<float>{0.5F, 1, 30, 40}));
  const Constant again = bytes.scaled({2, 0.1});
  EXPECT_EQ(values_of(again), (std::vector<float>{1, 2, 3, 4}));
  const kernels::Weights factors = again.factors();
  EXPECT_EQ(std::vector<float>(factors.values.begin(), factors.values.end()), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(std::vector<double>(factors.row_scale.begin(), factors.row_scale.end()), (std::vector<double>{1, 1}));
}

}  // namespace
}  // namespace riffle::graph
