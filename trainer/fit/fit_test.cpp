// The loop on a small network and pictures that can be learnt.
#include "trainer/fit/fit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <sstream>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "engine/graph/quantization.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "trainer/fit/calibrate.hpp"
#include "trainer/fit/evaluate.hpp"
#include "trainer/fit/test_bars.hpp"

namespace riffle::trainer {
namespace {

using tests::Bars;
using tests::classes;
using tests::contains;
using tests::error_of;
using tests::side;
using tests::small_network;

constexpr std::int32_t batch = 8;
constexpr std::int64_t batches = 5;  // of an epoch of 36 images: the last has 4

/// Everything that a run needs, anew.
struct Training {
  explicit Training(FitOptions fit_options, int threads = 1)
      : Training(std::move(fit_options), Network(small_network(), network_options(threads)), threads) {}
  Training(FitOptions fit_options, Network made, int threads = 1)
      : options(std::move(fit_options)),
        network(std::move(made)),
        optimizer(make_adam(network.parameters(), {}, {}, threads)),
        training(train_images, loader_options(true)),
        test(test_images, loader_options(false)) {}

  FitResult run() { return fit(network, *optimizer, training, test, options); }

  static NetworkOptions network_options(int threads) {
    NetworkOptions options;
    options.batch = batch;
    options.threads = threads;
    options.momentum = 0.5F;  // statistics that keep up with an epoch of five steps
    return options;
  }

  static LoaderOptions loader_options(bool training) {
    LoaderOptions options;
    options.batch = batch;
    options.height = options.width = side;
    options.seed = 3;
    options.shuffle = training;
    if (training) options.augmentation.crop_padding = 1;
    return options;
  }

  FitOptions options;
  Bars train_images{36, 1}, test_images{18, 2};
  Network network;
  std::unique_ptr<Optimizer> optimizer;
  Loader training, test;
};

class FitTest : public ::testing::Test {
 protected:
  [[nodiscard]] FitOptions options(const std::string& name, std::int64_t epochs = 3) const {
    FitOptions options;
    options.epochs = epochs;
    options.schedule = {.decay = Decay::cosine, .rate = 0.002, .steps = epochs * batches, .warmup = 2};
    options.folder = folder.path(name);
    options.recipe = {{"--batch", "8"}};
    options.classes = {"top", "middle", "bottom"};
    return options;
  }

  [[nodiscard]] std::vector<std::byte> file(const std::string& name) const {
    return read_file(folder.path(name), 1 << 26);
  }

  /// Stops behind `steps` questions, and goes on: what is then in the folder.
  void stop_and_resume(FitOptions run, int questions) {
    run.stop = [&questions] { return --questions < 0; };
    const FitResult stopped = Training(run).run();
    ASSERT_TRUE(stopped.stopped);
    run.stop = nullptr;
    run.resume = true;
    EXPECT_FALSE(Training(run).run().stopped);
  }

  tests::Folder folder;
};

TEST_F(FitTest, learns_and_leaves_everything_behind) {
  FitOptions run = options("run", 20);
  std::ostringstream log;
  run.log = &log;
  const FitResult result = Training(run).run();
  EXPECT_FALSE(result.stopped);
  ASSERT_EQ(result.run.epochs.size(), 20U);
  // Over the last five: with batches of eight the loss goes up and down, and how far one is up is a matter of rounding.
  double last = 0;
  for (std::size_t i = 15; i < 20; ++i) last += result.run.epochs[i].train.loss() / 5;
  EXPECT_LT(last, 0.7 * result.run.epochs.front().train.loss());
  const Epoch& best = result.run.epochs[static_cast<std::size_t>(result.run.best)];
  EXPECT_GT(best.test.accuracy(), 0.6);
  EXPECT_EQ(best.test.images, 18);
  EXPECT_EQ(result.run.epochs[0].train.images, 36);
  EXPECT_EQ(std::accumulate(result.run.confusion.begin(), result.run.confusion.end(), 0), 18);

  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(run.folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"best.onnx", "best.riffle", "confusion.svg", "curves.svg",
                                             "last.checkpoint", "last.riffle", "metrics.csv"}));
  EXPECT_TRUE(contains(log.str(), "epoch 6: train loss "));
  EXPECT_TRUE(contains(log.str(), "middle"));

  // The file is the network that was measured.
  Training again(options("other"));
  const auto evaluation =
      evaluate(format::load_file(folder.path("run/best.riffle")), again.test, 2, [](std::int64_t) { return true; });
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->score.correct, best.test.correct);
  EXPECT_EQ(evaluation->score.loss_sum, best.test.loss_sum);
  EXPECT_EQ(evaluation->confusion, result.run.confusion);
}

TEST_F(FitTest, stopped_anywhere_and_resumed_it_has_the_bits_of_one_run) {
  for (const double average : {0.0, 0.9}) {
    const std::string suffix = average > 0 ? "_averaged" : "";
    FitOptions whole = options("whole" + suffix);
    whole.average = average;
    const FitResult expected = Training(whole).run();
    // In the first epoch, behind its last step, during its test; in the second epoch, and during its test.
    for (const int questions : {1, 4, 6, 10, 14}) {
      FitOptions run = options("stopped" + std::to_string(questions) + suffix);
      run.average = average;
      stop_and_resume(run, questions);
      for (const std::string name : {"/last.riffle", "/best.riffle", "/confusion.svg"}) {
        EXPECT_EQ(file("stopped" + std::to_string(questions) + suffix + name), file("whole" + suffix + name))
            << questions << name;
      }
    }
  }
  EXPECT_NE(file("whole/last.riffle"), file("whole_averaged/last.riffle"));
}

/// Calibrated on the pictures that `Training` has.
Network in_integers(const graph::Graph& graph, const std::string& freeze = {}) {
  const Bars images(36, 1);
  Loader loader(images, Training::loader_options(true));
  NetworkOptions options = Training::network_options(1);
  options.freeze = freeze;
  return {std::make_shared<const quantise::Quantised>(calibrate(graph, loader, 20, 1, {})), options};
}

TEST_F(FitTest, in_integers_it_leaves_the_integers_that_were_trained_stopped_or_not) {
  FitOptions whole = options("whole", 2);
  const FitResult result = Training(whole, in_integers(small_network())).run();
  FitOptions run = options("stopped", 2);
  int questions = 4;
  run.stop = [&questions] { return --questions < 0; };
  EXPECT_TRUE(Training(run, in_integers(small_network())).run().stopped);
  run.stop = nullptr;
  run.resume = true;
  (void)Training(run, in_integers(small_network())).run();
  for (const std::string name : {"/last.riffle", "/best.riffle", "/best.onnx"}) {
    EXPECT_EQ(file("stopped" + name), file("whole" + name)) << name;
  }
  graph::Graph best = format::load_file(folder.path("whole/best.riffle"));
  EXPECT_TRUE(graph::is_quantised(best));
  Training again(options("other"));
  const auto evaluation = evaluate(std::move(best), again.test, 2, [](std::int64_t) { return true; });
  EXPECT_EQ(evaluation->score.loss_sum, result.run.epochs[static_cast<std::size_t>(result.run.best)].test.loss_sum);
}

/// A classifier of Bars that integers ruin: what tells the bars apart is added to something a hundred times as loud,
/// the same in all channels, which the last layer takes off again.
graph::Graph drowned_network() {
  std::vector<float> checks, bars, last;
  for (std::size_t c = 0; c < classes; ++c) {
    for (std::size_t p = 0; p < side * side; ++p) checks.push_back((p / 2 + p / side / 2) % 2 == 0 ? 50.0F : -50.0F);
    for (std::size_t k = 0; k < classes; ++k)
      bars.push_back(c == k ? 0.2F : -0.1F), last.push_back(c == k ? 20.0F : -10.0F);
  }
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{{side, side, 1}});
  const auto convolution = [&](const char* name, const std::vector<float>& weights, std::int32_t width,
                               graph::NodeId from) {
    graph::Convolution node;
    node.outputs = classes;
    node.window.kernel_h = static_cast<std::int32_t>(weights.size()) / classes / width;
    node.window.kernel_w = width;
    node.weights = graph::Constant(weights);
    return graph.add(name, std::move(node), {from});
  };
  const graph::NodeId loud = convolution("loud", checks, side, input);
  graph::Pool thirds{graph::PoolKind::average, {.kernel_h = 10, .kernel_w = side, .stride_h = 10}};
  const graph::NodeId quiet = convolution("quiet", bars, 1, graph.add("thirds", thirds, {input}));
  const graph::NodeId sum = graph.add("sum", graph::Binary{}, {quiet, loud});
  graph.outputs = {
      {graph.add("classifier", graph::FullyConnected{classes, graph::Constant(std::move(last)), {}}, {sum})}};
  return graph;
}

TEST_F(FitTest, training_saves_a_network_that_calibration_ruins) {
  const graph::Graph network = drowned_network();
  Training training(options("run"), in_integers(network, "quiet"));
  const auto accuracy = [&](const graph::Graph& graph) {
    return evaluate(graph, training.test, 1, [](std::int64_t) { return true; })->score.accuracy();
  };
  Loader pictures(training.train_images, Training::loader_options(true));
  EXPECT_EQ(accuracy(network), 1.0);
  EXPECT_LT(accuracy(calibrate(network, pictures, 20, 1, {}).after), 0.6);
  for (int epoch = 0; epoch < 80; ++epoch) {
    training.training.begin(epoch);
    for (Batch images; training.training.next(images);) {
      training.network.forward(images.images, images.labels);
      training.network.backward();
      training.optimizer->step(0.05);
    }
  }
  EXPECT_GT(accuracy(training.network.graph()), 0.9);
}

TEST_F(FitTest, the_average_is_what_is_kept_and_not_what_moves) {
  FitOptions plain = options("plain"), averaged = options("averaged");
  averaged.average = 0.9;
  const FitResult one = Training(plain).run(), other = Training(averaged).run();
  for (std::size_t i = 0; i < one.run.epochs.size(); ++i) {
    EXPECT_EQ(one.run.epochs[i].train.loss_sum, other.run.epochs[i].train.loss_sum);
  }
}

TEST_F(FitTest, a_finished_run_is_only_summed_up) {
  FitOptions run = options("run", 1);
  (void)Training(run).run();
  const auto before = file("run/last.checkpoint");
  run.resume = true;
  std::ostringstream log;
  run.log = &log;
  EXPECT_FALSE(Training(run).run().stopped);
  EXPECT_EQ(file("run/last.checkpoint"), before);
  EXPECT_TRUE(contains(log.str(), "best test accuracy"));
}

TEST_F(FitTest, what_cannot_be_begun_is_refused) {
  FitOptions run = options("run", 1);
  run.resume = true;
  EXPECT_TRUE(contains(error_of([&] { (void)Training(run).run(); }), folder.path("run/last.checkpoint")));
  run.resume = false;
  (void)Training(run).run();
  EXPECT_TRUE(contains(error_of([&] { (void)Training(run).run(); }), "holds a run already"));
  run.resume = true;
  run.recipe[0].value = "16";
  EXPECT_TRUE(contains(error_of([&] { (void)Training(run).run(); }), "--batch 8, not 16"));
  run.recipe[0].value = "8";
  run.average = 0.5;
  EXPECT_TRUE(contains(error_of([&] { (void)Training(run).run(); }), "another network or optimizer"));

  folder.write("file", tests::bytes_of("text"));
  EXPECT_TRUE(contains(error_of([&] { (void)Training(options("file/run")).run(); }), folder.path("file/run")));
}

TEST_F(FitTest, a_run_that_is_not_there_is_not_gone_on_with) {
  FitOptions run = options("mistyped", 1);
  run.resume = true;
  EXPECT_TRUE(contains(error_of([&] { (void)Training(run).run(); }), folder.path("mistyped/last.checkpoint")));
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(FitTest, two_runs_at_once_are_kept_apart) {
  FitOptions run = options("run", 1);
  std::vector<std::string> messages;
  run.stop = [&] {
    FitOptions second = options("run", 1);
    for (const bool resume : {false, true}) {
      second.resume = resume;
      if (messages.size() < 2) messages.push_back(error_of([&] { (void)Training(second).run(); }));
      // By then there is a checkpoint, from which the second could go on.
      if (resume && std::filesystem::exists(folder.path("run/last.checkpoint"))) {
        messages.push_back(error_of([&] { (void)Training(second).run(); }));
      }
    }
    return false;
  };
  (void)Training(run).run();
  run.resume = true;
  run.epochs = 2;
  (void)Training(run).run();
  ASSERT_GT(messages.size(), 2U);
  EXPECT_TRUE(contains(messages[0], folder.path("run") + ": another run is under way in it"));
  EXPECT_TRUE(contains(messages[1], "last.checkpoint: is not there"));
  EXPECT_TRUE(contains(messages[2], "another run is under way in it"));
}

/// Puts a folder where a file is to be written, and what was there aside: writing fails from then on.
class Obstacle {
 public:
  explicit Obstacle(std::string path) : path_(std::move(path)), was_there_(std::filesystem::exists(path_)) {
    if (was_there_) std::filesystem::rename(path_, aside());
    std::filesystem::create_directory(path_);
  }
  ~Obstacle() {
    std::filesystem::remove(path_);
    if (was_there_) std::filesystem::rename(aside(), path_);
  }
  Obstacle(const Obstacle&) = delete;
  Obstacle& operator=(const Obstacle&) = delete;

 private:
  [[nodiscard]] std::string aside() const { return path_ + ".aside"; }
  std::string path_;
  bool was_there_;
};

TEST_F(FitTest, ended_at_any_file_it_goes_on_to_the_files_of_one_run) {
  FitOptions whole = options("whole");
  const std::int64_t best = Training(whole).run().run.best + 1;
  ASSERT_GT(best, 1);
  for (const std::int64_t epoch : {std::int64_t{1}, best}) {  // in both of them every file is written
    for (const std::string name :
         {"last.checkpoint", "last.riffle", "best.riffle", "best.onnx", "confusion.svg", "metrics.csv", "curves.svg"}) {
      SCOPED_TRACE(name + " of epoch " + std::to_string(epoch));
      const std::string out = "run_" + std::to_string(epoch) + name;
      FitOptions run = options(out);
      {
        // Asked once a step, and once behind each of the test's three batches.
        std::optional<Obstacle> obstacle;
        std::int64_t questions = epoch * (batches + 3);
        run.stop = [&] {
          if (--questions == 0) obstacle.emplace(folder.path(out + "/" + name));
          return false;
        };
        EXPECT_TRUE(
            contains(error_of([&] { (void)Training(run).run(); }), folder.path(out + "/" + name) + ": is a directory"));
      }
      run.stop = nullptr;
      if (epoch == 1 && name == "last.checkpoint") {
        (void)Training(run).run();  // nothing had been saved
      } else {
        run.resume = true;
        EXPECT_FALSE(Training(run).run().stopped);
      }
      for (const std::string written : {"last.riffle", "best.riffle", "best.onnx", "confusion.svg"}) {
        EXPECT_EQ(file(out + "/" + written), file("whole/" + written)) << written;
      }
      std::vector<std::string> names;
      for (const auto& entry : std::filesystem::directory_iterator(run.folder)) {
        names.push_back(entry.path().filename());
      }
      EXPECT_EQ(names.size(), 7U) << ::testing::PrintToString(names);
    }
  }
}

/// Whoever goes on from a checkpoint may do so on more threads, with other bits: what the files say must be what the
/// checkpoint says all the same.
TEST_F(FitTest, no_file_is_ahead_of_the_checkpoint) {
  FitOptions run = options("run");
  std::optional<Obstacle> obstacle;
  std::int64_t questions = 3 * (batches + 3);
  std::vector<std::vector<std::byte>> before;
  const std::vector<std::string> names = {"last.riffle", "best.riffle", "best.onnx", "confusion.svg", "metrics.csv"};
  run.stop = [&] {
    if (--questions == 0) {
      obstacle.emplace(folder.path("run/last.checkpoint"));
      for (const std::string& name : names) before.push_back(file("run/" + name));
    }
    return false;
  };
  EXPECT_TRUE(contains(error_of([&] { (void)Training(run).run(); }), "last.checkpoint: is a directory"));
  ASSERT_EQ(before.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(file("run/" + names[i]), before[i]) << names[i];
}

TEST_F(FitTest, a_loss_that_is_not_finite_ends_it_and_keeps_the_checkpoint) {
  FitOptions run = options("run", 1);
  run.schedule = {.rate = 0.001};
  (void)Training(run).run();
  const auto before = file("run/last.checkpoint");
  run.resume = true;
  run.epochs = 4;
  run.schedule.rate = 1e30;
  const std::string message = error_of([&] { (void)Training(run).run(); });
  EXPECT_TRUE(contains(message, "epoch 2, step "));
  EXPECT_TRUE(contains(message, "is that of '"));
  EXPECT_TRUE(contains(message, folder.path("run/last.checkpoint") + " is that of step 5"));
  EXPECT_EQ(file("run/last.checkpoint"), before);
}

TEST_F(FitTest, a_weight_that_is_not_finite_is_never_saved) {
  FitOptions run = options("run", 1);
  (void)Training(run).run();
  const auto before = file("run/last.checkpoint");
  run.resume = true;
  run.epochs = 2;
  Training training(run);
  training.options.stop = [&] {
    training.network.parameters()[3].values[0] = NAN;
    return true;
  };
  EXPECT_TRUE(contains(error_of([&] { (void)training.run(); }),
                       "'" + training.network.parameters()[3].name + "' is not finite"));
  EXPECT_EQ(file("run/last.checkpoint"), before);
}

/// No file may become larger than this, as on a disk that is full.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_ = {};
  void (*handler_)(int) = nullptr;
};

TEST_F(FitTest, a_full_disk_is_named_and_harms_nothing) {
  FitOptions run = options("run", 1);
  (void)Training(run).run();
  const auto checkpoint = file("run/last.checkpoint");
  run.resume = true;
  run.epochs = 3;
  // Room for the networks, and from the first step on not for the checkpoint.
  std::string message;
  {
    std::optional<FileLimit> limit;
    run.stop = [&] {
      if (!limit) limit.emplace(file("run/best.onnx").size() + 1000);
      return false;
    };
    message = error_of([&] { (void)Training(run).run(); });
  }
  run.stop = nullptr;
  EXPECT_TRUE(contains(message, folder.path("run/last.checkpoint") + ": cannot be written"));
  EXPECT_EQ(file("run/last.checkpoint"), checkpoint);
  for (const auto& entry : std::filesystem::directory_iterator(run.folder)) {
    EXPECT_NE(entry.path().extension(), ".riffle-part");
  }
  EXPECT_FALSE(Training(run).run().stopped) << "with room again it goes on";
}

TEST_F(FitTest, a_disk_without_room_for_a_checkpoint_is_named_before_the_first_step) {
  FitOptions run = options("run", 1);
  (void)Training(run).run();
  run.epochs = 2;
  for (const bool resume : {true, false}) {
    run.resume = resume;
    if (!resume) run.folder = folder.path("new");
    bool asked = false;
    run.stop = [&] { return asked = true; };
    const FileLimit limit(file("run/best.onnx").size() + 1000);
    EXPECT_TRUE(contains(error_of([&] { (void)Training(run).run(); }),
                         run.folder + "/room_for_a_checkpoint: cannot be written"));
    EXPECT_FALSE(asked);
    EXPECT_FALSE(std::filesystem::exists(run.folder + "/room_for_a_checkpoint"));
  }
}

/// Logits are the mean of the picture times a weight a class.
graph::Graph mean_classifier(bool softmax) {
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{{side, side, 1}});
  const graph::NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {input});
  graph.outputs = {{graph.add(
      "classifier", graph::FullyConnected{classes, graph::Constant({-1.0F, 2.0F, 1.0F}), graph::Constant({0.1F, 0, 0})},
      {mean})}};
  if (softmax) graph.outputs = {{graph.add("softmax", graph::Softmax{}, {graph.outputs[0].node})}};
  return graph;
}

TEST_F(FitTest, evaluates_by_hand_as_by_engine) {
  const Bars images(18, 2);
  Loader loader(images, Training::loader_options(false));
  double loss = 0;
  loader.begin(0);
  for (Batch one; loader.next(one);) {
    for (std::size_t i = 0; i < one.labels.size(); ++i) {
      const auto picture = one.images.subspan(i * side * side, std::size_t{side} * side);
      double mean = 0;
      for (const float value : picture) mean += static_cast<double>(value) / (side * side);
      const double logits[] = {0.1 - mean, 2 * mean, mean};
      loss += std::log(std::exp(logits[0]) + std::exp(logits[1]) + std::exp(logits[2])) - logits[one.labels[i]];
    }
  }
  for (const bool softmax : {false, true}) {
    for (const int threads : {1, 3}) {
      std::int64_t asked = 0;
      const auto evaluation = evaluate(mean_classifier(softmax), loader, threads, [&](std::int64_t done) {
        EXPECT_EQ(done, ++asked);
        return true;
      });
      ASSERT_TRUE(evaluation);
      EXPECT_EQ(asked, 3);
      EXPECT_EQ(evaluation->score.images, 18);
      EXPECT_EQ(evaluation->score.correct, 6);  // every picture is taken for the middle class
      EXPECT_EQ(evaluation->confusion, (std::vector<std::int32_t>{0, 6, 0, 0, 6, 0, 0, 6, 0}));
      EXPECT_NEAR(evaluation->score.loss_sum, loss, 1e-4);
    }
  }
  EXPECT_FALSE(evaluate(mean_classifier(false), loader, 1, [](std::int64_t) { return false; }));
}

TEST_F(FitTest, evaluation_refuses_labels_that_the_network_does_not_know) {
  const Bars images(18, 2);
  Loader loader(images, Training::loader_options(false));
  graph::Graph graph = mean_classifier(false);
  graph.nodes[2].operation = graph::FullyConnected{2, graph::Constant({-1.0F, 2.0F}), {}};
  EXPECT_TRUE(contains(error_of([&] { (void)evaluate(graph, loader, 1, [](std::int64_t) { return true; }); }),
                       "label 2; the network knows 2 classes"));
}

}  // namespace
}  // namespace riffle::trainer
