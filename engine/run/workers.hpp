// Threads of a session's own.
//
// Not OpenMP's: those are shared with whatever else in the process uses it, so that who pins one of them pins others'
// work, too; a program ends where one of them cannot be had; and a child of fork() waits for ever for them.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

namespace riffle::run {

/// Threads that wait, spinning briefly and then asleep, to be called to work.
class Workers {
 public:
  /// Starts `count` threads, 0 or more (in a build without threads none), and waits until they run. Where there are as
  /// many cores as workers, each has one for itself; or else each may run on any of them, as the system sees fit, or
  /// anywhere where there are none. Work is called as work(worker), on the worker's thread, and does not throw. Throws
  /// Exhausted where the threads cannot be had.
  Workers(int count, std::vector<int> cores, std::function<void(int)> work);

  /// Joins the threads.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Has every worker call work() once. One that is still at it from an earlier call, or that did not get the core in
  /// time, makes up for both by one call. Does not wait. What was written before is seen by the workers. False if there
  /// are none.
  ///
  /// A child of fork() has none of its parent's threads. The first call in it starts the child's own; where they cannot
  /// be had, there are none from then on.
  bool call() noexcept;

  /// How many there are.
  [[nodiscard]] int count() const { return static_cast<int>(running_); }

  /// Did all of them get the cores? False if there are none.
  [[nodiscard]] bool pinned() const { return pinned_; }

 private:
  /// Not a std::thread: that of a thread which did not outlive fork() can be neither joined nor destroyed.
  struct Thread {
    Workers* workers;
    int number;
    pthread_t handle;
  };

  void start();
  void stop() noexcept;
  void loop(int worker) noexcept;

  std::function<void(int)> work_;
  std::vector<int> cores_;
  std::vector<Thread> threads_;
  std::size_t running_ = 0;  ///< of threads_, the first ones
  std::uint32_t forks_ = 0;  ///< before they were started
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<std::uint32_t> calls_{0};
  std::atomic<std::uint32_t> ready_{0}, on_their_cores_{0};
  bool pinned_ = false;
};

}  // namespace riffle::run
