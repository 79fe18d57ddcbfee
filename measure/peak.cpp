#include "measure/peak.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <limits>
#include <vector>

#include "engine/memory/aligned.hpp"
#include "engine/run/barrier.hpp"
#include "engine/run/workers.hpp"

namespace riffle::measure {

// RIFFLE_PEAKS is RIFFLE_PEAK(<isa>) for every instruction set in the binary.
#define RIFFLE_PEAK(isa) extern const Loops loops_##isa;
RIFFLE_PEAKS
#undef RIFFLE_PEAK

namespace {

using Clock = std::chrono::steady_clock;

constexpr double measured_seconds = 0.016;  // three times that is promised
constexpr double pass_seconds = 0.0005;     // long beside a barrier, short beside what disturbs

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// How often work() is to be called for a pass to take pass_seconds.
template <class Work>
std::int64_t calls_of_a_pass(Work&& work) {
  for (std::int64_t calls = 1;; calls *= 2) {
    const Clock::time_point start = Clock::now();
    for (std::int64_t i = 0; i < calls; ++i) work();
    if (seconds_since(start) >= pass_seconds) return calls;
  }
}

struct Pass {
  double seconds = 0;
  int workers = 1;  ///< as many as were asked for, or one where riffle is built without threads
};

/// The best pass of all threads: `calls` calls of work(worker, workers, sums) on each, started together.
template <class Work>
Pass best_pass(int threads, std::int64_t calls, Work&& work) {
  std::vector<double> seconds(static_cast<std::size_t>(threads));
  Pass result;
  run::Barrier barrier;
  // What is threads' own is the same on all of them: each sees all their seconds.
  const auto measure_passes = [&](int worker) {
    const int workers = result.workers;
    alignas(64) Sums sums = {};
    double best = std::numeric_limits<double>::infinity();
    for (double spent = 0; spent < measured_seconds;) {
      barrier.wait(workers);
      const Clock::time_point start = Clock::now();
      for (std::int64_t i = 0; i < calls; ++i) work(worker, workers, sums);
      seconds[static_cast<std::size_t>(worker)] = seconds_since(start);
      barrier.wait(workers);
      const double pass = *std::max_element(seconds.begin(), seconds.begin() + workers);
      best = std::min(best, pass);
      spent += pass;
    }
    if (worker == 0) result.seconds = std::max(best, 1e-9);
  };
  run::Workers others(threads - 1, {}, [&](int worker) { measure_passes(worker + 1); });
  result.workers += others.count();
  others.call();
  measure_passes(0);
  return result;
}

struct Buffer {
  explicit Buffer(std::int64_t bytes) : count(bytes / static_cast<std::int64_t>(sizeof(float))) {
    floats = memory::allocate<float>(count);
    std::fill_n(floats.get(), count, 0.0F);
  }
  memory::Aligned<float> floats;
  std::int64_t count = 0;
};

}  // namespace

const Loops* find_loops(std::string_view isa) {
#define RIFFLE_PEAK(name) \
  if (isa == #name) return &loops_##name;
  RIFFLE_PEAKS
#undef RIFFLE_PEAK
  return nullptr;
}

Limits measure(std::string_view isa, int threads, std::int64_t weight_bytes) {
  const Loops* loops = find_loops(isa);
  assert(loops != nullptr && threads >= 1);
  alignas(64) Sums sums = {};
  Limits limits;

  constexpr std::int64_t rounds = 64;
  std::int64_t calls = calls_of_a_pass([&] { loops->multiply_add(rounds, sums); });
  Pass pass = best_pass(threads, calls, [&](int, int, Sums& own) { loops->multiply_add(rounds, own); });
  limits.macs_per_second = static_cast<double>(calls * rounds * loops->macs * pass.workers) / pass.seconds;

  limits.activation_bytes = activation_buffer;
  {
    const Buffer buffer(threads * activation_buffer);
    const std::int64_t count = buffer.count / threads;
    calls = calls_of_a_pass([&] { loops->read(buffer.floats.get(), count, sums); });
    pass = best_pass(threads, calls, [&](int worker, int, Sums& own) {
      loops->read(buffer.floats.get() + worker * count, count, own);
    });
    limits.activation_bytes_per_second = static_cast<double>(calls * activation_buffer * pass.workers) / pass.seconds;
  }

  // Smaller ones stay where activations are.
  limits.weight_bytes = std::clamp(weight_bytes, activation_buffer, largest_buffer);
  limits.weight_bytes_per_second = limits.activation_bytes_per_second;
  if (limits.weight_bytes > activation_buffer) {
    const Buffer buffer(limits.weight_bytes);
    const std::int64_t blocks = buffer.count / read_block;
    calls = calls_of_a_pass([&] { loops->read(buffer.floats.get(), blocks / threads * read_block, sums); });
    pass = best_pass(threads, calls, [&](int worker, int workers, Sums& own) {
      const std::int64_t first = blocks * worker / workers, last = blocks * (worker + 1) / workers;
      loops->read(buffer.floats.get() + first * read_block, (last - first) * read_block, own);
    });
    limits.weight_bytes_per_second = static_cast<double>(calls * blocks * read_block) * sizeof(float) / pass.seconds;
  }
  return limits;
}

}  // namespace riffle::measure
