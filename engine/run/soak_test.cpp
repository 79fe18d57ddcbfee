// Threads that load models and make, run and free sessions, all at the same time, as an app's might, and afterwards no
// more memory is in use than before. Meant for the thread and the address sanitizer; RIFFLE_SOAK_SECONDS says how long,
// RIFFLE_SOAK_THREADS on how many threads.
#include <gtest/gtest.h>
#include <unistd.h>

#if defined(RIFFLE_SANITIZED)
#include <sanitizer/allocator_interface.h>
#elif defined(__GLIBC__)
#include <malloc.h>
#endif

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "engine/format/format.hpp"
#include "kernels/kernels.hpp"
#include "riffle/riffle.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

using Clock = std::chrono::steady_clock;

double from_environment(const char* name, double otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::atof(text) : otherwise;
}

/// Bytes that are allocated and not yet given back; 0 where nobody tells.
std::size_t bytes_in_use() {
#if defined(RIFFLE_SANITIZED)
  return __sanitizer_get_current_allocated_bytes();
#elif defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

/// A cache line's start, as riffle_options.memory has to be.
struct alignas(64) Line {
  std::byte bytes[64];
};

class Soak : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "riffle_soak_" + std::to_string(::getpid()) + ".riffle";
    const graph::Graph network = testing::small_network();
    format::save_file(network, path_);
    bytes_ = format::save(network);
    input_ = testing::noise(3 * 64 * 64, 4);
    for (std::size_t i = 0; riffle_cpu_isa(i) != nullptr; ++i) isas_.push_back(riffle_cpu_isa(i));
    const Model model(path_);
    for (const char* isa : isas_) {
      riffle_options options = {};
      options.isa = isa;
      expected_.emplace_back(10);
      Session(model, options).run(input_, expected_.back());
    }
  }
  void TearDown() override { std::remove(path_.c_str()); }

  /// One life of a session: some options, a run or two, and that its results are the ones of a session that is alone.
  void live_once(const Model& model, std::minstd_rand& random) const {
    const std::size_t isa = random() % isas_.size();
    riffle_options options = {};
    options.isa = isas_[isa];
    options.threads = static_cast<std::int32_t>(1 + random() % 3);
    options.cores = static_cast<riffle_cores>(random() % 3);
    // The log is called in the thread that makes the session, and only while it does.
    int told = 0;
    options.log_user = &told;
    options.log = [](void* user, riffle_log_level, const char*) { ++*static_cast<int*>(user); };
    std::vector<Line> memory;
    if (random() % 2 == 0) {
      memory.resize((model.session_memory(options) + sizeof(Line) - 1) / sizeof(Line));
      options.memory = memory.data();
      options.memory_bytes = memory.size() * sizeof(Line);
    }
    Session session(model, options);
    EXPECT_GE(told, 1);
    for (std::uint_fast32_t runs = 1 + random() % 3; runs > 0; --runs) {
      std::vector<float> output(10);
      session.run(input_, output);
      EXPECT_EQ(output, expected_[isa]) << options.isa;
    }
  }

  /// So many threads for so long; returns how many sessions lived.
  int live(const Model& shared, int threads, double seconds) const {
    const Clock::time_point end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    std::atomic<int> lives = 0;
    std::vector<std::thread> workers;
    for (int worker = 0; worker < threads; ++worker) {
      workers.emplace_back([&, worker] {
        std::minstd_rand random(static_cast<unsigned>(worker) + 1);
        do {
          switch (random() % 3) {
            case 0:
              live_once(shared, random);
              break;
            case 1:
              live_once(Model(path_), random);
              break;
            default:
              live_once(Model(std::span<const std::byte>(bytes_)), random);
              break;
          }
          ++lives;
        } while (Clock::now() < end && !HasFailure());
      });
    }
    for (std::thread& worker : workers) worker.join();
    return lives;
  }

  std::string path_;
  std::vector<std::byte> bytes_;
  std::vector<float> input_;
  std::vector<const char*> isas_;
  std::vector<std::vector<float>> expected_;  ///< by isas_
};

TEST_F(Soak, ThreadsLoadRunAndFreeSideBySide) {
  const Model shared(path_);
  const int threads = static_cast<int>(from_environment("RIFFLE_SOAK_THREADS", 4));
  const double seconds = from_environment("RIFFLE_SOAK_SECONDS", 1);
  constexpr int rounds = 5;
  constexpr std::size_t slack = 64 << 10;  // of the standard library's and the system's own, a thread more or less
  int lives = live(shared, threads, seconds / rounds);  // until what is allocated once is there
  const std::size_t before = bytes_in_use();
  for (int round = 1; round < rounds && !HasFailure(); ++round) lives += live(shared, threads, seconds / rounds);
  EXPECT_GE(lives, rounds * threads);
  EXPECT_LE(bytes_in_use(), before + slack);
  std::printf("%d sessions on %d threads; bytes in use before and after: %zu, %zu\n", lives, threads, before,
              bytes_in_use());
}

}  // namespace
}  // namespace riffle
