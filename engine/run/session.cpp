#include "engine/run/session.hpp"

#include <algorithm>
#include <chrono>
#include <new>

#include "engine/plan/storage.hpp"
#include "engine/run/barrier.hpp"
#include "engine/run/team.hpp"

namespace riffle::run {
namespace {

constexpr std::int64_t line_floats = plan::cache_line / sizeof(float);

/// Worker w's share of n tiles.
kernels::TileRange share(std::int32_t n, int w, int workers) {
  return {static_cast<std::int32_t>(share_begin(n, w, workers)),
          static_cast<std::int32_t>(share_begin(n, w + 1, workers))};
}

}  // namespace

/// What the steps share, and behind it each worker's own rows.
struct Session::Arena {
  plan::AlignedFloats floats;
  std::int64_t rows_begin = 0, rows_each = 0;

  kernels::Memory memory(const float* input, float* output, int worker) const {
    return {floats.get(), input, output, floats.get() + rows_begin + worker * rows_each};
  }
};

Session::Session(std::shared_ptr<const plan::Plan> plan, int threads)
    : plan_(std::move(plan)), arena_(std::make_unique<Arena>()), threads_(threads < 1 ? 1 : threads) {
#ifndef _OPENMP
  threads_ = 1;
#endif
  const auto whole_lines = [](std::int64_t floats) { return (floats + line_floats - 1) / line_floats * line_floats; };
  arena_->rows_begin = whole_lines(plan_->arena_floats);
  arena_->rows_each = whole_lines(plan_->rows_floats);
  const std::int64_t floats = arena_->rows_begin + threads_ * arena_->rows_each;
  const std::int64_t bytes = floats * static_cast<std::int64_t>(sizeof(float));
  try {
    arena_->floats = plan::allocate_floats(static_cast<std::size_t>(floats));
  } catch (const std::bad_alloc&) {
    throw Error("not enough memory for the " + std::to_string(bytes >> 20) + " MiB that '" + plan_->name +
                "' works in");
  }
  // Pages are touched now, so that the first inference does not pay for them, and what kernels over-read is a number.
  const std::span<float> all(arena_->floats.get(), static_cast<std::size_t>(floats));
  memory::make_present(std::as_writable_bytes(all));
  std::fill(all.begin(), all.end(), 0.0F);
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

void Session::run(const float* input, float* output, std::int64_t batch) noexcept {
  const std::int64_t in_size = plan_->input.size(), out_size = plan_->output.size();
  Barrier barrier;
  on_team(threads_, [&](int worker, int workers) {
    for (std::int64_t image = 0; image < batch; ++image) {
      const kernels::Memory memory = arena_->memory(input + image * in_size, output + image * out_size, worker);
      for (const plan::Step& step : plan_->steps) {
        step.run(memory, share(step.tiles, worker, workers));
        barrier.wait(workers);
      }
    }
  });
}

void Session::run_profiled(const float* input, float* output, double* step_seconds) noexcept {
  using Clock = std::chrono::steady_clock;
  Barrier barrier;
  on_team(threads_, [&](int worker, int workers) {
    const kernels::Memory memory = arena_->memory(input, output, worker);
    barrier.wait(workers);
    Clock::time_point before = Clock::now();
    for (std::size_t i = 0; i < plan_->steps.size(); ++i) {
      plan_->steps[i].run(memory, share(plan_->steps[i].tiles, worker, workers));
      barrier.wait(workers);
      const Clock::time_point after = Clock::now();
      if (worker == 0) step_seconds[i] = std::chrono::duration<double>(after - before).count();
      before = after;
    }
  });
}

int available_threads() {
#ifdef _OPENMP
  return omp_get_num_procs();
#else
  return 1;
#endif
}

}  // namespace riffle::run
