// riffle train, on pictures that it can learn.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>

#include "base/files.hpp"
#include "models/random.hpp"
#include "tests/tools/encode.hpp"
#include "tests/tools/expect_error.hpp"
#include "tests/tools/program.hpp"

namespace riffle::tests {
namespace {

class Train : public ::testing::Test {
 protected:
  Train() {
    write_set("train", 40);
    write_set("test", 12);
  }

  /// Noise with a bright quarter, whose place is the label.
  void write_set(const std::string& name, std::uint32_t count) const {
    constexpr std::uint32_t side = 12;
    Bytes pixels, labels;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto noise = models::random_values(1, name + std::to_string(i), side * side, {.centre = 90, .reach = 80});
      for (std::uint32_t p = 0; p < side * side; ++p) {
        const bool bright = p / side / 6 == i % 4 / 2 && p % side / 6 == i % 2;
        pixels.push_back(static_cast<std::byte>(bright ? 255 : static_cast<int>(noise[p])));
      }
      labels.push_back(static_cast<std::byte>(i % 4));
    }
    folder.write(name + ".images", idx(8, {count, side, side}, pixels));
    folder.write(name + ".labels", idx(8, {count}, labels));
  }

  [[nodiscard]] std::string at(const std::string& name) const { return folder.path(name); }

  /// A small network on the two sets, and `more`.
  [[nodiscard]] std::vector<std::string> arguments(const std::string& out, const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"train",
                                    "v2",
                                    "--flavour",
                                    "note",
                                    "--width",
                                    "0.5",
                                    "--size",
                                    "32x32",
                                    "--batch",
                                    "8",
                                    "--data",
                                    at("train.images"),
                                    at("train.labels"),
                                    "--test-data",
                                    at("test.images"),
                                    at("test.labels"),
                                    "--out",
                                    at(out)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  void refuses(const std::vector<std::string>& words, const std::string& message) const {
    const Result result = riffle(words);
    EXPECT_EQ(result.code, 1) << message;
    EXPECT_TRUE(result.err.starts_with("riffle: ")) << result.err;
    EXPECT_TRUE(contains(result.err, message));
    EXPECT_FALSE(std::filesystem::exists(at("refused"))) << message;
  }
  void refuses_more(const std::vector<std::string>& more, const std::string& message) const {
    refuses(arguments("refused", more), message);
  }

  /// "... 351,610 parameters in training ...".
  static int parameters(const std::string& said) {
    const std::size_t end = said.find(" parameters in training");
    if (end == std::string::npos) return -1;
    std::string digits = said.substr(said.rfind(' ', end - 1) + 1, end);
    digits.erase(std::remove(digits.begin(), digits.end(), ','), digits.end());
    return std::stoi(digits);
  }

  [[nodiscard]] Bytes file(const std::string& name) const { return read_file(at(name), 1 << 26); }

  Folder folder;
};

TEST_F(Train, trains_and_the_network_runs) {
  const Result result =
      riffle(arguments("run", {"--epochs", "3", "--labels", folder.write("names", bytes_of("nw\nne\nsw\nse\n"))}));
  ASSERT_EQ(result.code, 0) << result.err;
  for (const std::string part : {"40 images to train on, 12 to test on, 4 classes", "epoch 1: train loss ",
                                 "test accuracy ", "epoch 3: ", "ne ", "best test accuracy "}) {
    EXPECT_TRUE(contains(result.out, part));
  }
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 2 + 3 + 2 + 4 + 2 + 1);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(at("run"))) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"best.onnx", "best.riffle", "confusion.svg", "curves.svg",
                                             "last.checkpoint", "last.riffle", "metrics.csv"}));

  // What it says of the best network is what the engine says of the file.
  const Result measured = riffle({"classify", at("run/best.riffle"), "--idx", at("test.images"), at("test.labels")});
  ASSERT_EQ(measured.code, 0) << measured.err;
  std::istringstream words(measured.out);
  int right = 0;
  words >> right;
  const std::string accuracy = std::to_string(100 * right / 12) + ".";
  EXPECT_TRUE(contains(result.out, "best test accuracy " + accuracy));
}

TEST_F(Train, every_option_is_taken) {
  const std::vector<std::string> common = {"--epochs",
                                           "1",
                                           "--seed",
                                           "7",
                                           "--threads",
                                           "2",
                                           "--mean",
                                           "0.3",
                                           "--std",
                                           "0.4",
                                           "--flip",
                                           "0.5",
                                           "--crop-padding",
                                           "2",
                                           "--erase",
                                           "0.25",
                                           "--label-smoothing",
                                           "0.1",
                                           "--clip",
                                           "1",
                                           "--ema",
                                           "0.99",
                                           "--warmup",
                                           "0.5"};
  const std::vector<std::vector<std::string>> kinds = {
      {"--optimizer", "sgd", "--momentum", "0.8", "--nesterov", "--lr", "0.1", "--schedule", "linear"},
      {"--optimizer", "adamw", "--weight-decay", "0.05", "--decay-weights-only", "--schedule", "cosine"},
      {"--optimizer", "adam", "--init", "kaiming", "--schedule", "step", "--step-epochs", "0.5", "--step-factor",
       "0.3"}};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    std::vector<std::string> more = common;
    more.insert(more.end(), kinds[i].begin(), kinds[i].end());
    const std::string out = "run" + std::to_string(i);
    const Result result = riffle(arguments(out, more));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(std::filesystem::exists(at(out + "/best.riffle")));
  }
}

TEST_F(Train, splits_what_comes_alone) {
  const Result result =
      riffle({"train", "v1", "--flavour", "note", "--groups", "2", "--size", "32x32", "--epochs", "1", "--batch", "16",
              "--data", at("train.images"), at("train.labels"), "--validation", "0.25", "--out", at("run")});
  ASSERT_EQ(result.code, 0) << result.err;
  // Of each class of ten images a quarter, rounded.
  EXPECT_TRUE(contains(result.out, " to train on"));
  EXPECT_FALSE(result.out.find("40 images to train on") != std::string::npos);
}

TEST_F(Train, goes_on_from_a_file_with_other_classes) {
  ASSERT_EQ(riffle(arguments("run", {"--epochs", "1"})).code, 0);
  Bytes labels;
  for (int i = 0; i < 40; ++i) labels.push_back(static_cast<std::byte>(i % 2));
  const std::string two = folder.write("two.labels", idx(8, {40}, labels));
  const auto tuned = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"train", "--from", at("run/best.riffle"), "--epochs", "1",     "--batch",
                                      "8",     "--data", at("train.images"),    two,        "--out", at(out)};
    words.insert(words.end(), more.begin(), more.end());
    const Result result = riffle(words);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.out, "a new classifier, for 2 classes instead of 4"));
    return parameters(result.out);
  };
  const int all = tuned("all", {}), some = tuned("some", {"--freeze", "units.12"});
  EXPECT_GT(all, 300000);
  EXPECT_GT(some, 0);
  EXPECT_LT(some, all - 50000);
}

TEST_F(Train, one_seed_gives_one_network) {
  const auto trained = [&](const std::string& out, const std::string& seed) {
    EXPECT_EQ(riffle(arguments(out, {"--epochs", "1", "--seed", seed})).code, 0);
    return file(out + "/last.riffle");
  };
  const Bytes one = trained("a", "1");
  EXPECT_EQ(one, trained("b", "1"));
  EXPECT_NE(one, trained("c", "2"));
}

/// The program, to which a signal is sent as soon as `file` exists. Returns its exit code.
int terminated(const std::vector<std::string>& words, const std::string& file, const std::string& out, int signal) {
  std::vector<std::string> all;
  std::istringstream emulator(RIFFLE_EMULATOR);
  for (std::string word; emulator >> word;) all.push_back(word);
  all.emplace_back(RIFFLE_PROGRAM);
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(signal, SIG_DFL);
    if (std::freopen(out.c_str(), "w", stdout) == nullptr) ::_exit(126);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  while (!std::filesystem::exists(file) && ::waitpid(child, nullptr, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ::kill(child, signal);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Train, a_signal_stops_it_and_it_goes_on) {
  for (const auto& [signal, code] : {std::pair{SIGTERM, 143}, {SIGINT, 130}, {SIGHUP, 129}}) {
    const std::string run = "run" + std::to_string(signal), whole = "whole" + std::to_string(signal);
    EXPECT_EQ(terminated(arguments(run, {"--epochs", "100000"}), at(run + "/last.checkpoint"), at("out"), signal),
              code);
    const Bytes said = file("out");
    const std::string words(reinterpret_cast<const char*>(said.data()), said.size());
    const std::size_t found = words.find("stopped in epoch ");
    ASSERT_NE(found, std::string::npos) << words;
    const std::string epochs = std::to_string(std::stoi(words.substr(found + 17)));

    const Result resumed = riffle(arguments(run, {"--epochs", epochs, "--resume"}));
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(riffle(arguments(whole, {"--epochs", epochs})).code, 0);
    EXPECT_EQ(file(run + "/last.riffle"), file(whole + "/last.riffle"));
    EXPECT_EQ(file(run + "/best.riffle"), file(whole + "/best.riffle"));
  }
}

TEST_F(Train, resumes_the_same_run_alone) {
  ASSERT_EQ(riffle(arguments("run", {"--epochs", "1"})).code, 0);
  const auto refused = [&](const std::vector<std::string>& more, const std::string& message) {
    const Result result = riffle(arguments("run", more));
    EXPECT_EQ(result.code, 1);
    EXPECT_TRUE(contains(result.err, message));
  };
  refused({}, "holds a run already");
  refused({"--resume", "--lr", "0.01"}, "last.checkpoint: the run was started with --lr 0.001, not 0.01");
  refused({"--resume", "--optimizer", "sgd"}, "--optimizer adam, not sgd");
  refused({"--resume", "--residual"}, "the network");
  Bytes damaged = file("run/last.checkpoint");
  damaged[damaged.size() / 2] ^= std::byte{4};
  folder.write("run/last.checkpoint", damaged);
  refused({"--resume"}, "last.checkpoint: the checkpoint is damaged");
}

TEST_F(Train, a_rate_far_too_high_ends_with_the_step_and_the_layer) {
  const Result result = riffle(arguments("run", {"--optimizer", "sgd", "--lr", "1000", "--epochs", "5"}));
  EXPECT_EQ(result.code, 1);
  for (const std::string part : {"riffle: epoch ", ", step ", "the loss is not a number"}) {
    EXPECT_TRUE(contains(result.err, part));
  }
  // Which layer it is, is a matter of rounding.
  const std::string before = "the first result that is not finite is that of '";
  const std::size_t at = result.err.find(before);
  ASSERT_NE(at, std::string::npos) << result.err;
  const std::size_t begin = at + before.size();
  const std::string layer = result.err.substr(begin, result.err.find('\'', begin) - begin);
  const std::vector<std::string> layers = {"stem.", "units.", "tail.", "mean", "classifier"};
  EXPECT_TRUE(std::any_of(layers.begin(), layers.end(), [&](const std::string& name) {
    return layer.starts_with(name);
  })) << result.err;
}

TEST_F(Train, arguments_are_checked) {
  const std::vector<std::string> data = {"--data", at("train.images"), at("train.labels"), "--out", at("refused")};
  const auto with_data = [&](std::vector<std::string> words) {
    words.insert(words.end(), data.begin(), data.end());
    return words;
  };
  refuses(with_data({"train"}), "a network is needed");
  refuses(with_data({"train", "v3"}), "v3");
  refuses(with_data({"train", "v2", "--from", "a.riffle"}), "a network is needed");
  refuses(with_data({"train", "--from", "a.riffle", "--width", "0.5"}), "--width");
  refuses(with_data({"train", "--from", at("none.riffle")}), "none.riffle");
  refuses(with_data({"train", "v2", "--groups", "3"}), "--groups");
  refuses({"train", "v2", "--out", at("refused")}, "--data");
  refuses({"train", "v2", "--data", at("train.images"), at("train.labels")}, "--out");
  refuses({"train", "v2", "--data", at("none"), "--out", at("refused")}, "none");
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad = {
      {"--epochs", {"0", "-1", "x", ""}},
      {"--batch", {"0", "-5", "65537"}},
      {"--lr", {"0", "-1", "nan", "inf", "x"}},
      {"--weight-decay", {"-1", "nan"}},
      {"--label-smoothing", {"1", "-0.1", "nan"}},
      {"--ema", {"1", "-1", "nan"}},
      {"--clip", {"-1", "nan"}},
      {"--flip", {"1.5", "nan"}},
      {"--erase", {"-1", "2"}},
      {"--crop-padding", {"-1", "x"}},
      {"--warmup", {"-1", "11", "nan"}},
      {"--seed", {"-1"}},
      {"--threads", {"0"}},
      {"--optimizer", {"adagrad"}},
      {"--schedule", {"stairs"}},
      {"--init", {"zero"}},
      {"--momentum", {"0.9", "1"}},     // of Adam
      {"--step-factor", {"0.5", "2"}},  // of a constant rate
      {"--classes", {"7"}},
      {"--validation", {"0.5"}},  // beside a test set
  };
  for (const auto& [option, values] : bad) {
    for (const std::string& value : values) refuses_more({option, value}, option);
  }
  refuses_more({"--mean", "0.1,0.2"}, "mean");
  refuses_more({"--std", "0"}, "std");
  refuses_more({"--freeze", "no such node"}, "no such node");
}

}  // namespace
}  // namespace riffle::tests
