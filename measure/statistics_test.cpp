#include "measure/statistics.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace riffle::tests {
namespace {

TEST(Statistics, of_few_values) {
  const std::vector<double> one = {3};
  const measure::Statistics of_one = measure::summarise(one);
  EXPECT_EQ(of_one.min, 3);
  EXPECT_EQ(of_one.median, 3);
  EXPECT_EQ(of_one.mean, 3);
  EXPECT_EQ(of_one.p95, 3);
  const std::vector<double> four = {4, 1, 3, 2};
  EXPECT_EQ(measure::summarise(four).median, 2.5);
}

TEST(Statistics, of_many_values) {
  std::vector<double> values;
  for (int i = 0; i <= 100; ++i) values.push_back((i * 37) % 101);  // 0 to 100 in some order
  const measure::Statistics statistics = measure::summarise(values);
  EXPECT_EQ(statistics.min, 0);
  EXPECT_EQ(statistics.median, 50);
  EXPECT_EQ(statistics.mean, 50);
  EXPECT_NEAR(statistics.p95, 95, 1e-12);
}

}  // namespace
}  // namespace riffle::tests
