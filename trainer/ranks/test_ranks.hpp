// Ranks as threads of one process: for tests. Each is late at random, by a seed, so that a test may try other timings.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/graph/graph.hpp"
#include "riffle/ranks.hpp"
#include "trainer/data/random.hpp"

namespace riffle::tests {

class ThreadRanks final : public training::Ranks {
 public:
  /// What the ranks of a group share.
  struct Group {
    explicit Group(int count) : size(count), given(static_cast<std::size_t>(count)) {}

    /// Returns when all ranks have called it. Throws where one has ended.
    void wait() {
      std::unique_lock lock(mutex);
      const int own_phase = phase;
      if (++arrived == size) {
        arrived = 0;
        ++phase;
        all_here.notify_all();
        return;
      }
      all_here.wait(lock, [&] { return phase != own_phase || ended; });
      if (phase == own_phase) throw Error("another rank has ended");
    }
    void end() {
      const std::lock_guard lock(mutex);
      ended = true;
      all_here.notify_all();
    }

    const int size;
    std::vector<const void*> given;  ///< by rank
    std::mutex mutex;
    std::condition_variable all_here;
    int arrived = 0, phase = 0;
    bool ended = false;
  };

  ThreadRanks(Group& group, int rank, std::uint64_t seed)
      : group_(group), rank_(rank), late_(seed, trainer::Purpose::order, rank) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return group_.size; }
  void sum(std::span<double> values) override { sum_in_order(values); }
  /// The sums are known at once, and given when they are asked for: until then the values are no numbers.
  void begin_sum(std::span<float> values) override {
    sums_.push_back({values, {values.begin(), values.end()}});
    sum_in_order(std::span(sums_.back().sums));
    std::fill(values.begin(), values.end(), std::numeric_limits<float>::quiet_NaN());
  }
  void finish_sums() override {
    for (const UnderWay& one : sums_) std::copy(one.sums.begin(), one.sums.end(), one.values.begin());
    sums_.clear();
  }
  void broadcast(std::span<std::byte> bytes, int root) override {
    exchange(bytes.data(), [&] {
      if (rank_ != root) std::memcpy(bytes.data(), group_.given[static_cast<std::size_t>(root)], bytes.size());
    });
  }

 private:
  struct UnderWay {
    std::span<float> values;
    std::vector<float> sums;
  };

  template <class T>
  void sum_in_order(std::span<T> values) {
    std::vector<T> sums(values.size());
    exchange(values.data(), [&] {
      for (const void* given : group_.given) {
        for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<const T*>(given)[i];
      }
    });
    std::copy(sums.begin(), sums.end(), values.begin());
  }

  /// Gives the others `own`, takes what they give, and goes on when all have done so.
  void exchange(const void* own, const std::function<void()>& take) {
    std::this_thread::sleep_for(std::chrono::microseconds(late_.below(50)));
    group_.given[static_cast<std::size_t>(rank_)] = own;
    group_.wait();
    take();
    group_.wait();
  }

  Group& group_;
  int rank_;
  trainer::Random late_;
  std::vector<UnderWay> sums_;
};

/// Calls f(ranks) on `size` threads; returns what each threw, or "" for it.
inline std::vector<std::string> on_ranks(int size, const std::function<void(training::Ranks&)>& f,
                                         std::uint64_t seed = 0) {
  ThreadRanks::Group group(size);
  std::vector<std::string> thrown(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadRanks ranks(group, rank, seed);
      try {
        f(ranks);
      } catch (const std::exception& error) {
        thrown[static_cast<std::size_t>(rank)] = error.what();
        group.end();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return thrown;
}

}  // namespace riffle::tests
