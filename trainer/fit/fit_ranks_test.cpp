// Runs of several ranks, which are threads here.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "trainer/fit/evaluate.hpp"
#include "trainer/fit/fit.hpp"
#include "trainer/fit/test_bars.hpp"
#include "trainer/ranks/test_ranks.hpp"

namespace riffle::trainer {
namespace {

using tests::Bars;
using tests::contains;
using tests::on_ranks;

constexpr std::int32_t pictures_a_step = 12;

/// How a step's pictures are shared out.
struct Shape {
  int ranks = 1;
  std::int32_t accumulate = 1;
  bool synchronised = true;
  std::int32_t train_images = 40;  ///< whose last step has four
  std::uint64_t seed = 0;          ///< of who is late
};

class FitOfRanks : public ::testing::Test {
 protected:
  [[nodiscard]] FitOptions options(const std::string& name) const {
    FitOptions options;
    options.epochs = 2;
    options.schedule = {.rate = 0.05};
    options.folder = folder.path(name);
    options.recipe = {{"pictures a step", std::to_string(pictures_a_step)}};
    options.classes = {"top", "middle", "bottom"};
    return options;
  }

  /// Trains on the ranks; what rank 0 has of it. The others have the same but for the clock, and the same floats.
  FitResult run(const FitOptions& options, const Shape& shape, std::vector<std::string>* thrown = nullptr) {
    FitResult result;
    std::vector<std::vector<float>> floats(static_cast<std::size_t>(shape.ranks));
    const auto rank_of = [&](Ranks& ranks) {
      FitOptions own = options;
      own.ranks = &ranks;
      if (change) change(own, ranks.rank());
      const Bars train_images(shape.train_images, 1), test_images(17, 2);
      LoaderOptions loader = {.batch = pictures_a_step / shape.ranks / shape.accumulate,
                              .rank = ranks.rank(),
                              .ranks = ranks.size(),
                              .accumulate = shape.accumulate,
                              .height = tests::side,
                              .width = tests::side,
                              .seed = 3};
      loader.augmentation.crop_padding = 1;
      NetworkOptions network_options;
      network_options.batch = loader.batch;
      network_options.momentum = 0.5F;
      network_options.ranks = &ranks;
      network_options.synchronise_norms = shape.synchronised;
      Network network(tests::calm_network(), network_options);
      loader.least_batch = network.least_batch();
      Loader training(train_images, loader);
      loader.least_batch = 0;
      loader.augmentation = {};
      loader.shuffle = false;
      Loader test(test_images, loader);
      const auto optimizer = make_sgd(network.parameters(), {}, {});
      const FitResult own_result = fit(network, *optimizer, training, test, own);
      std::vector<float>& all = floats[static_cast<std::size_t>(ranks.rank())];
      for (const Parameter& one : network.parameters()) all.insert(all.end(), one.values.begin(), one.values.end());
      for (const Statistic& one : network.statistics()) all.insert(all.end(), one.values.begin(), one.values.end());
      for (const OptimizerState& one : optimizer->state()) all.insert(all.end(), one.values.begin(), one.values.end());
      if (ranks.rank() == 0) result = own_result;
    };
    const std::vector<std::string> messages = on_ranks(shape.ranks, rank_of, shape.seed);
    if (thrown != nullptr) {
      *thrown = messages;
    } else {
      EXPECT_EQ(messages, std::vector<std::string>(messages.size()));
    }
    for (const std::vector<float>& other : floats) EXPECT_EQ(other, floats[0]);
    return result;
  }

  /// The losses of the whole run, to rounding, which each step makes larger.
  static void expect_near(const FitResult& one, const FitResult& other) {
    ASSERT_EQ(one.run.epochs.size(), other.run.epochs.size());
    for (std::size_t e = 0; e < one.run.epochs.size(); ++e) {
      const Epoch &a = one.run.epochs[e], &b = other.run.epochs[e];
      EXPECT_EQ(a.train.images, b.train.images);
      EXPECT_EQ(a.test.images, 17);
      EXPECT_EQ(b.test.images, 17);
      EXPECT_NEAR(a.train.loss() / b.train.loss(), 1, 2e-4) << e;
      EXPECT_NEAR(a.test.loss() / b.test.loss(), 1, 2e-3) << e;
    }
  }

  [[nodiscard]] std::vector<std::byte> file(const std::string& name) const {
    return read_file(folder.path(name), 1 << 26);
  }

  tests::Folder folder;
  std::function<void(FitOptions&, int)> change;  ///< of a rank's own options
};

TEST_F(FitOfRanks, synchronised_ranks_have_the_losses_of_one_process_with_the_whole_batch) {
  const FitResult one = run(options("one"), {});
  ASSERT_EQ(one.run.epochs.size(), 2U);
  EXPECT_LT(one.run.epochs[1].train.loss(), one.run.epochs[0].train.loss());
  for (const int ranks : {2, 3, 4}) {
    SCOPED_TRACE(ranks);
    expect_near(run(options(std::to_string(ranks)), {.ranks = ranks}), one);
  }
}

TEST_F(FitOfRanks, norms_of_ranks_by_themselves_are_others) {
  const double one = run(options("one"), {}).run.epochs[0].train.loss();
  const double two = run(options("two"), {.ranks = 2, .synchronised = false}).run.epochs[0].train.loss();
  EXPECT_GT(std::fabs(two / one - 1), 2e-3);
}

TEST_F(FitOfRanks, the_same_seed_and_ranks_have_the_same_bits_whatever_is_late) {
  for (const bool synchronised : {false, true}) {
    const std::string suffix = synchronised ? "s" : "r";
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      run(options(suffix + std::to_string(seed)), {.ranks = 3, .synchronised = synchronised, .seed = seed});
      EXPECT_EQ(file(suffix + std::to_string(seed) + "/last.riffle"), file(suffix + "0/last.riffle"));
    }
  }
}

TEST_F(FitOfRanks, batches_that_add_up_to_a_step_are_as_good_as_ranks) {
  // Norms see the same six pictures at a time. One process moves its running statistics twice a step, two ranks once.
  const FitResult one = run(options("batches"), {.accumulate = 2});
  const FitResult two = run(options("ranks"), {.ranks = 2, .synchronised = false});
  for (std::size_t e = 0; e < 2; ++e) {
    EXPECT_NEAR(one.run.epochs[e].train.loss() / two.run.epochs[e].train.loss(), 1, 2e-4);
  }
  expect_near(run(options("both"), {.ranks = 2, .accumulate = 2}), one);
}

TEST_F(FitOfRanks, a_checkpoint_goes_on_on_any_number_of_ranks) {
  const FitResult whole = run(options("whole"), {.ranks = 4});
  for (const int ranks : {1, 2, 3, 4}) {
    SCOPED_TRACE(ranks);
    const std::string name = "stopped" + std::to_string(ranks);
    FitOptions stopped = options(name);
    change = [](FitOptions& own, int rank) {
      // Only one is told: all of them stop.
      if (rank == 2) own.stop = [questions = 0]() mutable { return ++questions == 2; };
    };
    EXPECT_TRUE(run(stopped, {.ranks = 4}).stopped);
    change = nullptr;
    stopped.resume = true;
    const FitResult resumed = run(stopped, {.ranks = ranks});
    EXPECT_FALSE(resumed.stopped);
    expect_near(resumed, whole);
    EXPECT_EQ(file(name + "/last.riffle") == file("whole/last.riffle"), ranks == 4);
  }
}

TEST_F(FitOfRanks, a_checkpoint_every_so_many_steps_is_what_is_lost_at_most) {
  FitOptions ended = options("run");
  ended.save_every = 3;
  change = [](FitOptions& own, int rank) {
    if (rank == 1) {
      own.stop = [step = 0]() mutable {
        if (++step == 4) throw Error("rank 1 is gone");
        return false;
      };
    }
  };
  std::vector<std::string> thrown;
  (void)run(ended, {.ranks = 2}, &thrown);
  EXPECT_EQ(thrown, (std::vector<std::string>{"another rank has ended", "rank 1 is gone"}));
  change = nullptr;
  ended.resume = true;
  run(ended, {.ranks = 2});
  run(options("whole"), {.ranks = 2});
  EXPECT_EQ(file("run/last.riffle"), file("whole/last.riffle"));
}

TEST_F(FitOfRanks, what_cannot_be_begun_ends_all_of_them) {
  std::vector<std::string> thrown;
  change = [](FitOptions& own, int rank) {
    if (rank == 2) own.recipe.push_back({"training images of checksum", "12ab"});
  };
  (void)run(options("run"), {.ranks = 3}, &thrown);
  for (const std::string& message : thrown) {
    EXPECT_TRUE(contains(message, "rank 2: it has training images of checksum 12ab, and rank 0 has nothing"));
  }
  change = nullptr;
  folder.write("file", tests::bytes_of("text"));
  (void)run(options("file/run"), {.ranks = 3}, &thrown);
  for (const std::string& message : thrown) EXPECT_TRUE(contains(message, "rank 0: " + folder.path("file/run")));
}

TEST_F(FitOfRanks, a_loss_that_is_not_finite_on_one_rank_ends_all_with_its_layer) {
  FitOptions run_options = options("run");
  run_options.schedule.rate = 1e30;
  std::vector<std::string> thrown;
  (void)run(run_options, {.ranks = 3, .synchronised = false}, &thrown);
  EXPECT_EQ(thrown[1], thrown[0]);
  EXPECT_EQ(thrown[2], thrown[0]);
  EXPECT_TRUE(contains(thrown[0], "the first result that is not finite is that of '"));
}

TEST_F(FitOfRanks, every_picture_is_counted_once_by_however_many_ranks) {
  for (const std::int64_t images : {2, 17}) {
    std::optional<Evaluation> one;
    for (const int size : {1, 2, 3, 4}) {
      const auto thrown = on_ranks(size, [&](Ranks& ranks) {
        const Bars pictures(images, 2);
        Loader loader(pictures, {.batch = 3,
                                 .least_batch = 0,
                                 .rank = ranks.rank(),
                                 .ranks = size,
                                 .height = tests::side,
                                 .width = tests::side,
                                 .shuffle = false});
        const auto result = evaluate(
            tests::small_network(), loader, 1, [](std::int64_t) { return true; }, ranks);
        if (size == 1) one = result;
        EXPECT_EQ(result->score.images, images);
        EXPECT_EQ(result->score.correct, one->score.correct);
        EXPECT_EQ(result->confusion, one->confusion);
        EXPECT_NEAR(result->score.loss_sum, one->score.loss_sum, 1e-12 * one->score.loss_sum);
        const auto stopped = evaluate(
            tests::small_network(), loader, 1, [&](std::int64_t) { return ranks.rank() + 1 != size; }, ranks);
        EXPECT_FALSE(stopped);
      });
      EXPECT_EQ(thrown, std::vector<std::string>(thrown.size()));
    }
  }
}

}  // namespace
}  // namespace riffle::trainer
