// A session: one arena and a number of threads, running a plan.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/plan/plan.hpp"

namespace riffle::run {

struct SessionOptions {
  int threads = 1;  ///< at least 1; in a build without threads it is 1

  /// CPU numbers. If cores.size() == threads, thread i is pinned to cores[i]; otherwise any thread may run on any of
  /// them; the thread that calls run() waits. Empty: the caller's thread is one of the session's, and the system places
  /// all of them. cores.hpp knows the big and the little ones.
  std::vector<int> cores = {};

  /// The caller's memory to work in, of at least Session::memory_bytes() bytes, 64-byte aligned, which outlives the
  /// session and is used by nothing else. Empty: the session allocates.
  std::span<std::byte> memory = {};
};

/// What one worker did of one step, from its first chunk's beginning to its last one's end. Of no tiles where it came
/// too late for any.
struct TraceSlice {
  std::chrono::steady_clock::time_point begin, end;
  std::int32_t tiles = 0;
};

/// Many sessions may run one plan at the same time; one session runs one inference at a time. Results do not depend
/// on the number of threads, nor on their cores: not a bit.
///
/// A child of fork() may run and destroy the sessions of its parent, but for those that were at work. It has threads of
/// its own from a session's first run on, or the thread that calls where the system gives it none.
class Session {
 public:
  /// Throws Exhausted if there is not enough memory or threads cannot be had, Error if the caller's memory is too small
  /// or not aligned.
  /// Cores that cannot be had are no error: see pinned().
  Session(std::shared_ptr<const plan::Plan> plan, const SessionOptions& options);
  explicit Session(std::shared_ptr<const plan::Plan> plan, int threads = 1)
      : Session(std::move(plan), SessionOptions{.threads = threads}) {}
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// The memory that a session on so many threads works in.
  static std::int64_t memory_bytes(const plan::Plan& plan, int threads);

  /// inputs[i]: batch images of plan().inputs[i], planes (N, C, H, W) of numbers of its type, at a multiple of their
  /// size; outputs[o]: room for as many of plan().outputs[o]. No output overlaps anything else; inputs may be one and
  /// the same. Allocates nothing, but for a thread's stack in a child of fork().
  void run(const void* const* inputs, void* const* outputs, std::int64_t batch = 1) noexcept;
  /// The same of a network that has one input and one output, both f32.
  void run(const float* input, float* output, std::int64_t batch = 1) noexcept;

  /// As run() for one image; writes each step's seconds (step_seconds has plan().steps.size() entries).
  void run_profiled(const void* const* inputs, void* const* outputs, double* step_seconds) noexcept;
  void run_profiled(const float* input, float* output, double* step_seconds) noexcept;

  /// As run() for one image; writes what each worker did of each step to slices[worker * steps + step], of threads() *
  /// plan().steps.size() entries. Worker 0 is the calling thread, unless the session was given cores.
  void run_traced(const void* const* inputs, void* const* outputs, TraceSlice* slices) noexcept;

  [[nodiscard]] const plan::Plan& plan() const;
  [[nodiscard]] int threads() const;

  /// Do all threads run on the cores that were asked for? A core that is offline, or a system that does not allow it,
  /// leaves them unpinned.
  [[nodiscard]] bool pinned() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace riffle::run
