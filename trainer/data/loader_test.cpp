#include "trainer/data/loader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <thread>

#include "engine/plan/plan.hpp"
#include "io/preprocess.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "trainer/data/folder_dataset.hpp"

namespace riffle::trainer {
namespace {

using tests::contains;
using tests::error_of;

/// Pictures of noise, of several sizes; picture i has the label i. `slow` ones take a while, `broken`
/// ones cannot be read.
class Noise final : public Dataset {
 public:
  explicit Noise(std::int64_t size, std::int32_t channels = 1) : channels_(channels) {
    for (std::int64_t i = 0; i < size; ++i) classes_.push_back(std::to_string(i));
  }
  [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(classes_.size()); }
  [[nodiscard]] const std::vector<std::string>& classes() const override { return classes_; }
  [[nodiscard]] std::int32_t channels() const override { return channels_; }
  [[nodiscard]] std::int32_t label(std::int64_t index) const override { return static_cast<std::int32_t>(index); }
  void read(std::int64_t index, io::Picture& picture) const override {
    if (slow.contains(index)) std::this_thread::sleep_for(std::chrono::milliseconds(30));
    if (broken.contains(index)) throw Error("picture " + std::to_string(index) + " is broken");
    picture = {static_cast<std::int32_t>(5 + index % 3), static_cast<std::int32_t>(9 - index % 4), channels_, {}};
    Random random(99, Purpose::order, index);
    picture.pixels.resize(static_cast<std::size_t>(picture.width * picture.height * channels_));
    for (std::uint8_t& value : picture.pixels) value = static_cast<std::uint8_t>(random.below(256));
  }

  std::set<std::int64_t> slow, broken;

 private:
  std::int32_t channels_;
  std::vector<std::string> classes_;
};

/// Everything that a loader does at random.
const LoaderOptions everything = {.batch = 4,
                                  .height = 12,
                                  .width = 10,
                                  .augmentation = {.crop_padding = 3, .flip = 0.5F, .erase = 0.5F},
                                  .preprocessing = {.mean = {0.3F}, .deviation = {0.2F}},
                                  .seed = 5};
const LoaderOptions plain = {.batch = 4, .height = 12, .width = 10, .shuffle = false};

/// What is left of an epoch.
struct Rest {
  std::vector<float> images;
  std::vector<std::int32_t> labels;
  std::vector<std::size_t> sizes;  ///< a batch
  bool operator==(const Rest&) const = default;
};

Rest rest_of(Loader& loader) {
  Rest rest;
  for (Batch batch; loader.next(batch);) {
    rest.images.insert(rest.images.end(), batch.images.begin(), batch.images.end());
    rest.labels.insert(rest.labels.end(), batch.labels.begin(), batch.labels.end());
    rest.sizes.push_back(batch.labels.size());
  }
  return rest;
}

Rest load(const Dataset& data, const LoaderOptions& options, std::int64_t epoch = 0, std::int64_t first_batch = 0) {
  Loader loader(data, options);
  loader.begin(epoch, first_batch);
  return rest_of(loader);
}

LoaderOptions with(LoaderOptions options, auto&& change) {
  change(options);
  return options;
}

/// Picture after picture by the frame kernel's reference.
std::vector<float> reference(const Dataset& data, const LoaderOptions& options, std::int32_t channels) {
  std::vector<float> all;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const io::Picture picture = data.picture(i);
    kernels::FrameArgs args;
    args.frame.planes[0] = picture.pixels.data();
    args.frame.width = picture.width;
    args.frame.height = picture.height;
    args.frame.format = picture.channels == 1 ? kernels::PixelFormat::grey : kernels::PixelFormat::rgb;
    args.channels = channels;
    args.out_h = options.height;
    args.out_w = options.width;
    for (std::int32_t c = 0; c < channels; ++c) {
      const auto at = static_cast<std::size_t>(options.preprocessing.mean.size() == 1 ? 0 : c);
      args.scale[c] = 1 / (255 * options.preprocessing.deviation[at]);
      args.shift[c] = -options.preprocessing.mean[at] / options.preprocessing.deviation[at];
    }
    std::vector<float> planes(static_cast<std::size_t>(channels * options.height * options.width));
    args.output = planes.data();
    kernels::frame_reference(args);
    all.insert(all.end(), planes.begin(), planes.end());
  }
  return all;
}

TEST(Loader, resizes_and_normalises) {
  const LoaderOptions normalised = with(plain, [](LoaderOptions& o) {
    o.preprocessing = {.mean = {0.3F, 0.4F, 0.5F}, .deviation = {0.2F, 0.3F, 0.4F}};
    o.channels = 3;
  });
  const struct {
    std::int32_t of_data, of_network;
    const LoaderOptions& options;
  } cases[] = {{1, 1, plain}, {3, 3, normalised}, {1, 3, normalised}};
  for (const auto& [of_data, of_network, options] : cases) {
    const Noise data(10, of_data);
    const std::vector<float> expected = reference(data, options, of_network);
    const Rest loaded = load(data, options);
    ASSERT_EQ(loaded.images.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(loaded.images[i], expected[i], 2e-5) << i;
  }
}

TEST(Loader, crops_and_antialiases) {
  const Noise data(20, 3);
  for (const graph::Fit resize : {graph::Fit::crop, graph::Fit::stretch}) {
    const LoaderOptions smaller = with(plain, [&](LoaderOptions& o) {
      o.height = 4;
      o.width = 3;
      o.preprocessing.resize = resize;
      o.threads = 3;
    });
    std::vector<float> expected(20 * 3 * 4 * 3);
    for (std::int64_t i = 0; i < 20; ++i) {
      io::Preprocess preprocess({4, 3, 3}, smaller.preprocessing, kernels::choose_kernels());
      preprocess(data.picture(i), std::span(expected).subspan(static_cast<std::size_t>(i) * 36, 36));
    }
    EXPECT_EQ(load(data, smaller).images, expected);
  }
}

TEST(Loader, an_epoch_is_every_picture_once) {
  const Noise data(50);
  std::vector<std::int32_t> in_order(50);
  for (std::int32_t i = 0; i < 50; ++i) in_order[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(load(data, plain).labels, in_order);
  std::vector<std::int32_t> first = load(data, everything, 0).labels, second = load(data, everything, 1).labels;
  EXPECT_NE(first, second);
  EXPECT_NE(first, load(data, with(everything, [](LoaderOptions& o) { o.seed = 6; })).labels);
  for (std::vector<std::int32_t>* labels : {&first, &second}) {
    EXPECT_NE(*labels, in_order);
    std::sort(labels->begin(), labels->end());
    EXPECT_EQ(*labels, in_order);
  }
}

TEST(Loader, the_last_batch_may_be_smaller) {
  const Noise data(10);
  EXPECT_EQ(Loader(data, plain).batches(), 3);
  EXPECT_EQ(load(data, plain).sizes, (std::vector<std::size_t>{4, 4, 2}));
  const LoaderOptions large = with(plain, [](LoaderOptions& o) { o.batch = 1000; });
  EXPECT_EQ(Loader(data, large).batches(), 1);
  EXPECT_EQ(load(data, large).sizes, std::vector<std::size_t>{10});
}

TEST(Loader, what_is_too_few_for_a_batch_is_left_out) {
  const Noise data(10);
  const auto at_least = [](std::int32_t least) {
    return with(plain, [&](LoaderOptions& o) { o.least_batch = least; });
  };
  EXPECT_EQ(load(data, at_least(2)).sizes, (std::vector<std::size_t>{4, 4, 2}));
  EXPECT_EQ(load(data, at_least(3)).sizes, (std::vector<std::size_t>{4, 4}));
  EXPECT_EQ(Loader(data, at_least(3)).batches(), 2);
  EXPECT_EQ(Loader(data, at_least(3)).pictures(), 8);
  EXPECT_EQ(Loader(data, at_least(2)).pictures(), 10);
  EXPECT_THROW(Loader(data, at_least(5)), Error);
  EXPECT_THROW(Loader(Noise(1), at_least(2)), Error);
}

TEST(Loader, ranks_share_every_step_and_leave_nothing_out) {
  const Noise data(29);
  const LoaderOptions whole = with(everything, [](LoaderOptions& o) { o.batch = 12; });
  Loader alone(data, whole);
  struct Shape {
    int ranks;
    std::int32_t accumulate;
    std::vector<std::size_t> last;  ///< the sizes of the last step's batches, of five pictures
  };
  for (const Shape& shape :
       {Shape{2, 1, {2, 3}}, Shape{3, 1, {1, 2, 2}}, Shape{1, 3, {1, 2, 2}}, Shape{2, 2, {1, 1, 1, 2}}}) {
    std::vector<std::unique_ptr<Loader>> ranks;
    for (int rank = 0; rank < shape.ranks; ++rank) {
      LoaderOptions own = whole;
      own.batch = 12 / shape.ranks / shape.accumulate;
      own.rank = rank;
      own.ranks = shape.ranks;
      own.accumulate = shape.accumulate;
      ranks.push_back(std::make_unique<Loader>(data, own));
      EXPECT_EQ(ranks.back()->steps(), 3);
      EXPECT_EQ(ranks.back()->batches(), 3 * shape.accumulate);
      EXPECT_EQ(ranks.back()->pictures(), 29);
    }
    for (const std::int64_t first : {0, 1}) {
      alone.begin(4, first);
      for (const auto& rank : ranks) rank->begin(4, first);
      for (Batch step; alone.next(step);) {
        std::vector<float> images;
        std::vector<std::size_t> sizes;
        for (std::int32_t b = 0; b < shape.accumulate; ++b) {
          for (const auto& rank : ranks) {
            Batch batch;
            ASSERT_TRUE(rank->next(batch));
            images.insert(images.end(), batch.images.begin(), batch.images.end());
            sizes.push_back(batch.labels.size());
            EXPECT_EQ(batch.of_step, std::ssize(step.labels));
            EXPECT_EQ(batch.ends_step, b + 1 == shape.accumulate);
          }
        }
        EXPECT_TRUE(std::ranges::equal(images, step.images));
        if (step.labels.size() == 5) {
          EXPECT_EQ(sizes, shape.last);
        }
      }
      Batch none;
      for (const auto& rank : ranks) EXPECT_FALSE(rank->next(none));
    }
  }
}

TEST(Loader, an_epoch_of_ranks_goes_without_pictures_that_do_not_suffice_for_all) {
  const Noise data(26);
  const auto of = [](int rank, std::int32_t least) {
    return with(plain, [&](LoaderOptions& o) {
      o.rank = rank;
      o.ranks = 3;
      o.least_batch = least;
    });
  };
  EXPECT_EQ(Loader(data, of(0, 1)).pictures(), 24);
  EXPECT_EQ(Loader(data, of(2, 1)).steps(), 2);
  // Where none may be left out, a rank may have none of the last ones.
  EXPECT_EQ(Loader(data, of(0, 0)).pictures(), 26);
  EXPECT_EQ(load(data, of(0, 0)).sizes, (std::vector<std::size_t>{4, 4}));
  EXPECT_EQ(load(data, of(1, 0)).sizes, (std::vector<std::size_t>{4, 4, 1}));
  EXPECT_EQ(load(Noise(1), of(0, 0)).sizes, std::vector<std::size_t>{});
  EXPECT_EQ(load(Noise(1), of(2, 0)).sizes, std::vector<std::size_t>{1});
  EXPECT_TRUE(contains(error_of([&] { Loader(Noise(2), of(0, 1)); }), "2 pictures; a step takes at least 3"));
  EXPECT_TRUE(contains(error_of([&] { Loader(data, of(3, 1)); }), "rank 3 of 3"));
}

TEST(Loader, any_number_of_threads_gives_the_same_bits) {
  const Noise data(50);
  const Rest expected = load(data, everything, 2);
  for (const int threads : {2, 3, 7}) {
    EXPECT_EQ(load(data, with(everything, [&](LoaderOptions& o) { o.threads = threads; }), 2), expected) << threads;
  }
}

TEST(Loader, an_epoch_does_not_depend_on_what_ran_before) {
  const Noise data(30);
  Loader loader(data, everything);
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
    loader.begin(epoch);
    EXPECT_EQ(rest_of(loader), load(data, everything, epoch)) << epoch;
  }
  loader.begin(1);
  EXPECT_EQ(rest_of(loader), load(data, everything, 1));
}

TEST(Loader, what_happens_to_a_picture_does_not_depend_on_its_batch) {
  const Noise data(30);
  const Rest expected = load(data, everything, 1);
  const Rest other = load(data, with(everything, [](LoaderOptions& o) { o.batch = 7; }), 1);
  EXPECT_EQ(other.images, expected.images);
  EXPECT_NE(load(data, everything, 2).images, expected.images);
}

TEST(Loader, is_taken_up_again_in_an_epoch) {
  const Noise data(30);
  const Rest whole = load(data, everything, 3);
  for (std::int64_t first = 0; first <= 8; ++first) {
    const Rest rest = load(data, everything, 3, first);
    EXPECT_EQ(rest.sizes.size(), static_cast<std::size_t>(8 - first));
    const auto images = static_cast<std::ptrdiff_t>(whole.images.size() - rest.images.size());
    EXPECT_TRUE(std::equal(rest.images.begin(), rest.images.end(), whole.images.begin() + images)) << first;
    const auto labels = static_cast<std::ptrdiff_t>(whole.labels.size() - rest.labels.size());
    EXPECT_TRUE(std::equal(rest.labels.begin(), rest.labels.end(), whole.labels.begin() + labels)) << first;
  }
}

TEST(Loader, may_be_left_or_begun_anew_in_the_middle) {
  const Noise data(50);
  const Rest expected = load(data, everything, 1);
  for (int batches = 0; batches < 5; ++batches) {
    Loader loader(data, with(everything, [](LoaderOptions& o) { o.threads = 3; }));
    Batch batch;
    EXPECT_FALSE(loader.next(batch));
    loader.begin(0);
    for (int b = 0; b < batches; ++b) ASSERT_TRUE(loader.next(batch));
    loader.begin(1);
    EXPECT_EQ(rest_of(loader), expected);
    EXPECT_FALSE(loader.next(batch));
    loader.begin(0);
  }
}

TEST(Loader, begins_anew_when_no_picture_is_being_made) {
  Noise data(50);
  const Rest expected = load(data, everything, 1);
  for (std::int64_t i = 0; i < data.size(); ++i) data.slow.insert(i);
  Loader loader(data, with(everything, [](LoaderOptions& o) { o.threads = 8; }));
  loader.begin(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(10));  // in the midst of the first pictures
  loader.begin(1);
  EXPECT_EQ(rest_of(loader), expected);
}

TEST(Loader, a_batch_stays_until_the_next_one) {
  const Noise data(40);
  const Rest expected = load(data, everything);
  Loader loader(data, with(everything, [](LoaderOptions& o) { o.threads = 4; }));
  loader.begin(0);
  Batch batch;
  ASSERT_TRUE(loader.next(batch));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the workers run ahead as far as they may
  EXPECT_TRUE(std::equal(batch.images.begin(), batch.images.end(), expected.images.begin()));
}

TEST(Loader, names_the_first_broken_picture_of_a_batch) {
  Noise data(40);
  data.broken = {5, 6, 7, 30};
  data.slow = {5};  // it is not the first to be found
  for (const int threads : {1, 4}) {
    Loader loader(data, with(plain, [&](LoaderOptions& o) { o.threads = threads; }));
    loader.begin(0);
    Batch batch;
    EXPECT_TRUE(loader.next(batch));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(error_of([&] { (void)loader.next(batch); }), "picture 5 is broken");
    loader.begin(0, 2);
    EXPECT_TRUE(loader.next(batch));
    EXPECT_EQ(batch.labels[0], 8);
  }
}

TEST(Loader, names_the_file_that_is_broken) {
  const tests::Folder folder;
  std::filesystem::create_directory(folder.path("a"));
  folder.write("a/1.png", tests::png({.lines = tests::Bytes(2)}));
  const std::string broken = folder.write("a/2.png", tests::bytes_of("\x89PNG and no more"));
  const FolderDataset data(folder.path(""), {});
  Loader loader(data, plain);
  loader.begin(0);
  Batch batch;
  EXPECT_TRUE(contains(error_of([&] { (void)loader.next(batch); }), "a/2.png: "));
}

TEST(Loader, what_does_not_fit_is_named) {
  const Noise gray(5), color(5, 3);
  const auto refusal = [&](const Dataset& data, auto&& change) {
    return error_of([&] { Loader(data, with(plain, change)); });
  };
  EXPECT_TRUE(contains(refusal(gray, [](LoaderOptions& o) { o.batch = 0; }), "a batch of 0"));
  EXPECT_TRUE(contains(refusal(gray, [](LoaderOptions& o) { o.height = 0; }), "an input of 0 pixels"));
  EXPECT_TRUE(contains(refusal(gray, [](LoaderOptions& o) { o.width = 1 << 20; }), "an input of 1048576 pixels"));
  EXPECT_TRUE(contains(refusal(gray, [](LoaderOptions& o) { o.threads = 0; }), "0 threads"));
  EXPECT_TRUE(contains(refusal(gray, [](LoaderOptions& o) { o.threads = 1000; }), "1000 threads"));
  EXPECT_TRUE(contains(refusal(gray, [](LoaderOptions& o) { o.channels = 2; }), "2 channels"));
  EXPECT_TRUE(contains(refusal(color, [](LoaderOptions& o) { o.channels = 1; }), "gray"));
  EXPECT_TRUE(contains(refusal(gray, [](LoaderOptions& o) { o.augmentation.flip = 2; }), "flip"));
  EXPECT_TRUE(contains(refusal(gray, [](LoaderOptions& o) { o.preprocessing.mean = {0, 0}; }), "mean"));
  EXPECT_TRUE(contains(refusal(Noise(0), [](LoaderOptions&) {}), "without pictures"));
  Loader loader(gray, plain);
  EXPECT_TRUE(contains(error_of([&] { loader.begin(0, 3); }), "step 3 of epoch 0; an epoch has 2"));
  EXPECT_TRUE(contains(error_of([&] { loader.begin(-1); }), "epoch -1"));
}

}  // namespace
}  // namespace riffle::trainer
