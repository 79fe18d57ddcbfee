#include "draw/progress.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace riffle::tests {
namespace {

using draw::progress_line;

constexpr std::string_view words_behind = "loss 0.1234, 850 images/s, 12 min 3 s left";

TEST(Progress, a_line_is_never_wider_than_it_may_be) {
  for (std::size_t columns = 0; columns < 220; ++columns) {
    for (const std::string_view label : {"", "classifying", "epoch 1000/1000, validation"}) {
      for (const std::string_view behind : {std::string_view(), words_behind}) {
        for (const std::int64_t done : {0, 469, 10'000'000}) {
          EXPECT_LE(character_count(progress_line(label, done, 10'000'000, behind, columns)), columns)
              << label << ", " << columns;
        }
      }
    }
  }
}

TEST(Progress, the_less_room_the_less_is_said) {
  EXPECT_EQ(progress_line("epoch 3/8", 1, 4, words_behind, 200),
            "epoch 3/8 ████████░░░░░░░░░░░░░░░░░░░░░░░░ 1/4  loss 0.1234, 850 images/s, 12 min 3 s left");
  EXPECT_EQ(progress_line("epoch 3/8", 1, 4, words_behind, 79),
            "epoch 3/8 █████░░░░░░░░░░░░░░░░ 1/4  loss 0.1234, 850 images/s, 12 min 3 s left");
  EXPECT_EQ(progress_line("epoch 3/8", 1, 4, words_behind, 50), "epoch 3/8 ██░░░░░░░ 1/4  loss 0.1234, 850 images/s");
  EXPECT_EQ(progress_line("epoch 3/8", 1, 4, words_behind, 19), "epoch 3/8 █░░░░ 1/4");
  EXPECT_EQ(progress_line("epoch 3/8", 1, 4, words_behind, 17), "epoch 3/8 1/4");
  EXPECT_EQ(progress_line("epoch 3/8", 1, 4, words_behind, 9), "epoch 1/4");
  EXPECT_EQ(progress_line("epoch 3/8", 1, 4, words_behind, 2), "1/");
}

}  // namespace
}  // namespace riffle::tests
