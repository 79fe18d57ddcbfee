// Whole commands with every call of the system failing in turn, and with a signal before each: what has an output's
// name is what was there or what is to be there, whole, and whoever runs the command is told what failed.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>

#include "io/picture.hpp"
#include "tests/cli_fixture.hpp"

namespace riffle::tests {
namespace {

/// A command that is to fail, and the files that it makes in the folder `to`.
struct Command {
  std::vector<std::string> words;
  std::vector<std::string> same = {};  ///< files with the same bytes each time
  std::vector<std::string> others = {};
  std::vector<std::string> of_killed = {};  ///< what one that is killed may leave as well
};

class Faults : public Cli {
 protected:
  Faults() { std::filesystem::create_directory(folder.path("to")); }

  [[nodiscard]] std::string to(const std::string& name) const { return folder.path("to/" + name); }

  /// A folder with nothing but what was there before, if anything was.
  void begin(const Command& command, bool old) const {
    std::filesystem::remove_all(folder.path("to"));
    std::filesystem::create_directory(folder.path("to"));
    for (const std::string& name : command.same) {
      if (old) folder.write("to/" + name, old_);
    }
  }

  /// The files of a run that nothing happens to.
  void learn(const Command& command) {
    begin(command, false);
    const Result result = riffle(command.words);
    ASSERT_EQ(result.code, 0) << result.err;
    said_ = result.out;
    right_.clear();
    for (const std::string& name : command.same) right_[name] = read_file(to(name), 1 << 26);
    EXPECT_EQ(unknown(command), "");
  }

  /// Names that are neither an output nor, where there may be one, a part of one that nobody goes on writing.
  [[nodiscard]] std::string unknown(const Command& command, bool may_be_parts = false) const {
    std::string names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path("to"))) {
      const std::string name = std::filesystem::relative(entry.path(), folder.path("to"));
      const auto is_one = [&](const std::vector<std::string>& all) {
        return std::ranges::any_of(
            all, [&](const std::string& one) { return name == one || (may_be_parts && name == one + ".riffle-part"); });
      };
      if (!entry.is_regular_file() || is_one(command.same) || is_one(command.others)) continue;
      if (!may_be_parts || !is_one(command.of_killed)) names += name + " ";
    }
    return names;
  }

  /// Is each output what was there, or what is to be there? Returns whether all of them are the latter.
  bool all_new(const Command& command, bool old) const {
    bool all = true;
    for (const auto& [name, right] : right_) {
      const bool is_there = std::filesystem::exists(to(name));
      const Bytes bytes = is_there ? read_file(to(name), 1 << 26) : Bytes();
      const bool is_new = is_there && bytes == right;
      EXPECT_TRUE(is_new || (old ? bytes == old_ : !is_there)) << name << " is neither old nor new";
      all = all && is_new;
    }
    for (const std::string& name : command.others) all = all && std::filesystem::exists(to(name));
    return all;
  }

  /// Runs it with this fault; returns whether it came to it.
  bool run(const Command& command, long call, int error, int signal) {
    SCOPED_TRACE(::testing::Message() << command.words[0] << ", call " << call << ", "
                                      << (error != 0 ? std::strerror(error) : ::strsignal(signal)));
    const bool old = call % 2 == 0 && command.others.empty();
    begin(command, old);
    const std::string trace = folder.path("trace");
    std::filesystem::remove(trace);
    const std::string fault = std::to_string(call) + " " + std::to_string(error) + " " + std::to_string(signal);
    const Result result = riffle(command.words, {"RIFFLE_FAULT=" + fault, "RIFFLE_TRACE=" + trace});
    const bool is_new = all_new(command, old);
    EXPECT_EQ(unknown(command, signal == SIGKILL), "");
    if (!std::filesystem::exists(trace)) {
      EXPECT_EQ(result.code, 0) << result.err;
      return false;
    }
    if (result.code == 0) {  // it did without, or had ended its work
      EXPECT_TRUE(is_new);
      if (command.same.empty()) {
        EXPECT_EQ(result.out, said_);
      }
    } else if (error != 0) {
      EXPECT_EQ(result.code, 1);
      EXPECT_TRUE(contains(result.err, folder.path("")) && contains(result.err, std::strerror(error))) << result.err;
    } else {
      EXPECT_TRUE(result.code == -1 || result.code == 128 + signal) << result.code;
    }
    if (signal == SIGKILL) {
      const Result again = riffle(command.words);
      EXPECT_TRUE(again.code == 0 || contains(again.err, "holds a run already")) << again.err;
      EXPECT_EQ(unknown(command, again.code != 0), "");
    }
    return true;
  }

  /// Each call in turn, or each `step`th, until there is none. All that fails a call does the same to it, so that one
  /// has one error; a signal comes before a third of the calls each.
  void try_all(const Command& command, long step = 1) {
    learn(command);
    long calls = 0;
    while (run(command, calls, calls / step % 2 == 0 ? EIO : ENOSPC, 0)) calls += step;
    EXPECT_GT(calls, 5);
    constexpr std::array signals = {SIGKILL, SIGTERM, SIGINT};
    for (long call = 0; call < calls; call += step) run(command, call, 0, signals[call / step % 3]);
    for (long call = 0; call < calls; call += 4 * step) run(command, call, EINTR, 0);
  }

  /// A convolution of 32 x 32 pixels to a score and a box for each 8 x 8 of them.
  std::string detector() {
    graph::Graph graph;
    graph.name = "detector";
    graph::Convolution scores;
    scores.outputs = 5;
    scores.window = {.kernel_h = 8, .kernel_w = 8, .stride_h = 8, .stride_w = 8};
    scores.weights = graph::Constant(std::vector<float>(std::size_t{5} * 3 * 64, 0.001F));
    scores.bias = graph::Constant(std::vector<float>{0.6F, 0.5F, 0.5F, 1.0F, 1.0F});
    const graph::NodeId input = graph.add("pixels", graph::Input{{32, 32, 3}});
    graph.outputs = {{graph.add("out", scores, {input})}};
    format::save_file(graph, folder.path("detector.riffle"));
    return folder.path("detector.riffle");
  }

  std::string images() {
    Bytes pixels;
    for (int i = 0; i < 16 * 64; ++i) pixels.push_back(static_cast<std::byte>(i * 37 + i / 64 * 11));
    return folder.write("some-images-idx3-ubyte", idx(8, {16, 8, 8}, pixels));
  }

  Bytes old_ = bytes_of("what was there before");
  std::map<std::string, Bytes> right_;
  std::string said_;
};

TEST_F(Faults, build) {
  try_all({{"build", "v2", "--width", "0.26", "--flavour", "note", to("m.riffle")}, {"m.riffle"}});
}

TEST_F(Faults, convert) {
  const std::string from = two_headed();
  try_all({{"convert", from, to("m.onnx")}, {"m.onnx"}});
  ASSERT_EQ(riffle({"convert", from, folder.path("from.onnx")}).code, 0);
  try_all({{"convert", folder.path("from.onnx"), to("m.riffle")}, {"m.riffle"}});
}

TEST_F(Faults, embed) { try_all({{"embed", model(), to("m.c")}, {"m.c", "m.h"}}, 2); }

TEST_F(Faults, inspect) { try_all({{"inspect", model(), "--svg", to("m.svg")}, {"m.svg"}}, 3); }

TEST_F(Faults, quantize) {
  try_all({{"quantize", detector(), to("q.riffle"), "--calibrate", tensor({8, 3, 32, 32}), "--method", "minmax"},
           {"q.riffle"}},
          3);
}

TEST_F(Faults, run) {
  const std::string x = tensor({1, 1, 32, 32});
  try_all({{"run", model(), "--input", x, "--output", to("y.npy")}, {"y.npy"}}, 2);
  try_all({{"run", folder.path("model.riffle"), "--input", x, "--all", to("all.npz")}, {"all.npz"}}, 3);
}

TEST_F(Faults, classify) { try_all({{"classify", model(), picture("a.png", 90)}}, 2); }

TEST_F(Faults, detect) {
  const std::string model = detector();
  const std::string description = folder.write("detector.json", bytes_of(R"({
    "task": "detect", "resize": {"antialias": false},
    "levels": [{"stride": 8, "scores": {"output": "out", "count": 1}, "boxes": {"output": "out", "first": 1, "count": 4}}],
    "mappings": {"position": {"unit": "cell"}, "size": {"unit": "cell"}}})"));
  io::Picture one = {32, 32, 3, std::vector<std::uint8_t>(std::size_t{32} * 32 * 3, 100)};
  io::write_png(folder.path("one.png"), one);
  try_all(
      {{"detect", model, folder.path("one.png"), "--describe", description, "--draw", to("drawn.png")}, {"drawn.png"}});
}

#ifdef RIFFLE_TRAINER
TEST_F(Faults, train) {
  const std::string labels = folder.write("some-labels-idx1-ubyte", idx(8, {16}, Bytes(16, std::byte{1})));
  try_all({{"train",    "v2", "--flavour", "note",   "--width", "0.26",        "--size", "32x32", "--batch", "8",
            "--epochs", "1",  "--data",    images(), labels,    "--test-data", images(), labels,  "--out",   to("run")},
           {"run/best.riffle", "run/best.onnx"},
           {"run/last.checkpoint", "run/last.riffle", "run/metrics.csv", "run/curves.svg", "run/confusion.svg"},
           {"run/lock", "run/room_for_a_checkpoint"}},
          11);
}
#endif

/// A program may be started without any of its streams: what it opens must not take their places.
TEST_F(Faults, closed_streams) {
  const std::string from = model();
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const Command command{{"convert", from, to("m.onnx")}, {"m.onnx"}};
    learn(command);
    begin(command, true);
    const Result result = riffle(command.words, {}, [stream] { ::close(stream); });
    EXPECT_EQ(result.code, stream == STDOUT_FILENO ? 1 : 0);
    EXPECT_EQ(contains(result.err, "the standard output cannot be written"), stream == STDOUT_FILENO);
    EXPECT_TRUE(all_new(command, true));
  }
  // What fails is said to nobody, and to no file.
  const Result untold = riffle({"convert", folder.path("no.riffle"), to("m.onnx")}, {}, [] { ::close(STDERR_FILENO); });
  EXPECT_EQ(untold.code, 1);
}

}  // namespace
}  // namespace riffle::tests
