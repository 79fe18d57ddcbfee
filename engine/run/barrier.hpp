// A place where threads wait for one another.
#pragma once

#include <atomic>

#include "engine/run/spin.hpp"

namespace riffle::run {

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
    for (Spin spin; phase_.load(std::memory_order_acquire) == phase;) spin.wait();
  }

 private:
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> phase_{0};
};

}  // namespace riffle::run
