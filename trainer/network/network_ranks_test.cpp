// A batch that ranks share is one batch.
#include <gtest/gtest.h>

#include <cmath>

#include "models/models.hpp"
#include "models/random.hpp"
#include "trainer/network/network.hpp"
#include "trainer/ranks/alone.hpp"
#include "trainer/ranks/test_ranks.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

using tests::on_ranks;

constexpr std::int64_t all_images = 12, image_floats = 32 * 32;

graph::Graph v2() {
  return models::shufflenet_v2({.width_multiplier = 0.26,
                                .flavour = models::Flavour::study_note,
                                .residual = true,
                                .in_channels = 1,
                                .classes = 3,
                                .height = 32,
                                .width = 32},
                               models::random_weights(1));
}

/// Max pooling behind the first convolution is a part of it, where channels of negative scale are negated.
graph::Graph v1() {
  return models::shufflenet_v1(
      {.groups = 3, .width_multiplier = 0.25, .in_channels = 1, .classes = 3, .height = 32, .width = 32},
      models::random_weights(2));
}

/// What a step leaves: its loss, the gradients, the statistics.
struct Left {
  double loss = 0;
  std::vector<std::vector<float>> gradients, statistics;
};

/// One step with all images, `parts` of them one after the other on each rank.
Left step(const graph::Graph& graph, NetworkOptions options, Ranks& ranks, int parts = 1) {
  const auto images = models::random_values(7, "images", all_images * image_floats, {.centre = 0.5F, .reach = 0.5F});
  const std::vector<std::int32_t> labels = {0, 2, 1, 2, 2, 1, 0, 1, 1, 0, 2, 0};
  options.batch = all_images;
  options.ranks = &ranks;
  Network network(graph, options);
  Left left;
  for (int part = 0; part < parts; ++part) {
    const int index = part * ranks.size() + ranks.rank(), count = parts * ranks.size();
    const auto first = static_cast<std::size_t>(share_begin(all_images, index, count));
    const auto last = static_cast<std::size_t>(share_begin(all_images, index + 1, count));
    left.loss += network
                     .forward(std::span(images).subspan(first * image_floats, (last - first) * image_floats),
                              std::span(labels).subspan(first, last - first), all_images)
                     .loss;
    network.backward(part + 1 < parts);
  }
  ranks.sum({&left.loss, 1});
  for (const Parameter& one : network.parameters())
    left.gradients.emplace_back(one.gradient.begin(), one.gradient.end());
  for (const Statistic& one : network.statistics()) left.statistics.emplace_back(one.values.begin(), one.values.end());
  return left;
}

/// The distance of two vectors is rounding. Biases in front of a batch norm have nothing but rounding for a gradient.
void expect_near(const std::vector<std::vector<float>>& some, const std::vector<std::vector<float>>& others,
                 const std::string& what) {
  ASSERT_EQ(some.size(), others.size());
  for (std::size_t i = 0; i < some.size(); ++i) {
    double distance = 0, length = 0;
    ASSERT_EQ(some[i].size(), others[i].size());
    for (std::size_t k = 0; k < some[i].size(); ++k) {
      distance += std::pow(static_cast<double>(some[i][k]) - static_cast<double>(others[i][k]), 2);
      length += std::pow(static_cast<double>(others[i][k]), 2);
    }
    EXPECT_LE(std::sqrt(distance), 2e-3 * std::sqrt(length) + 1e-4) << what << ' ' << i;
  }
}

TEST(NetworkRanks, synchronised_a_step_is_that_of_one_process_with_all_images) {
  for (const graph::Graph& graph : {v2(), v1()}) {
    for (const int threads : {1, 2}) {
      NetworkOptions options;
      options.threads = threads;
      options.synchronise_norms = true;
      const Left one = step(graph, options, alone());
      for (const int size : threads == 1 ? std::vector<int>{2, 3, 4} : std::vector<int>{2}) {
        SCOPED_TRACE(graph.name + " on " + std::to_string(size));
        const auto thrown = on_ranks(size, [&](Ranks& ranks) {
          const Left left = step(graph, options, ranks);
          EXPECT_NEAR(left.loss, one.loss, 1e-4);
          expect_near(left.gradients, one.gradients, "gradient");
          expect_near(left.statistics, one.statistics, "statistic");
        });
        EXPECT_EQ(thrown, std::vector<std::string>(thrown.size()));
      }
    }
  }
}

TEST(NetworkRanks, what_is_frozen_takes_no_part) {
  NetworkOptions options;
  options.freeze = "units.6";
  const Left one = step(v2(), options, alone());
  const auto thrown = on_ranks(3, [&](Ranks& ranks) {
    const Left left = step(v2(), options, ranks);
    for (std::size_t i = 0; i < one.gradients.size(); ++i) {
      EXPECT_EQ(left.gradients[i].size(), one.gradients[i].size());
    }
    EXPECT_EQ(left.statistics[0], one.statistics[0]);
    EXPECT_NE(left.statistics.back(), one.statistics.back());
  });
  EXPECT_EQ(thrown, std::vector<std::string>(3));
}

/// Norms of the same images at a time: only who adds up the gradients differs.
TEST(NetworkRanks, parts_of_a_batch_add_up_like_ranks) {
  const Left parts = step(v2(), {}, alone(), 3), twice = step(v2(), {}, alone(), 3);
  EXPECT_EQ(parts.gradients, twice.gradients);
  const auto thrown = on_ranks(3, [&](Ranks& ranks) {
    const Left left = step(v2(), {}, ranks);
    EXPECT_NEAR(left.loss, parts.loss, 1e-9);
    expect_near(left.gradients, parts.gradients, "gradient");
  });
  EXPECT_EQ(thrown, std::vector<std::string>(3));
}

TEST(NetworkRanks, a_rank_that_ends_in_a_step_ends_the_others) {
  for (const bool synchronised : {false, true}) {
    const auto thrown = on_ranks(3, [&](Ranks& ranks) {
      if (ranks.rank() == 2) throw Error("it is ill");
      NetworkOptions options;
      options.threads = 2;
      options.synchronise_norms = synchronised;
      (void)step(v2(), options, ranks);
    });
    EXPECT_EQ(thrown, (std::vector<std::string>{"another rank has ended", "another rank has ended", "it is ill"}));
  }
}

}  // namespace
}  // namespace riffle::trainer
