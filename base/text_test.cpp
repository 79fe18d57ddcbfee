#include "base/text.hpp"

#include <gtest/gtest.h>

namespace riffle::tests {
namespace {

TEST(Text, numbers) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(-123456), "-123,456");
  EXPECT_EQ(millions(144'908'344), "144.9 M");
  EXPECT_EQ(millions(1'024'000), "1.02 M");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(std::int64_t{300} << 20), "300 MiB");
  EXPECT_EQ(fixed(2.0 / 3.0, 3), "0.667");
}

TEST(Text, characters_not_bytes) {
  EXPECT_EQ(character_count("a×b"), 3U);
  EXPECT_EQ(file_name("/a/b.png"), "b.png");
  EXPECT_EQ(file_name("b.png"), "b.png");
}

TEST(Text, durations) {
  EXPECT_EQ(duration_text(0), "0.0 s");
  EXPECT_EQ(duration_text(4.06), "4.1 s");
  EXPECT_EQ(duration_text(9.96), "10 s");
  EXPECT_EQ(duration_text(59.4), "59 s");
  EXPECT_EQ(duration_text(59.6), "1 min 0 s");
  EXPECT_EQ(duration_text(370), "6 min 10 s");
  EXPECT_EQ(duration_text(7510), "2 h 5 min");
}

}  // namespace
}  // namespace riffle::tests
