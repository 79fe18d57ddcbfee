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
#include "engine/format/format.hpp"
#include "kernels/kernels.hpp"
#include "models/random.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "tests/networks.hpp"
#include "tests/program.hpp"
#include "tests/screen.hpp"

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
                                    "0.26",
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

  /// "... 188,875 parameters in training ...".
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
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 3 + 3 + 2 + 4 + 2 + 1);
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

/// Three batches of thirteen pictures and one of one, which the last stage sees as one number a channel.
TEST_F(Train, a_last_batch_of_one_picture_is_left_out) {
  const auto of_batches = [&](const std::string& out, const std::string& batch) {
    std::vector<std::string> words = arguments(out, {"--epochs", "1"});
    *(std::ranges::find(words, "--batch") + 1) = batch;
    return words;
  };
  const Result result = riffle(of_batches("run", "13"));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "an epoch goes without one picture"));
  const Result even = riffle(of_batches("even", "20"));
  ASSERT_EQ(even.code, 0) << even.err;
  EXPECT_EQ(even.out.find("an epoch goes without"), std::string::npos) << even.out;
  refuses(of_batches("refused", "1"),
          "--batch 1: of one picture a batch norm of this network sees one number a channel");
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

TEST_F(Train, networks_carry_what_they_were_trained_with) {
  const std::string names = folder.write("names", bytes_of("nw\nne\nsw\nse\n"));
  ASSERT_EQ(riffle(arguments("run", {"--epochs", "1", "--labels", names, "--mean", "0.3", "--std", "0.4", "--resize",
                                     "crop", "--resize-size", "36", "--no-antialias"}))
                .code,
            0);
  const std::string how = "shorter edge to 36, middle 32 x 32, not antialiased; mean 0.3; std 0.4";
  const std::string carried = "labels: 4, nw to se\npictures: " + how + "\n";
  for (const std::string file : {"best.riffle", "last.riffle", "best.onnx"}) {
    EXPECT_TRUE(contains(riffle({"inspect", at("run/" + file)}).out, carried));
  }
  // Fine-tuned, they are what the new network has, as far as nothing else is said; the labels of IDX have no names.
  const auto tuned = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"train", "--from", at("run/best.riffle"), "--epochs",         "1",     "--batch",
                                      "8",     "--data", at("train.images"),    at("train.labels"), "--out", at(out)};
    words.insert(words.end(), more.begin(), more.end());
    const Result result = riffle(words);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out + riffle({"inspect", at(out + "/best.riffle")}).out;
  };
  const std::string same = tuned("same", {});
  EXPECT_TRUE(contains(same, "pictures: " + how + " (from the model)\n"));
  EXPECT_TRUE(contains(same, carried));
  const std::string other =
      tuned("other", {"--antialias", "--size", "40x40", "--labels", folder.write("others", bytes_of("a\nb\nc\nd\n"))});
  EXPECT_TRUE(
      contains(other, "labels: 4, a to d\npictures: shorter edge to 40, middle 40 x 40, antialiased; mean 0.3"));
  EXPECT_TRUE(contains(other, "its classes get other names"));
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
  EXPECT_GT(all, 150000);
  EXPECT_GT(some, 0);
  EXPECT_LT(some, all - 20000);
}

TEST_F(Train, in_integers_from_a_network_in_floats) {
  ASSERT_EQ(riffle(arguments("run", {"--epochs", "2"})).code, 0);
  const auto words = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> all = {"train",       "--from",          at("run/best.riffle"), "--batch",
                                    "8",           "--data",          at("train.images"),    at("train.labels"),
                                    "--test-data", at("test.images"), at("test.labels"),     "--out",
                                    at(out)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const Result result = riffle(words("ints", {"--quantize", "--calibration", "24", "--epochs", "2"}));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "calibrated, not trained yet: test accuracy "));
  // What comes out is a quantised model like any other.
  for (const std::string name : {"ints/best.riffle", "ints/best.onnx"}) {
    const Result measured = riffle({"classify", at(name), "--idx", at("test.images"), at("test.labels")});
    ASSERT_EQ(measured.code, 0) << measured.err;
    std::istringstream answer(measured.out);
    int right = 0;
    answer >> right;
    EXPECT_TRUE(contains(result.out, "best test accuracy " + std::to_string(100 * right / 12) + "."));
  }
  EXPECT_LT(2 * file("ints/best.riffle").size(), file("run/best.riffle").size());

  refuses(words("ints", {"--quantize", "--calibration", "16", "--epochs", "3", "--resume"}),
          "the run was started with --quantize with ranges of checksum ");
  EXPECT_EQ(riffle(words("ints", {"--quantize", "--calibration", "24", "--epochs", "3", "--resume"})).code, 0);
  refuses({"train", "--from", at("ints/best.riffle"), "--data", at("train.images"), at("train.labels"), "--out",
           at("refused")},
          "ints/best.riffle: is quantised; take the network of floats");
  refuses(words("refused", {"--calibration", "24"}), "--calibration: belongs to --quantize");
  refuses_more({"--quantize"}, "--quantize: needs --from MODEL");
  Bytes labels;
  for (int i = 0; i < 40; ++i) labels.push_back(static_cast<std::byte>(i % 2));
  refuses({"train", "--quantize", "--from", at("run/best.riffle"), "--data", at("train.images"),
           folder.write("two.labels", idx(8, {40}, labels)), "--out", at("refused")},
          "--quantize: the data has 2 classes, " + at("run/best.riffle") + " has 4");
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

/// The program at work.
class Running {
 public:
  /// What it says goes to the file `out`.
  Running(const std::vector<std::string>& words, const std::string& out) {
    process_ = ::fork();
    if (process_ == 0) {
      for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::signal(signal, SIG_DFL);
      if (std::freopen(out.c_str(), "w", stdout) == nullptr) ::_exit(126);
      execute(words);
    }
  }

  [[nodiscard]] pid_t process() const { return process_; }

  /// Waits until `file` exists, or the program has ended.
  void wait_for(const std::string& file) {
    while (!std::filesystem::exists(file) && !ended()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  /// Sends a signal and returns the exit code, -1 where it was killed.
  int end(int signal) {
    if (!ended()) {
      ::kill(process_, signal);
      ::waitpid(process_, &status_, 0);
    }
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  }

 private:
  bool ended() { return ended_ = ended_ || ::waitpid(process_, &status_, WNOHANG) != 0; }

  pid_t process_ = 0;
  int status_ = 0;
  bool ended_ = false;
};

TEST_F(Train, a_signal_stops_it_and_it_goes_on) {
  for (const auto& [signal, code] : {std::pair{SIGTERM, 143}, {SIGINT, 130}, {SIGHUP, 129}}) {
    const std::string run = "run" + std::to_string(signal), whole = "whole" + std::to_string(signal);
    Running running(arguments(run, {"--epochs", "100000"}), at("out"));
    running.wait_for(at(run + "/last.checkpoint"));
    EXPECT_EQ(running.end(signal), code);
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

TEST_F(Train, bars_leave_nothing_on_a_terminal) {
  for (const int columns : {20, 80}) {
    const std::string out = "run" + std::to_string(columns);
    const Result apart = riffle_in_terminal(arguments(out, {"--epochs", "10"}), {.columns = columns});
    EXPECT_EQ(apart.code, 0) << apart.err;
    EXPECT_TRUE(contains(apart.err, columns == 80 ? "░" : "epoch "));  // for whose bar 20 columns may have no room
    EXPECT_TRUE(contains(apart.out, "epoch 10: train loss "));
    Screen screen(static_cast<std::size_t>(columns));
    screen.print(apart.err);
    EXPECT_EQ(screen.wraps(), 0) << columns;
    EXPECT_EQ(screen.text(), "") << columns;
  }
  const Result both = riffle_in_terminal(arguments("both", {"--epochs", "10"}), {.columns = 500, .shows_out = true});
  EXPECT_EQ(both.code, 0) << both.err;
  EXPECT_TRUE(contains(both.err, "░"));
  Screen screen(500);
  screen.print(both.err);
  std::istringstream lines(screen.text());
  int epochs = 0;
  for (std::string line; std::getline(lines, line);) {
    for (const std::string_view of_a_bar : {"░", "█", "/10"}) {
      EXPECT_EQ(line.find(of_a_bar), std::string::npos) << line;
    }
    epochs += line.starts_with("epoch " + std::to_string(epochs + 1) + ": train loss ");
  }
  EXPECT_EQ(epochs, 10);
}

TEST_F(Train, ctrl_c_on_a_terminal_leaves_what_is_said) {
  const Result result = riffle_in_terminal(arguments("run", {"--epochs", "2000"}),
                                           {.columns = 500, .shows_out = true, .interrupt_at = "░"});
  EXPECT_EQ(result.code, 130);
  Screen screen(500);
  screen.print(result.err);
  const std::string text = screen.text();
  EXPECT_TRUE(contains(text, "\nstopped in epoch ")) << text;
  EXPECT_EQ(text.find("░"), std::string::npos) << text;
}

TEST_F(Train, a_folder_takes_no_second_word) {
  folder.write("train-images-idx3-ubyte", file("train.images"));
  folder.write("train-labels-idx1-ubyte", file("train.labels"));
  const std::vector<std::string> rest = {"--flavour", "note",     "--width", "0.26",  "--size",
                                         "32x32",     "--epochs", "1",       "--out", at("run")};
  const auto train = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "train");
    words.insert(words.end(), rest.begin(), rest.end());
    std::filesystem::remove_all(at("run"));
    return riffle(words);
  };
  const std::string data = at("");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"v2", "--data", data},
                                                {"--data", data, "v2"},
                                                {"--data", data, "--test-data", data, "v2"},
                                                {"--data", at("train.images"), at("train.labels"), "v2"}}) {
    const Result result = train(words);
    EXPECT_EQ(result.code, 0) << result.err;
  }
  const auto is_refused = [&](const std::vector<std::string>& words, const std::string& message) {
    const Result result = train(words);
    EXPECT_EQ(result.code, 1);
    EXPECT_TRUE(contains(result.err, message));
  };
  is_refused({"--data", data, "v3"}, "'v3' is neither v1 nor v2");
  is_refused({"v2", "--data", data, "more"}, "'more' was not expected behind the folder");
}

TEST_F(Train, options_that_would_do_nothing_are_refused) {
  ASSERT_EQ(riffle(arguments("run", {"--epochs", "1"})).code, 0);
  const std::vector<std::string> from = {
      "train", "--from", at("run/best.riffle"), "--data", at("train.images"), at("train.labels"), "--epochs", "1"};
  const auto more = [&](std::vector<std::string> words) {
    words.insert(words.begin(), from.begin(), from.end());
    return words;
  };
  refuses(more({"--out", at("refused"), "--init", "kaiming"}), "--init: no weights begin anew");
  refuses(more({"--out", at("run")}), "--out: ");
  refuses_more({"--decay-weights-only"}, "--decay-weights-only: there is no --weight-decay");
  for (const std::string name : {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte"}) {
    folder.write(name, file("train.images"));
  }
  for (const std::string name : {"train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"}) {
    folder.write(name, file("train.labels"));
  }
  refuses({"train", "v2", "--flavour", "note", "--width", "0.5", "--data", at(""), "--validation", "0.2", "--out",
           at("refused")},
          "--validation: nothing is split off");
}

TEST_F(Train, killed_at_any_file_it_goes_on) {
  ASSERT_EQ(riffle(arguments("whole", {"--epochs", "2"})).code, 0);
  for (const std::string name :
       {"metrics.csv", "last.checkpoint", "last.riffle", "best.riffle", "best.onnx", "confusion.svg", "curves.svg"}) {
    SCOPED_TRACE(name);
    const std::string run = "killed_" + name;
    Running running(arguments(run, {"--epochs", "2"}), at("out"));
    running.wait_for(at(run + "/" + name));
    EXPECT_EQ(running.end(SIGKILL), -1);
    std::vector<std::string> more = {"--epochs", "2"};
    if (std::filesystem::exists(at(run + "/last.checkpoint"))) more.emplace_back("--resume");
    const Result resumed = riffle(arguments(run, more));
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    for (const std::string file_name : {"/last.riffle", "/best.riffle", "/best.onnx", "/confusion.svg"}) {
      EXPECT_EQ(file(run + file_name), file("whole" + file_name)) << file_name;
    }
    EXPECT_FALSE(std::filesystem::exists(at(run + "/lock")));
  }
}

TEST_F(Train, one_at_a_time_in_a_folder) {
  Running running(arguments("run", {"--epochs", "100000"}), at("out"));
  running.wait_for(at("run/last.checkpoint"));
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--resume", "--epochs", "100000"}}) {
    const Result second = riffle(arguments("run", more));
    EXPECT_EQ(second.code, 1);
    EXPECT_TRUE(contains(second.err, "riffle: " + at("run") + ": another run is under way in it, process " +
                                         std::to_string(running.process())));
  }
  EXPECT_EQ(running.end(SIGTERM), 143);
}

TEST_F(Train, a_run_that_is_not_there_is_not_made_by_resuming_it) {
  refuses_more({"--resume"}, "refused/last.checkpoint: is not there");
}

TEST_F(Train, a_batch_that_does_not_fit_is_a_lack_of_memory) {
  refuses({"train", "v2", "--flavour", "note", "--size", "1024x1024", "--batch", "65536", "--data", at("train.images"),
           at("train.labels"), "--out", at("refused")},
          "not enough memory for a batch of 65536 images (");
}

TEST_F(Train, folders_of_numbers_are_classes_in_the_order_of_the_numbers) {
  for (const std::string name : {"1", "2", "10"}) {
    std::filesystem::create_directories(at("set/" + name));
    for (int i = 0; i < 4; ++i) {
      const auto gray = static_cast<std::uint8_t>(40 * std::stoi(name) % 256 + i);
      folder.write("set/" + name + "/" + std::to_string(i) + ".jpg", jpeg({.color = {gray}}));
    }
  }
  const auto words = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"train", "v2",    "--flavour", "note",   "--width", "0.26",         "--size",
                                    "32x32", "--out", at("run"),   "--data", at("set"), "--validation", "0.25"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const Result result = riffle(words({"--epochs", "1"}));
  ASSERT_EQ(result.code, 0) << result.err;
  std::vector<std::string> classes;
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) {
    const std::string first = line.substr(0, line.find(' '));
    if (!first.empty() && first.find_first_not_of("0123456789") == std::string::npos) classes.push_back(first);
  }
  EXPECT_EQ(classes, (std::vector<std::string>{"9", "1", "2", "10"})) << "first the images to train on\n" << result.out;

  std::filesystem::rename(at("set/2"), at("set/03"));
  Result renamed = riffle(words({"--epochs", "2", "--resume"}));
  EXPECT_EQ(renamed.code, 1);
  EXPECT_TRUE(contains(renamed.err, "the run was started with class 1 named 2, not 03"));
  std::filesystem::rename(at("set/03"), at("set/2"));
  std::filesystem::rename(at("set/2/1.jpg"), at("set/2/one.jpg"));
  renamed = riffle(words({"--epochs", "2", "--resume"}));
  EXPECT_EQ(renamed.code, 1);
  EXPECT_TRUE(contains(renamed.err, "the run was started with training images of checksum "));
  std::filesystem::rename(at("set/2/one.jpg"), at("set/2/1.jpg"));
  EXPECT_EQ(riffle(words({"--epochs", "2", "--resume"})).code, 0);
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
  refused({"--resume", "--labels", folder.write("names", bytes_of("nw\nne\nsw\nse\n"))},
          "the run was started with class 0 named 0, not nw; a run goes on as it began");
  for (const std::string set : {"train", "test"}) {
    const Bytes before = file(set + ".images");
    Bytes other = before;
    other.back() ^= std::byte{1};
    folder.write(set + ".images", other);
    refused({"--resume"},
            "the run was started with " + std::string(set == "train" ? "training" : "test") + " images of checksum ");
    folder.write(set + ".images", before);
  }
  Bytes damaged = file("run/last.checkpoint");
  damaged[damaged.size() / 2] ^= std::byte{4};
  folder.write("run/last.checkpoint", damaged);
  refused({"--resume"}, "last.checkpoint: the checkpoint is damaged");
}

TEST_F(Train, resumes_on_the_same_instruction_set_alone) {
  ASSERT_EQ(riffle(arguments("run", {"--epochs", "1"}), {"RIFFLE_ISA=scalar"}).code, 0);
  if (kernels::best_kernels().isa == std::string("scalar")) GTEST_SKIP() << "there is no other";
  const Result result = riffle(arguments("run", {"--epochs", "2", "--resume"}), {"RIFFLE_ISA="});
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(contains(result.err, "the run was started with the instruction set (RIFFLE_ISA) scalar, not " +
                                       std::string(kernels::best_kernels().isa)));
  EXPECT_EQ(riffle(arguments("run", {"--epochs", "2", "--resume"}), {"RIFFLE_ISA=scalar"}).code, 0);
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
  format::save_file(testing::two_headed_network(), at("two.riffle"));
  refuses(with_data({"train", "--from", at("two.riffle")}),
          "two.riffle: has inputs image 3 x 16 x 16 u8 (scale 0.0078125, zero point 128), mask 1 x 16 x 16, outputs "
          "classes "
          "5 x 1 x 1, map 2 x 16 x 16 i8 (scale 0.5, zero point -3); training is for one of each, both f32");
  refuses(with_data({"train", "v2", "--groups", "3"}), "--groups");
  refuses({"train", "v2", "--out", at("refused")}, "--data");
  refuses({"train", "v2", "--data", at("train.images"), at("train.labels")}, "--out");
  refuses({"train", "v2", "--data", at("none"), "--out", at("refused")}, "none");
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad = {
      {"--epochs", {"0", "-1", "x", ""}},
      {"--batch", {"0", "-5", "65537"}},
      {"--lr", {"0", "-1", "nan", "inf", "x", "1e400", "0x1p-9", " 0.1", "0.1 "}},
      {"--weight-decay", {"-1", "nan"}},
      {"--label-smoothing", {"1", "-0.1", "nan"}},
      {"--ema", {"1", "-1", "nan"}},
      {"--clip", {"-1", "nan"}},
      {"--flip", {"1.5", "nan"}},
      {"--erase", {"-1", "2"}},
      {"--crop-padding", {"-1", "x"}},
      {"--warmup", {"-1", "11", "nan"}},
      {"--calibration", {"0", "x"}},
      {"--seed", {"-1", "18446744073709551616", "0x1", "1.5"}},
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
  for (const std::string option : {"--labels", "--from", "--freeze", "--out"}) {
    refuses_more({option, ""}, option);
  }
  refuses_more({"--mean", "0.1,0.2"}, "mean");
  refuses_more({"--std", "0"}, "std");
  refuses_more({"--freeze", "no such node"}, "no such node");
}

}  // namespace
}  // namespace riffle::tests
