// What loading a model and running it takes of memory. A program of its own: what is measured are its forks, and it
// itself stays small.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "engine/format/format.hpp"
#include "engine/passes/passes.hpp"
#include "models/models.hpp"
#include "riffle/riffle.h"

namespace riffle {
namespace {

constexpr double mega = 1e6;

double peak_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

/// What f returns in a process of its own; negative if there is none, or it dies.
template <class F>
double in_a_process(F&& f) {
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    const double result = f();
    ::_exit(::write(ends[1], &result, sizeof result) == sizeof result ? 0 : 1);
  }
  ::close(ends[1]);
  double result = -1;
  if (::read(ends[0], &result, sizeof result) != sizeof result) result = -1;
  ::close(ends[0]);
  if (child > 0) ::waitpid(child, nullptr, 0);
  return result;
}

/// Writes V2 1.0 and returns the size of its file.
double save(const std::string& path, bool folded) {
  return in_a_process([&] {
    graph::Graph graph = models::shufflenet_v2({}, models::random_weights(1));
    if (folded) passes::optimise(graph);
    const std::vector<std::byte> bytes = format::save(graph);
    format::save_file(graph, path);
    return static_cast<double>(bytes.size());
  });
}

/// By how much the peak of memory grows when a file is loaded and run once.
double growth(const std::string& path) {
  return in_a_process([&] {
    std::vector<float> input(3 * 224 * 224, 0.5F), output(1000);
    const double before = peak_bytes();
    riffle_error error;
    riffle_model* model = nullptr;
    riffle_session* session = nullptr;
    if (riffle_model_load_file(path.c_str(), &model, &error) != RIFFLE_OK) return -1.0;
    if (riffle_session_create(model, nullptr, &session, &error) != RIFFLE_OK) return -1.0;
    if (riffle_session_run(session, input.data(), output.data(), 1, &error) != RIFFLE_OK) return -1.0;
    return peak_bytes() - before;
  });
}

/// A second copy of the weights would be the file's size more, 9 MB.
void expect_little_more_than_the_file(const char* name, bool folded) {
  const std::string path = ::testing::TempDir() + "riffle_memory_" + std::to_string(::getpid()) + name;
  const double file = save(path, folded), grown = growth(path);
  std::remove(path.c_str());
  ASSERT_GT(file, 8 * mega);
  ASSERT_GT(grown, file);             // those weights that are packed, and the classifier
  EXPECT_LT(grown, file + 5 * mega);  // 3.4 to 3.8 is usual; libraries' code counts, too
}

TEST(Memory, LoadingTakesLittleMoreThanTheFile) { expect_little_more_than_the_file("folded.riffle", true); }

TEST(Memory, FoldingBatchNormTakesNoCopyEither) { expect_little_more_than_the_file("trained.riffle", false); }

/// Lets this process grow by so many bytes and no more.
bool limit_growth(std::size_t bytes) {
  std::size_t pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return false;
  const bool read = std::fscanf(file, "%zu", &pages) == 1;
  std::fclose(file);
  const rlim_t most = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) + bytes;
  const rlimit limit{most, most};
  return read && ::setrlimit(RLIMIT_AS, &limit) == 0;
}

/// Is a session refused with these words where the process may grow by 64 MB, and can one that needs less be had then?
void expect_no_memory(const riffle_options& options, const char* words) {
  const std::string path = ::testing::TempDir() + "riffle_no_memory_" + std::to_string(::getpid()) + ".riffle";
  save(path, true);
  enum { refused, no_model, no_limit, another_status, other_words, nothing_afterwards };
  const double result = in_a_process([&]() -> double {
    riffle_error error;
    riffle_model* model = nullptr;
    riffle_session* session = nullptr;
    if (riffle_model_load_file(path.c_str(), &model, &error) != RIFFLE_OK) return no_model;
    if (!limit_growth(std::size_t{64} << 20)) return no_limit;
    if (riffle_session_create(model, &options, &session, &error) != RIFFLE_NO_MEMORY) return another_status;
    if (session != nullptr || std::strstr(error.message, words) == nullptr) return other_words;
    return riffle_session_create(model, nullptr, &session, &error) == RIFFLE_OK ? refused : nothing_afterwards;
  });
  std::remove(path.c_str());
  EXPECT_EQ(result, refused);
}

TEST(Memory, ThatTheSystemDoesNotGiveIsAStatus) {
  riffle_options options = {};
  options.height = options.width = 4096;
  expect_no_memory(options, "not enough memory for the ");
}

TEST(Memory, ThreadsThatTheSystemDoesNotGiveAreAStatus) {
  riffle_options options = {};
  options.threads = 256;
  expect_no_memory(options, " of 255 does not start: ");  // beside the caller
  options.cores = RIFFLE_CORES_BIG;
  expect_no_memory(options, " of 256 does not start: ");
}

}  // namespace
}  // namespace riffle
