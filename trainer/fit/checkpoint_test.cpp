// Checkpoints: there and back, and what is refused.
#include "trainer/fit/checkpoint.hpp"

#include <gtest/gtest.h>

#include "base/files.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace riffle::trainer {
namespace {

using tests::contains;
using tests::error_of;

/// A run of two epochs with two tensors.
class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() {
    Epoch epoch;
    epoch.train = {100, 71, 123.25, 4.5};
    epoch.test = {50, 30, 61.5, 1.25};
    epoch.last_loss = 0.75;
    epoch.rate = 0.001;
    run.epochs = {epoch, epoch};
    run.epochs[1].test.correct = 40;
    run.current.train.images = 7;
    run.batch = 3;
    run.best = 1;
    run.confusion = {5, 1, 2, 7};
    path = folder.path("last.checkpoint");
  }

  [[nodiscard]] std::vector<std::byte> saved() { return save_checkpoint({recipe, tensors, 23, run}); }

  /// The message with which the bytes are refused. Nothing of them must have been taken over.
  std::string refusal(const std::vector<std::byte>& bytes, std::span<const Setting> other_recipe,
                      std::span<const Tensor> other_tensors) {
    std::vector<std::vector<float>> before;
    for (const Tensor& tensor : other_tensors) before.emplace_back(tensor.values.begin(), tensor.values.end());
    folder.write("last.checkpoint", bytes);
    Checkpoint checkpoint = {other_recipe, other_tensors, -5, {}};
    const std::string message = error_of([&] { load_checkpoint(path, checkpoint); });
    EXPECT_TRUE(message.starts_with(path + ": ")) << message;
    EXPECT_EQ(checkpoint.steps, -5);
    EXPECT_TRUE(checkpoint.run.epochs.empty());
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_TRUE(std::equal(before[i].begin(), before[i].end(), other_tensors[i].values.begin()));
    }
    return message;
  }
  std::string refusal(const std::vector<std::byte>& bytes) { return refusal(bytes, recipe, tensors); }

  tests::Folder folder;
  std::string path;
  std::vector<float> weight = {1.5F, -2.25F, 3.0F}, mean = {0.125F};
  std::vector<Tensor> tensors = {{"weight", weight}, {"mean", mean}};
  std::vector<Setting> recipe = {{"--batch", "64"}, {"--lr", "0.001"}};
  Record run;
};

TEST_F(CheckpointTest, comes_back_as_it_went) {
  folder.write("last.checkpoint", saved());
  std::vector<float> other_weight(3), other_mean(1);
  const std::vector<Tensor> others = {{"weight", other_weight}, {"mean", other_mean}};
  Checkpoint checkpoint = {recipe, others, 0, {}};
  load_checkpoint(path, checkpoint);
  EXPECT_EQ(other_weight, weight);
  EXPECT_EQ(other_mean, mean);
  EXPECT_EQ(checkpoint.steps, 23);
  ASSERT_EQ(checkpoint.run.epochs.size(), 2U);
  const Epoch& epoch = checkpoint.run.epochs[0];
  EXPECT_EQ(epoch.train.images, 100);
  EXPECT_EQ(epoch.train.correct, 71);
  EXPECT_EQ(epoch.train.loss_sum, 123.25);
  EXPECT_EQ(epoch.train.seconds, 4.5);
  EXPECT_EQ(epoch.test.images, 50);
  EXPECT_EQ(epoch.last_loss, 0.75);
  EXPECT_EQ(epoch.rate, 0.001);
  EXPECT_EQ(checkpoint.run.epochs[1].test.correct, 40);
  EXPECT_EQ(checkpoint.run.current.train.images, 7);
  EXPECT_EQ(checkpoint.run.batch, 3);
  EXPECT_EQ(checkpoint.run.best, 1);
  EXPECT_EQ(checkpoint.run.confusion, run.confusion);
  // All of it: what is saved again is the same, byte for byte.
  EXPECT_EQ(save_checkpoint(checkpoint), saved());
}

TEST_F(CheckpointTest, another_recipe_is_refused_by_its_setting) {
  const auto with = [&](std::vector<Setting> other) { return refusal(saved(), other, tensors); };
  EXPECT_TRUE(contains(with({{"--batch", "32"}, {"--lr", "0.001"}}), "started with --batch 64, not 32"));
  EXPECT_TRUE(contains(with({{"--batch", "64"}}), "started with --lr 0.001"));
  EXPECT_TRUE(contains(with({{"--batch", "64"}, {"--lr", "0.001"}, {"--clip", "1"}}), "started without --clip"));
  EXPECT_TRUE(contains(with({{"--lr", "0.001"}, {"--batch", "64"}}), "--batch 64"));
}

TEST_F(CheckpointTest, what_is_refused_says_how_to_go_on) {
  const std::vector<Setting> other = {{"--batch", "64"}, {"--lr", "0.002"}};
  EXPECT_TRUE(contains(refusal(saved(), other, tensors), "with --from and the last.riffle"));
  std::vector<std::byte> older = saved();
  const auto version = std::search_n(older.begin() + 8, older.end(), 1, std::byte{2});
  ASSERT_NE(version, older.end());
  *version = std::byte{1};
  const std::string message = refusal(older);
  EXPECT_TRUE(contains(message, "version 1 and this build reads version 2"));
  EXPECT_TRUE(contains(message, "with --from and the last.riffle"));
}

TEST_F(CheckpointTest, another_network_is_refused_by_its_tensor) {
  std::vector<float> longer(4, 9.0F), spare(1, 9.0F);
  const auto with = [&](std::vector<Tensor> other) { return refusal(saved(), recipe, other); };
  EXPECT_TRUE(contains(with({{"weight", longer}, {"mean", spare}}), "'weight' has 3 values, not 4"));
  EXPECT_TRUE(
      contains(with({{"weight", std::span(longer).first(3)}, {"bias", spare}}), "'mean' where this run has 'bias'"));
  EXPECT_TRUE(contains(with({{"weight", std::span(longer).first(3)}}), "'mean' where this run has nothing"));
  EXPECT_TRUE(contains(with({{"weight", std::span(longer).first(3)}, {"mean", spare}, {"more", spare}}),
                       "nothing where this run has 'more'"));
}

TEST_F(CheckpointTest, no_bit_may_be_another) {
  const std::vector<std::byte> whole = saved();
  std::size_t outside = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::vector<std::byte> flipped = whole;
    flipped[at] ^= static_cast<std::byte>(1 << (at % 8));
    folder.write("last.checkpoint", flipped);
    Checkpoint checkpoint = {recipe, tensors, 0, {}};
    try {
      load_checkpoint(path, checkpoint);
      // Padding around the run, and a table's offset to where a default stands.
      EXPECT_EQ(save_checkpoint(checkpoint), whole) << "byte " << at;
      ++outside;
    } catch (const Error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(path)) << error.what();
    }
  }
  EXPECT_LT(outside, 64U) << "of " << whole.size();
}

TEST_F(CheckpointTest, parts_and_other_files_are_refused) {
  const std::vector<std::byte> whole = saved();
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    (void)refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
  }
  EXPECT_TRUE(contains(refusal(tests::bytes_of("hello, world")), "no checkpoint"));
  Checkpoint checkpoint = {recipe, tensors, 0, {}};
  EXPECT_TRUE(contains(error_of([&] { load_checkpoint(folder.path("none"), checkpoint); }), folder.path("none")));
}

}  // namespace
}  // namespace riffle::trainer
