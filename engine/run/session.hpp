// A session: one arena and a number of threads, running a plan.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/plan/plan.hpp"

namespace riffle::run {

/// Many sessions may run one plan at the same time; one session runs one inference at a time. Results do not depend
/// on the number of threads: not a bit.
class Session {
 public:
  /// Allocates the arena. threads: at least 1; without OpenMP it is 1. Throws Error if there is not enough memory.
  explicit Session(std::shared_ptr<const plan::Plan> plan, int threads = 1);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// input: batch images of plan().input in NCHW; output: batch results of plan().output in NCHW. The two do not
  /// overlap. Allocates nothing.
  void run(const float* input, float* output, std::int64_t batch = 1) noexcept;

  /// As run() for one image; writes each step's seconds (step_seconds has plan().steps.size() entries).
  void run_profiled(const float* input, float* output, double* step_seconds) noexcept;

  [[nodiscard]] const plan::Plan& plan() const { return *plan_; }
  [[nodiscard]] int threads() const { return threads_; }

 private:
  struct Arena;
  std::shared_ptr<const plan::Plan> plan_;
  std::unique_ptr<Arena> arena_;
  int threads_ = 1;
};

/// The number of cores that this process may use.
int available_threads();

}  // namespace riffle::run
