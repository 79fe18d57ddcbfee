// Threads of one's own, pinned to cores.
//
// OpenMP's threads are shared with whatever else in the process uses OpenMP: whoever pins one of them pins others'
// work, too.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <thread>
#include <vector>

namespace riffle::run {

/// Threads that wait, spinning briefly and then asleep, to be called to work.
class Workers {
 public:
  /// Starts `count` threads and waits until they run. Where there are as many cores as workers, each has one for
  /// itself; or else each may run on any of them, as the system sees fit, or anywhere where there are none. Work is
  /// called as work(worker), on the worker's thread, and does not throw. Throws Exhausted where the threads cannot be
  /// had.
  Workers(int count, std::span<const int> cores, std::function<void(int)> work);

  /// Joins the threads.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Has every worker call work() once. One that is still at it from an earlier call, or that did not get the core in
  /// time, makes up for both by one call. Does not wait. What was written before is seen by the workers.
  void call() noexcept;

  /// Did all of them get the cores? False if there are none.
  [[nodiscard]] bool pinned() const { return pinned_; }

 private:
  void loop(int worker, std::span<const int> cores) noexcept;
  void stop() noexcept;

  std::function<void(int)> work_;
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<std::uint32_t> calls_{0};
  std::atomic<std::uint32_t> ready_{0}, on_their_cores_{0};
  bool pinned_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace riffle::run
