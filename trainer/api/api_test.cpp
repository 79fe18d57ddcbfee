// The public API as its user sees it, and the example that uses it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <riffle/trainer.hpp>
#include <string>
#include <vector>

#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "trainer/ranks/test_ranks.hpp"

namespace riffle {
namespace {

using tests::contains;

constexpr std::int32_t count = 12, size = 32, classes = 3;

training::Spec small_spec() {
  training::Spec spec;
  spec.family = training::Family::v1;
  spec.groups = 3;
  spec.width_multiplier = 0.25;
  spec.channels = 1;
  spec.classes = classes;
  spec.height = spec.width = size;
  return spec;
}

training::Options small_options() {
  training::Options options;
  options.batch = count;
  return options;
}

std::int32_t label(std::int32_t image) { return image % classes; }

/// Stripes as wide as the label says, moved by a pixel from image to image.
std::uint8_t pixel(std::int32_t image, std::int32_t y, std::int32_t x) {
  return (x + y + image) / (2 << label(image)) % 2 == 0 ? 255 : 32;
}

struct Pictures {
  std::vector<float> images;
  std::vector<std::int32_t> labels;
};

Pictures stripes() {
  Pictures result;
  for (std::int32_t i = 0; i < count; ++i) {
    result.labels.push_back(label(i));
    for (std::int32_t y = 0; y < size; ++y) {
      for (std::int32_t x = 0; x < size; ++x) result.images.push_back(static_cast<float>(pixel(i, y, x)) / 255.0F);
    }
  }
  return result;
}

double train(training::Network& network, const Pictures& pictures, int steps) {
  auto optimizer = training::Optimizer::adam(network);
  double loss = 0;
  for (int step = 0; step < steps; ++step) {
    loss = network.forward(pictures.images, pictures.labels).loss;
    network.backward();
    optimizer.step(0.003);
  }
  return loss;
}

template <class Call>
Failure failure_of(Call&& call) {
  try {
    call();
  } catch (const Failure& failure) {
    return failure;
  }
  return {RIFFLE_OK, "nothing was thrown"};
}

TEST(TrainerApi, a_loop_of_ones_own_learns) {
  training::Network network(small_spec(), small_options());
  EXPECT_EQ(network.input_shape().height, size);
  EXPECT_EQ(network.input_size(), static_cast<std::size_t>(size) * size);
  EXPECT_EQ(network.classes(), classes);
  const Pictures pictures = stripes();
  const double before = network.forward(pictures.images, pictures.labels).loss;
  const double after = train(network, pictures, 30);
  EXPECT_GT(before, 0.5);
  EXPECT_LT(after, 0.05);
  EXPECT_EQ(network.logits().size(), pictures.labels.size() * classes);
}

TEST(TrainerApi, what_is_saved_computes_what_was_trained) {
  const tests::Folder folder;
  training::Network network(small_spec(), small_options());
  const Pictures pictures = stripes();
  train(network, pictures, 5);
  const std::vector<float> expected = network.predict(pictures.images);
  ASSERT_EQ(expected.size(), pictures.labels.size() * classes);
  EXPECT_NE(expected[0], network.logits()[0]) << "the batch's statistics are not the running ones";

  network.save(folder.path("net.riffle"));
  network.save(folder.path("net.onnx"));
  std::vector<float> of_engine(expected.size());
  Session(Model(folder.path("net.riffle"))).run(pictures.images, of_engine);
  EXPECT_EQ(of_engine, expected);
  for (const char* name : {"net.riffle", "net.onnx"}) {
    const std::vector<float> loaded = training::Network(folder.path(name), small_options()).predict(pictures.images);
    ASSERT_EQ(loaded.size(), expected.size());
    for (std::size_t i = 0; i < loaded.size(); ++i) EXPECT_NEAR(loaded[i], expected[i], 1e-4) << name << ' ' << i;
  }
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"net.onnx", "net.riffle"}));

  const training::Network other(folder.path("net.riffle"), small_options(), 7);
  EXPECT_EQ(other.classes(), 7);
  const auto weights_of = [](const training::Network& from, const std::string& name) {
    for (const training::Parameter& one : from.parameters()) {
      if (one.name == name) return std::vector<float>(one.values.begin(), one.values.end());
    }
    return std::vector<float>();
  };
  EXPECT_FALSE(weights_of(other, "stem.0.0.weight").empty());
  EXPECT_EQ(weights_of(other, "stem.0.0.weight"), weights_of(network, "stem.0.0.weight"));
}

TEST(TrainerApi, parameters_can_be_read_and_written) {
  training::Network network(small_spec(), small_options());
  const Pictures pictures = stripes();
  const double before = network.forward(pictures.images, pictures.labels).loss;
  network.backward();
  EXPECT_GT(training::clip_gradients(network, 1e-3), 1e-3);
  double norm = 0;
  for (const training::Parameter& one : network.parameters()) {
    EXPECT_EQ(one.values.size(), one.gradient.size()) << one.name;
    std::size_t product = 1;
    for (const std::int64_t extent : one.shape) product *= static_cast<std::size_t>(extent);
    EXPECT_EQ(one.values.size(), product) << one.name;
    for (const float value : one.gradient) norm += static_cast<double>(value) * value;
  }
  EXPECT_NEAR(std::sqrt(norm), 1e-3, 1e-6);

  const training::Parameter& last = network.parameters().back();
  EXPECT_EQ(last.name, "classifier.bias");
  EXPECT_EQ(last.kind, training::ParameterKind::bias);
  last.values[0] += 5;
  EXPECT_NE(network.forward(pictures.images, pictures.labels).loss, before);
}

TEST(TrainerApi, sgd_moves_what_it_should) {
  training::Network network(small_spec(), small_options());
  const Pictures pictures = stripes();
  network.forward(pictures.images, pictures.labels);
  network.backward();
  const training::Parameter& one = network.parameters().back();
  const std::vector<float> before(one.values.begin(), one.values.end());
  auto optimizer = training::Optimizer::sgd(network, {.momentum = 0.0F});
  training::Network moved = std::move(network);  // the optimizer stays good
  optimizer.step(0.5);
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_FLOAT_EQ(moved.parameters().back().values[i], before[i] - 0.5F * moved.parameters().back().gradient[i]);
  }
}

TEST(TrainerApi, ranks_train_one_network) {
  const Pictures pictures = stripes();
  std::vector<std::vector<float>> weights(3);
  const auto thrown = tests::on_ranks(3, [&](training::Ranks& ranks) {
    training::Options options = small_options();
    options.ranks = &ranks;
    // Each begins with weights of its own, and goes on with those of rank 0.
    training::Network network(small_spec(), options, {.seed = static_cast<std::uint64_t>(ranks.rank())});
    auto optimizer = training::Optimizer::adam(network);
    constexpr std::size_t own = count / 3;
    const std::size_t first = own * static_cast<std::size_t>(ranks.rank());
    double before = 0, loss = 0;
    for (int step = 0; step < 30; ++step) {
      loss = network
                 .forward(std::span(pictures.images).subspan(first * size * size, own * size * size),
                          std::span(pictures.labels).subspan(first, own))
                 .loss;
      ranks.sum({&loss, 1});
      if (step == 0) before = loss;
      network.backward();
      optimizer.step(0.003);
    }
    EXPECT_GT(before, 0.5);
    EXPECT_LT(loss, 0.2);
    std::vector<float>& all = weights[static_cast<std::size_t>(ranks.rank())];
    for (const auto& one : network.parameters()) all.insert(all.end(), one.values.begin(), one.values.end());
    const std::vector<float> logits = network.predict(pictures.images);  // which has the statistics in it
    all.insert(all.end(), logits.begin(), logits.end());
  });
  EXPECT_EQ(thrown, std::vector<std::string>(3));
  EXPECT_EQ(weights[1], weights[0]);
  EXPECT_EQ(weights[2], weights[0]);
}

TEST(TrainerApi, failures_say_what_and_where) {
  const tests::Folder folder;
  const auto expect = [](const Failure& failure, riffle_status status, const std::string& part) {
    EXPECT_EQ(failure.status(), status);
    EXPECT_TRUE(contains(failure.what(), part));
  };
  training::Spec spec = small_spec();
  spec.groups = 5;
  expect(failure_of([&] { training::Network network(spec); }), RIFFLE_BAD_ARGUMENT, "5 groups");
  training::Options options;
  options.threads = 0;
  expect(failure_of([&] { training::Network network(small_spec(), options); }), RIFFLE_BAD_ARGUMENT, "0 threads");
  options = {.batch = 1 << 30};
  expect(failure_of([&] { training::Network network(small_spec(), options); }), RIFFLE_NO_MEMORY,
         "not enough memory for a batch of 1073741824 images (");
  expect(failure_of([&] { training::Network network(folder.path("none.riffle")); }), RIFFLE_BAD_MODEL, "none.riffle");

  training::Network network(small_spec(), small_options());
  Pictures pictures = stripes();
  pictures.labels[2] = classes;
  expect(failure_of([&] { network.forward(pictures.images, pictures.labels); }), RIFFLE_BAD_ARGUMENT, "3");
  pictures.labels.pop_back();
  EXPECT_EQ(failure_of([&] { network.forward(pictures.images, pictures.labels); }).status(), RIFFLE_BAD_ARGUMENT);
  expect(failure_of([&] { (void)network.predict(std::span(pictures.images).first(1000)); }), RIFFLE_BAD_ARGUMENT,
         "1000 values");
  expect(failure_of([&] { network.save(folder.path("no/such.onnx")); }), RIFFLE_BAD_MODEL, "no/such.onnx");
  EXPECT_TRUE(folder.names().empty());
}

/// The bytes of an IDX pair of stripes.
tests::Bytes image_file(std::uint32_t images) {
  tests::Bytes pixels;
  for (std::uint32_t i = 0; i < images; ++i) {
    for (std::int32_t y = 0; y < size; ++y) {
      for (std::int32_t x = 0; x < size; ++x) {
        pixels.push_back(static_cast<std::byte>(pixel(static_cast<std::int32_t>(i), y, x)));
      }
    }
  }
  return tests::idx(8, {images, size, size}, pixels);
}

tests::Bytes label_file(std::uint32_t images) {
  tests::Bytes labels;
  for (std::uint32_t i = 0; i < images; ++i) {
    labels.push_back(static_cast<std::byte>(label(static_cast<std::int32_t>(i))));
  }
  return tests::idx(8, {images}, labels);
}

TEST(TrainerApi, the_example_trains_a_network) {
  const tests::Folder folder;
  const std::string images = folder.write("images", image_file(96)), labels = folder.write("labels", label_file(96));
  const std::string net = folder.path("net.riffle");
  const std::string command = std::string(RIFFLE_EMULATOR) + " '" RIFFLE_EXAMPLE "' ";
  const int code = std::system((command + images + ' ' + labels + ' ' + net + " 30 >" + folder.path("log")).c_str());
  ASSERT_EQ(WEXITSTATUS(code), 0);

  Session session{Model(net)};
  const Pictures pictures = stripes();
  std::vector<float> logits(pictures.labels.size() * session.output().size);
  session.run(pictures.images, logits);
  ASSERT_EQ(session.output().size, static_cast<std::size_t>(classes));
  int right = 0;
  for (std::int32_t i = 0; i < count; ++i) {
    const auto row = logits.begin() + std::ptrdiff_t{i} * classes;
    right += std::max_element(row, row + classes) - row == label(i);
  }
  EXPECT_GE(right, count - 1);

  const int refused = std::system((command + labels + ' ' + labels + ' ' + folder.path("x") + " 2>/dev/null").c_str());
  EXPECT_EQ(WEXITSTATUS(refused), 1);
  EXPECT_FALSE(std::filesystem::exists(folder.path("x")));
}

}  // namespace
}  // namespace riffle
