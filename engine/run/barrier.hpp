// The barrier between two steps.
#pragma once

#include <atomic>
#include <thread>

namespace riffle::run {

/// Steps are microseconds long, so that who waits spins; but not for ever: where there are more threads than free
/// cores, the one that is waited for needs the core of the one that waits.
class Barrier {
 public:
  /// Returns when all `workers` have called it; what they wrote before is seen by all after.
  void wait(int workers) {
    if (workers == 1) return;
    const unsigned phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == workers) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins) {
      if (spins < spins_before_yield) {
        relax();
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  static constexpr int spins_before_yield = 4000;  // some 50 microseconds: longer than most steps

  /// Tells the core that this is a spinning loop.
  static void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
  }

  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> phase_{0};
};

}  // namespace riffle::run
