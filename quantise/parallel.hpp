// A loop on several threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <vector>

namespace riffle::quantise {

/// Calls f(i, worker) for each i below `count`, in any order; `worker` is less than `threads`. What f throws is thrown
/// again once all are done.
template <class F>
void for_each_index(std::int64_t count, int threads, F&& f) {
  std::atomic<std::int64_t> next = 0;
  const auto work = [&](int worker) {
    for (std::int64_t i = next++; i < count; i = next++) f(i, worker);
  };
  std::vector<std::future<void>> others;  // whose destructors wait
  for (int worker = 1; worker < threads && worker < count; ++worker) {
    others.push_back(std::async(std::launch::async, work, worker));
  }
  work(0);
  for (std::future<void>& other : others) other.get();
}

}  // namespace riffle::quantise
