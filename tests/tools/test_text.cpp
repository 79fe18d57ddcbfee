#include <gtest/gtest.h>

#include <sstream>

#include "tools/statistics.hpp"
#include "tools/table.hpp"
#include "tools/text.hpp"

namespace riffle::tests {
namespace {

using tools::Table;

TEST(Text, numbers) {
  EXPECT_EQ(tools::grouped(0), "0");
  EXPECT_EQ(tools::grouped(999), "999");
  EXPECT_EQ(tools::grouped(1000), "1,000");
  EXPECT_EQ(tools::grouped(1234567), "1,234,567");
  EXPECT_EQ(tools::grouped(-123456), "-123,456");
  EXPECT_EQ(tools::millions(144'908'344), "144.9 M");
  EXPECT_EQ(tools::millions(1'024'000), "1.02 M");
  EXPECT_EQ(tools::bytes_text(1023), "1023 B");
  EXPECT_EQ(tools::bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(tools::bytes_text(std::int64_t{300} << 20), "300 MiB");
  EXPECT_EQ(tools::fixed(2.0 / 3.0, 3), "0.667");
  EXPECT_EQ(tools::chw({28, 14, 58}), "58 x 28 x 14");
}

TEST(Text, characters_not_bytes) {
  EXPECT_EQ(tools::character_count("a×b"), 3U);
  EXPECT_EQ(tools::file_name("/a/b.png"), "b.png");
  EXPECT_EQ(tools::file_name("b.png"), "b.png");
}

TEST(Table, columns_are_aligned) {
  Table table({{"name"}, {"ms", Table::Align::right}, {""}});
  table.add({"stem", "1.25", "██"});
  table.add({"a×b", "10.5", ""});
  table.add_rule();
  table.add({"total", "11.75", ""});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(),
            "name      ms\n"
            "----------------\n"
            "stem    1.25  ██\n"
            "a×b     10.5\n"
            "----------------\n"
            "total  11.75\n");
}

TEST(Text, durations) {
  EXPECT_EQ(tools::duration_text(0), "0.0 s");
  EXPECT_EQ(tools::duration_text(4.06), "4.1 s");
  EXPECT_EQ(tools::duration_text(9.96), "10 s");
  EXPECT_EQ(tools::duration_text(59.4), "59 s");
  EXPECT_EQ(tools::duration_text(59.6), "1 min 0 s");
  EXPECT_EQ(tools::duration_text(370), "6 min 10 s");
  EXPECT_EQ(tools::duration_text(7510), "2 h 5 min");
}

TEST(Statistics, of_few_values) {
  const std::vector<double> one = {3};
  const tools::Statistics of_one = tools::summarise(one);
  EXPECT_EQ(of_one.min, 3);
  EXPECT_EQ(of_one.median, 3);
  EXPECT_EQ(of_one.mean, 3);
  EXPECT_EQ(of_one.p95, 3);
  const std::vector<double> four = {4, 1, 3, 2};
  EXPECT_EQ(tools::summarise(four).median, 2.5);
}

TEST(Statistics, of_many_values) {
  std::vector<double> values;
  for (int i = 0; i <= 100; ++i) values.push_back((i * 37) % 101);  // 0 to 100 in some order
  const tools::Statistics statistics = tools::summarise(values);
  EXPECT_EQ(statistics.min, 0);
  EXPECT_EQ(statistics.median, 50);
  EXPECT_EQ(statistics.mean, 50);
  EXPECT_NEAR(statistics.p95, 95, 1e-12);
}

}  // namespace
}  // namespace riffle::tests
