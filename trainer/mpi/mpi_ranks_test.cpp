// What MPI's ranks do for one another: to be run by mpiexec, on any number of processes. Each makes the same checks.
#include "trainer/mpi/mpi_ranks.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "trainer/ranks/agree.hpp"

namespace riffle::trainer {
namespace {

MpiRanks* all = nullptr;

/// Rank r's value number i: a sum in another order than the ranks' is another number.
float value(int rank, std::size_t i) {
  return (rank % 3 == 0 ? 1e8F : rank % 3 == 1 ? -1e8F : 1.0F) + static_cast<float>(i % 7) * 0.3F;
}

template <class T>
T in_order(std::size_t i) {
  T sum = static_cast<T>(value(0, i));
  for (int rank = 1; rank < all->size(); ++rank) sum += static_cast<T>(value(rank, i));
  return sum;
}

TEST(Mpi, sums_are_in_the_order_of_the_ranks) {
  for (const std::size_t count : {0U, 1U, 5U, 4096U, 10000U}) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<double>(value(all->rank(), i));
    all->sum(values);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(values[i], in_order<double>(i)) << i;
  }
}

TEST(Mpi, sums_of_floats_that_are_under_way_together_are_in_that_order_too) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<float>> sums;
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{3}, std::size_t{100000}, std::size_t{0}, std::size_t{65537}}) {
      std::vector<float>& values = sums.emplace_back(count);
      for (std::size_t i = 0; i < count; ++i) values[i] = value(all->rank(), i);
      all->begin_sum(values);
      if (round % (all->rank() + 2) == 0) all->progress();
      double meanwhile = all->rank();
      all->sum({&meanwhile, 1});
      EXPECT_EQ(meanwhile, all->size() * (all->size() - 1) / 2);
    }
    all->finish_sums();
    for (const std::vector<float>& values : sums) {
      for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], in_order<float>(i)) << i;
    }
  }
}

TEST(Mpi, what_one_has_all_get) {
  for (int root = 0; root < all->size(); ++root) {
    EXPECT_EQ(broadcast(*all, "told by " + std::to_string(all->rank()), root), "told by " + std::to_string(root));
    EXPECT_EQ(first_rank(*all, all->rank() >= root), root);
  }
}

}  // namespace
}  // namespace riffle::trainer

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  riffle::trainer::MpiRanks ranks;
  riffle::trainer::all = &ranks;
  const int code = RUN_ALL_TESTS();
  if (code != 0) ranks.abort(code);
  return code;
}
