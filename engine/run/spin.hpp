// Waiting for what another thread is about to do.
#pragma once

#include <thread>

namespace riffle::run {

/// Steps are microseconds long, so that who waits spins; but not for ever: where there are more threads than free
/// cores, the one that is waited for needs the core of the one that waits.
class Spin {
 public:
  /// Once a turn of the loop that waits.
  void wait() {
    if (tired()) {
      std::this_thread::yield();
    } else {
      ++spins_;
      relax();
    }
  }

  /// Has it been so long that others should have the core?
  [[nodiscard]] bool tired() const { return spins_ >= spins_before_yield; }

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

  int spins_ = 0;
};

}  // namespace riffle::run
