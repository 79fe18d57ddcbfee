// What ranks say to one another: the order of sums, and that they end together.
#include <gtest/gtest.h>

#include "tests/expect_error.hpp"
#include "trainer/ranks/agree.hpp"
#include "trainer/ranks/bucketed_sum.hpp"
#include "trainer/ranks/test_ranks.hpp"

namespace riffle::trainer {
namespace {

using tests::contains;
using tests::on_ranks;

/// In this order the sum is 1; added up from the end, or as neighbours, it is not.
constexpr double in_order[] = {1e30, -1e30, 1, 0};

TEST(RanksTest, a_sum_is_in_the_order_of_the_ranks_whatever_is_late) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto thrown = on_ranks(
        4,
        [](Ranks& ranks) {
          double number = in_order[ranks.rank()];
          std::vector<float> many(1000, static_cast<float>(number));
          ranks.begin_sum(many);
          ranks.sum({&number, 1});
          ranks.finish_sums();
          EXPECT_EQ(number, 1);
          EXPECT_EQ(many, std::vector<float>(1000, 1.0F));
        },
        seed);
    EXPECT_EQ(thrown, std::vector<std::string>(4));
  }
}

TEST(RanksTest, buckets_leave_from_the_end_and_leave_nothing_out) {
  for (const std::size_t bucket : {1U, 7U, 64U, 1000U}) {
    const auto thrown = on_ranks(3, [&](Ranks& ranks) {
      std::vector<float> values;
      for (int i = 0; i < 100; ++i) values.push_back(static_cast<float>(i + ranks.rank()));
      BucketedSum sum(ranks, values, bucket);
      for (const std::size_t complete : {100U, 93U, 93U, 40U, 3U}) {
        sum.complete(complete);
        EXPECT_EQ(values[0], ranks.rank()) << "it is not complete yet";
      }
      sum.finish();
      for (int i = 0; i < 100; ++i) EXPECT_EQ(values[static_cast<std::size_t>(i)], 3 * i + 3);
    });
    EXPECT_EQ(thrown, std::vector<std::string>(3));
  }
}

TEST(RanksTest, words_come_together_in_the_order_of_the_ranks) {
  const auto thrown = on_ranks(3, [](Ranks& ranks) {
    const std::vector<std::string> own[] = {{"a", ""}, {}, {"b c", "d"}};
    EXPECT_EQ(gather(ranks, own[ranks.rank()]), (std::vector<std::string>{"a", "", "b c", "d"}));
  });
  EXPECT_EQ(thrown, std::vector<std::string>(3));
}

TEST(RanksTest, bytes_come_together_in_the_order_of_the_ranks) {
  const auto thrown = on_ranks(3, [](Ranks& ranks) {
    const std::vector<std::byte> own(static_cast<std::size_t>(2 - ranks.rank()), static_cast<std::byte>(ranks.rank()));
    EXPECT_EQ(gather(ranks, own), (std::vector<std::byte>{std::byte{0}, std::byte{0}, std::byte{1}}));
  });
  EXPECT_EQ(thrown, std::vector<std::string>(3));
}

TEST(RanksTest, where_one_fails_all_end_with_its_words) {
  const auto end_together = [](const std::vector<int>& failing) {
    return on_ranks(3, [&](Ranks& ranks) {
      try {
        together(ranks, [&] {
          for (const int rank : failing) {
            if (rank == ranks.rank()) throw Error("no room on " + std::to_string(rank));
          }
        });
      } catch (const SharedError&) {
        throw;
      } catch (const std::exception&) {
        ADD_FAILURE() << "an error of rank " << ranks.rank() << " alone";
        throw;
      }
    });
  };
  EXPECT_EQ(end_together({}), std::vector<std::string>(3));
  EXPECT_EQ(end_together({2}), std::vector<std::string>(3, "rank 2: no room on 2"));
  EXPECT_EQ(end_together({1, 2}), std::vector<std::string>(3, "rank 1: no room on 1"));
  EXPECT_EQ(end_together({0, 1, 2}), std::vector<std::string>(3, "no room on 0"));
}

TEST(RanksTest, the_rank_that_differs_is_named_and_what_differs) {
  const auto differ = [](int rank, const std::vector<Setting>& settings) {
    const auto thrown = on_ranks(3, [&](Ranks& ranks) {
      const std::vector<Setting> usual = {{"--batch", "8"}, {"--lr", "0.1"}};
      expect_same(ranks, ranks.rank() == rank ? settings : usual);
    });
    EXPECT_EQ(thrown[0], thrown[1]);
    EXPECT_EQ(thrown[0], thrown[2]);
    return thrown[0];
  };
  EXPECT_EQ(differ(1, {{"--batch", "8"}, {"--lr", "0.1"}}), "");
  EXPECT_TRUE(
      contains(differ(2, {{"--batch", "8"}, {"--lr", "0.2"}}), "rank 2: it has --lr 0.2, and rank 0 has --lr 0.1"));
  EXPECT_TRUE(contains(differ(1, {{"--batch", "8"}}), "rank 1: it has nothing of the kind, and rank 0 has --lr 0.1"));
  EXPECT_TRUE(contains(differ(0, {{"--batch", "8"}}), "rank 1: it has --lr 0.1, and rank 0 has nothing of the kind"));
}

TEST(RanksTest, a_rank_that_ends_alone_leaves_nobody_waiting) {
  const auto thrown = on_ranks(3, [](Ranks& ranks) {
    std::vector<float> values(10);
    BucketedSum sum(ranks, values, 4);
    if (ranks.rank() == 1) throw Error("it is ill");
    sum.complete(5);
    sum.complete(1);
    sum.finish();
  });
  EXPECT_EQ(thrown[1], "it is ill");
  EXPECT_EQ(thrown[0], "another rank has ended");
  EXPECT_EQ(thrown[2], "another rank has ended");
}

}  // namespace
}  // namespace riffle::trainer
