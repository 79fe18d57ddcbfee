// riffle under mpiexec.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "io/picture.hpp"
#include "models/random.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

struct Said {
  int code = 0;
  std::string words;  ///< on both streams
};

class Ranks : public ::testing::Test {
 protected:
  Ranks() {
    // Open MPI's: root as any user, and more processes than cores, which do not spin while they wait.
    for (const char* name : {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                             "OMPI_MCA_rmaps_base_oversubscribe", "OMPI_MCA_mpi_yield_when_idle"}) {
      ::setenv(name, "1", 1);
    }
    // Containers may not let processes read one another's memory.
    ::setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 1);
    write_set("train", 40, 255);
    write_set("other", 40, 254);
    write_set("test", 13, 255);
  }

  /// Noise with a quarter of this brightness, whose place is the label.
  void write_set(const std::string& name, std::uint32_t count, int bright) const {
    constexpr std::uint32_t side = 12;
    Bytes pixels, labels;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto noise = models::random_values(1, std::to_string(i), side * side, {.centre = 90, .reach = 80});
      for (std::uint32_t p = 0; p < side * side; ++p) {
        const bool is_bright = p / side / 6 == i % 4 / 2 && p % side / 6 == i % 2;
        pixels.push_back(static_cast<std::byte>(is_bright ? bright : static_cast<int>(noise[p])));
      }
      labels.push_back(static_cast<std::byte>(i % 4));
    }
    folder.write(name + ".images", idx(8, {count, side, side}, pixels));
    folder.write(name + ".labels", idx(8, {count}, labels));
  }

  [[nodiscard]] std::string at(const std::string& name) const { return folder.path(name); }

  /// The words of one part of mpiexec's: so many ranks that train with `more`.
  [[nodiscard]] std::string train(int ranks, const std::string& more, const std::string& data = "train") const {
    return std::string(MPIEXEC_NUMPROC) + " " + std::to_string(ranks) +
           " '" RIFFLE_PROGRAM "' train v2 --flavour note " + "--width 0.26 --size 32x32 --data '" +
           at(data + ".images") + "' '" + at(data + ".labels") + "' --test-data '" + at("test.images") + "' '" +
           at("test.labels") + "' " + more;
  }
  [[nodiscard]] std::string out(const std::string& name) const { return " --out '" + at(name) + "'"; }

  Said run(const std::string& words) const {
    const int code = std::system((std::string("'" MPIEXEC "' ") + words + " >'" + at("said") + "' 2>&1").c_str());
    return {WEXITSTATUS(code), text("said")};
  }
  void expect_run(const std::string& words) const {
    const Said said = run(words);
    EXPECT_EQ(said.code, 0) << said.words;
  }

  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream file(at(name));
    std::stringstream words;
    words << file.rdbuf();
    return words.str();
  }
  [[nodiscard]] Bytes file(const std::string& name) const { return read_file(at(name), 1 << 26); }

  /// Of the last epoch in metrics.csv.
  [[nodiscard]] double train_loss(const std::string& run) const {
    std::istringstream lines(text(run + "/metrics.csv"));
    std::string line, word;
    for (std::string next; std::getline(lines, next);) line = next;
    std::istringstream words(line);
    for (int column = 0; column < 4; ++column) std::getline(words, word, ',');
    return std::strtod(word.c_str(), nullptr);
  }

  Folder folder;
};

TEST_F(Ranks, synchronised_they_have_the_losses_of_one_process) {
  // With a rate at which weights stay where they are: losses of networks as small as this part from one another.
  const std::string calm = " --epochs 1 --lr 1e-7 --sync-batch-norm --batch ";
  expect_run(train(1, calm + "12" + out("1")));
  for (const int ranks : {2, 3, 4}) {
    const std::string name = std::to_string(ranks);
    expect_run(train(ranks, calm + std::to_string(12 / ranks) + out(name)));
    EXPECT_NEAR(train_loss(name) / train_loss("1"), 1, 1e-4) << ranks;
    EXPECT_TRUE(contains(text("said"), "all        13 "));  // pictures that were tested
  }
}

TEST_F(Ranks, the_same_run_has_the_same_bits_and_says_everything_once) {
  for (const std::string name : {"a", "b"}) expect_run(train(3, "--epochs 3 --batch 4" + out(name)));
  EXPECT_EQ(file("a/last.riffle"), file("b/last.riffle"));
  const std::string said = text("said");
  for (const std::string once : {"40 images to train on", "3 ranks, 1 batch of 4 on each: 12 pictures a step",
                                 "epoch 1: ", "best test accuracy "}) {
    const std::size_t found = said.find(once);
    EXPECT_NE(found, std::string::npos) << once;
    EXPECT_EQ(said.find(once, found + 1), std::string::npos) << once;
  }
}

TEST_F(Ranks, a_checkpoint_goes_on_on_other_ranks_with_as_many_pictures_a_step) {
  expect_run(train(2, "--epochs 1 --batch 4" + out("run")));
  const Said other = run(train(1, "--epochs 2 --batch 4 --resume" + out("run")));
  EXPECT_EQ(other.code, 1);
  EXPECT_TRUE(contains(other.words, "pictures a step (--batch x ranks x --accumulate): 8, not 4"));
  for (const auto& [ranks, batch] : {std::pair{1, "--batch 8"}, {1, "--batch 4 --accumulate 2"}, {4, "--batch 2"}}) {
    std::filesystem::remove_all(at("copy"));
    std::filesystem::copy(at("run"), at("copy"));
    expect_run(train(ranks, std::string("--epochs 2 --resume ") + batch + out("copy")));
  }
}

TEST_F(Ranks, a_scaled_rate_is_what_is_trained_with) {
  expect_run(train(2, "--epochs 5 --batch 4 --accumulate 2 --lr 0.001 --scale-lr" + out("scaled")));
  EXPECT_TRUE(contains(text("said"), "2 ranks, 2 batches of 4 on each: 16 pictures a step, learning rate 0.004"));
  expect_run(train(2, "--epochs 5 --batch 4 --accumulate 2 --lr 0.004 --warmup 1" + out("same")));
  EXPECT_EQ(file("scaled/last.riffle"), file("same/last.riffle"));
}

TEST_F(Ranks, what_differs_is_refused_before_the_first_step) {
  const auto refuses = [&](const std::string& words, const std::string& message) {
    const Said said = run(words);
    EXPECT_NE(said.code, 0);
    EXPECT_TRUE(contains(said.words, message));
    EXPECT_EQ(said.words.find("riffle: "), said.words.rfind("riffle: ")) << said.words;
    EXPECT_FALSE(std::filesystem::exists(at("refused/last.checkpoint")));
  };
  const std::string usual = "--batch 4" + out("refused");
  refuses(train(1, usual) + " : " + train(1, "--lr 0.01 " + usual),
          "riffle: rank 1: it has --lr 0.01, and rank 0 has --lr 0.001");
  refuses(train(2, usual) + " : " + train(1, usual, "other"), "riffle: rank 2: it has training images of checksum ");
  refuses(train(1, usual) + " : " + train(1, usual, "none"), "riffle: rank 1: " + at("none.images"));
  refuses(train(2, usual, "none"), "riffle: " + at("none.images"));
  refuses(train(2, "--epochs 0 " + usual), "riffle: --epochs: '0' is not a whole number");
  folder.write("file", bytes_of("text"));
  refuses(train(2, "--batch 4" + out("file/run")), "riffle: rank 0: " + at("file/run"));
}

TEST_F(Ranks, they_share_a_list_of_pictures_and_one_prints_what_one_process_prints) {
  expect_run(train(1, "--epochs 1 --batch 8" + out("run")));
  std::string pictures;
  for (int i = 0; i < 7; ++i) {
    const std::string name = "picture" + std::to_string(i) + ".jpg";
    folder.write(name, i == 4 ? bytes_of("no picture") : jpeg({.color = {static_cast<std::uint8_t>(30 * i)}}));
    pictures += " '" + at(name) + "'";
  }
  const auto classify = [&](int ranks, const std::string& what) {
    const std::string words = "'" RIFFLE_PROGRAM "' classify '" + at("run/best.riffle") + "' " + what;
    const std::string mpi = "'" MPIEXEC "' " MPIEXEC_NUMPROC " " + std::to_string(ranks) + " ";
    const int code =
        std::system(((ranks == 0 ? words : mpi + words) + " >'" + at("said") + "' 2>'" + at("err") + "'").c_str());
    return Said{WEXITSTATUS(code), text("said")};
  };
  const Said one = classify(0, pictures);
  const std::string err = text("err");
  EXPECT_EQ(one.code, 1);
  EXPECT_TRUE(contains(one.words, "picture6.jpg"));
  EXPECT_TRUE(contains(err, "1 of 7 pictures cannot be read"));
  for (const int ranks : {2, 3, 9}) {
    const Said shared = classify(ranks, pictures);
    EXPECT_EQ(shared.words, one.words) << ranks;
    EXPECT_NE(shared.code, 0);
    EXPECT_TRUE(contains(text("err"), err.substr(0, err.find('\n'))));
  }
  const std::string idx_pair = "--idx '" + at("test.images") + "' '" + at("test.labels") + "'";
  const std::string right = classify(0, idx_pair).words;
  EXPECT_EQ(classify(3, idx_pair).words.substr(0, right.find(',')), right.substr(0, right.find(',')));
}

/// A detector of one kind of thing: a cell of 8 x 8 pixels is one where it is red.
std::vector<std::string> detector(const Folder& folder) {
  graph::Graph graph;
  const graph::NodeId input = graph.add("pixels", graph::Input{{32, 32, 3}});
  graph::Convolution convolution;
  convolution.outputs = 5;
  convolution.window = {.kernel_h = 8, .kernel_w = 8, .stride_h = 8, .stride_w = 8};
  std::vector<float> weights(5 * 3 * 64);
  std::fill_n(weights.begin(), 64, 1.0F / 64);
  convolution.weights = graph::Constant(std::move(weights));
  convolution.bias = graph::Constant({0, 0.5F, 0.5F, 1, 1});
  graph.outputs = {{graph.add("out", std::move(convolution), {input})}};
  format::save_file(graph, folder.path("detector.riffle"));
  folder.write("detector.json", bytes_of(R"({"task": "detect", "labels": ["thing"], "resize": {"antialias": false},
    "levels": [{"stride": 8, "scores": {"output": "out", "count": 1}, "boxes": {"output": "out", "first": 1, "count": 4}}],
    "mappings": {"position": {"unit": "cell"}, "size": {"unit": "cell"}}})"));
  return {folder.path("detector.riffle"), "--describe", folder.path("detector.json")};
}

TEST_F(Ranks, they_share_pictures_that_are_searched) {
  std::string words = "'" RIFFLE_PROGRAM "' detect";
  for (const std::string& word : detector(folder)) words += " '" + word + "'";
  for (int i = 0; i < 5; ++i) {
    const std::string name = at("picture" + std::to_string(i) + ".png");
    io::Picture picture = {32, 32, 3, std::vector<std::uint8_t>(32 * 32 * 3)};
    for (std::size_t p = 0; p < 8; ++p) {  // as many red cells, in a row each, as the picture's number
      for (int y = 0; y < 8 * i; ++y) picture.pixels[3 * (static_cast<std::size_t>(y) * 32 + p)] = 255;
    }
    io::write_png(name, picture);
    words += " '" + name + "'";
  }
  for (const std::string json : {"", " --json"}) {
    const auto detect = [&](const std::string& before) {
      EXPECT_EQ(WEXITSTATUS(std::system((before + words + json + " >'" + at("said") + "' 2>&1").c_str())), 0);
      return text("said");
    };
    const std::string one = detect("");
    EXPECT_TRUE(contains(one, "picture4.png"));
    for (const int ranks : {2, 7}) {
      EXPECT_EQ(detect("'" MPIEXEC "' " MPIEXEC_NUMPROC " " + std::to_string(ranks) + " "), one) << ranks;
    }
  }
}

TEST_F(Ranks, they_share_the_pictures_that_calibrate_and_write_what_one_process_writes) {
  expect_run(train(1, "--epochs 1 --batch 8" + out("run")));
  const auto words = [&](const std::string& model, const std::string& data, const std::string& more) {
    return "'" RIFFLE_PROGRAM "' quantize '" + at("run/best.riffle") + "' '" + at(model) + "' --calibrate '" +
           at(data) + "' " + more;
  };
  const std::string labels = "--labels '" + at("train.labels") + "' --calibration 25 --max-loss 0.1";
  for (const std::string& more : {labels, std::string("--pixels --method percentile")}) {
    const auto one = [&] {
      EXPECT_EQ(std::system((words("q.riffle", "train.images", more) + " >'" + at("said") + "' 2>&1").c_str()), 0);
      return std::pair(text("said"), file("q.riffle"));
    }();
    EXPECT_TRUE(contains(one.first, "calibrated on "));
    for (const std::string ranks : {"2", "3"}) {
      std::filesystem::remove(at("q.riffle"));
      const Said said = run(MPIEXEC_NUMPROC " " + ranks + " " + words("q.riffle", "train.images", more));
      EXPECT_EQ(said.code, 0);
      EXPECT_EQ(said.words, one.first);
      EXPECT_EQ(file("q.riffle"), one.second) << ranks;
    }
  }

  const std::string three = MPIEXEC_NUMPROC " 3 ", two = MPIEXEC_NUMPROC " 2 ";
  const auto refuses = [&](const std::string& job, const std::string& message) {
    const Said said = run(job);
    EXPECT_NE(said.code, 0);
    EXPECT_TRUE(contains(said.words, message));
    EXPECT_EQ(said.words.find("riffle: "), said.words.rfind("riffle: ")) << said.words;
    EXPECT_FALSE(std::filesystem::exists(at("refused.riffle")));
  };
  const std::string usual = words("refused.riffle", "train.images", "");
  refuses(two + usual + " : " MPIEXEC_NUMPROC " 1 " + words("refused.riffle", "train.images", "--method mse"),
          "riffle: rank 2: it has --method mse, and rank 0 has --method best");
  refuses(two + usual + " : " MPIEXEC_NUMPROC " 1 " + words("refused.riffle", "test.images", ""),
          "riffle: rank 2: it has this many pictures: 13, and rank 0 has this many pictures: 40");
  refuses(three + words("refused.riffle", "none.images", ""), "riffle: " + at("none.images"));
  std::filesystem::create_directory(at("pictures"));
  for (int i = 0; i < 9; ++i) {
    const auto color = static_cast<std::uint8_t>(25 * i);
    folder.write("pictures/" + std::to_string(i) + ".jpg", i == 3 ? bytes_of("none") : jpeg({.color = {color}}));
  }
  refuses(three + words("refused.riffle", "pictures", ""), "riffle: rank 1: " + at("pictures/3.jpg"));
}

/// Processes that have a folder's name among their arguments.
std::vector<pid_t> processes_of(const std::string& folder) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t process = std::atoi(entry.path().filename().c_str());
    std::ifstream file(entry.path() / "cmdline");
    std::stringstream words;
    words << file.rdbuf();
    if (process > 0 && words.str().starts_with(RIFFLE_PROGRAM) && words.str().find(folder) != std::string::npos) {
      found.push_back(process);
    }
  }
  return found;
}

TEST_F(Ranks, one_that_dies_ends_all_and_the_run_goes_on_from_the_checkpoint) {
  const std::string options = "--batch 4 --checkpoint-every 3";
  const pid_t job = ::fork();
  if (job == 0) {
    const std::string words = std::string("exec '" MPIEXEC "' ") + train(3, options + " --epochs 100000" + out("run")) +
                              " >'" + at("said") + "' 2>&1";
    ::execl("/bin/sh", "sh", "-c", words.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  std::vector<pid_t> ranks;
  for (int i = 0; i < 6000 && (ranks.size() < 3 || !std::filesystem::exists(at("run/last.checkpoint"))); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ranks = processes_of(at("run"));
  }
  ASSERT_EQ(ranks.size(), 3U) << text("said");
  const auto before = std::chrono::steady_clock::now();
  ::kill(ranks[1], SIGKILL);
  int status = 0;
  ::waitpid(job, &status, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(contains(text("said"), "signal 9"));
  EXPECT_TRUE(processes_of(at("run")).empty());

  std::istringstream lines(text("run/metrics.csv"));
  int epochs = 0;
  for (std::string line; std::getline(lines, line);) ++epochs;  // one more than are done: the header
  const std::string all = " --epochs " + std::to_string(epochs + 1);
  expect_run(train(3, options + all + " --resume" + out("run")));
  expect_run(train(3, options + all + out("whole")));
  EXPECT_EQ(file("run/last.riffle"), file("whole/last.riffle"));
}

}  // namespace
}  // namespace riffle::tests
