#include "engine/run/session.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>

#include "base/arithmetic.hpp"
#include "base/error.hpp"
#include "engine/memory/aligned.hpp"
#include "engine/memory/pages.hpp"
#include "engine/run/cores.hpp"
#include "engine/run/dispenser.hpp"
#include "engine/run/spin.hpp"
#include "engine/run/workers.hpp"

namespace riffle::run {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t line_bytes = memory::cache_line;

std::int64_t whole_lines(std::int64_t bytes) { return (bytes + line_bytes - 1) / line_bytes * line_bytes; }

int usable_threads([[maybe_unused]] int wanted) {
#ifdef RIFFLE_HAS_THREADS
  return std::max(wanted, 1);
#else
  return 1;
#endif
}

/// How many of the workers are threads of the session's own: on cores that were asked for, all of them, for the
/// caller's thread is not to be bound; else all but the caller.
int own_threads([[maybe_unused]] const SessionOptions& options) {
#ifdef RIFFLE_HAS_THREADS
  return options.cores.empty() ? usable_threads(options.threads) - 1 : usable_threads(options.threads);
#else
  return 0;
#endif
}

/// What the workers' shares go by: where each has a core for itself, the cores' capacities; or else all are alike.
std::vector<std::int64_t> speeds([[maybe_unused]] std::span<const int> cores, int workers) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(workers), 1);
#ifdef RIFFLE_HAS_THREADS
  if (workers == 1 || cores.size() != all.size()) return all;
  const Topology topology = read_topology(cores);
  for (std::size_t w = 0; w < all.size(); ++w) all[w] = topology.cores[w].capacity;
#endif
  return all;
}

/// Tiles that are worth taking apart from the others.
std::int32_t least_chunk_of(const plan::Step& step) {
  // A chunk of a chain begins with rows that the one before it made, too.
  constexpr std::int32_t chain_rows = 8;
  if (std::holds_alternative<plan::Chain>(step.task)) return std::min(chain_rows, step.tiles);
  // Below this the taking, and the start and end of what kernels stream, weigh more than the evenness.
  constexpr std::int64_t macs = 100'000, bytes = 64'000;
  const std::int64_t chunks =
      std::max({step.macs / macs, (step.read_bytes + step.write_bytes) / bytes, std::int64_t{1}});
  return static_cast<std::int32_t>((step.tiles + chunks - 1) / chunks);
}

}  // namespace

struct Session::State {
  /// One run() under way.
  struct Job {
    std::int64_t images = 0;            ///< this one and those after it
    double* step_seconds = nullptr;     ///< null: not wanted
    TraceSlice* slices = nullptr;       ///< null: not wanted
    Clock::time_point step_began = {};  ///< of step_seconds
  };

  State(std::shared_ptr<const plan::Plan> made, const SessionOptions& options);

  void run(const void* const* from, void* const* to, const Job& next) noexcept;
  void work(int worker) noexcept;
  void run_tiles(int worker, std::size_t step, kernels::TileRange tiles) noexcept;
  void step_done(std::int32_t step) noexcept;

  [[nodiscard]] kernels::Addresses memory(int worker) const {
    return {arena, inputs.data(), outputs.data(), rows + worker * rows_bytes, plan->literals.data()};
  }

  std::shared_ptr<const plan::Plan> plan;
  int threads;
  std::vector<Dispenser::Work> works;    ///< one a step
  memory::Aligned<std::byte> allocated;  ///< null: the memory is the caller's
  std::byte* arena = nullptr;            ///< what the steps share, and ...
  std::byte* rows = nullptr;             ///< ... behind it each worker's own
  std::int64_t rows_bytes = 0;           ///< of each worker
  /// Read by who holds tiles of a step, changed by who has completed one: never both at a time.
  Job job;
  std::vector<const std::byte*> inputs;  ///< of the image under way
  std::vector<std::byte*> outputs;
  Dispenser dispenser;
  bool caller_works;  ///< as worker 0
  std::atomic<std::uint32_t> runs_done{0};
  std::optional<Workers> workers;  ///< Last, for they use all of the above.
};

Session::State::State(std::shared_ptr<const plan::Plan> made, const SessionOptions& options)
    : plan(std::move(made)),
      threads(usable_threads(options.threads)),
      inputs(plan->inputs.size()),
      outputs(plan->outputs.size()),
      dispenser(speeds(options.cores, threads)),
      caller_works(own_threads(options) < threads) {
  const std::int64_t bytes = memory_bytes(*plan, threads);
  if (options.memory.empty()) {
    try {
      allocated = memory::allocate<std::byte>(bytes);
    } catch (const std::bad_alloc&) {
      throw Exhausted({"not enough memory for the ", bytes >> 20, " MiB that '", plan->name, "' works in"});
    }
    arena = allocated.get();
  } else {
    const auto address = reinterpret_cast<std::uintptr_t>(options.memory.data());
    if (static_cast<std::int64_t>(options.memory.size()) < bytes || address % line_bytes != 0) {
      throw Error({"'", plan->name, "' works in ", bytes, " bytes of memory at a multiple of ", line_bytes, " on ",
                   threads, " threads; it was given ", options.memory.size(), " bytes",
                   address % line_bytes != 0 ? ", not at such a place" : ""});
    }
    arena = options.memory.data();
  }
  rows = arena + whole_lines(plan->arena_bytes);
  rows_bytes = whole_lines(plan->rows_bytes);
  // Pages are touched now, so that the first inference does not pay for them, and what kernels over-read is a number.
  const std::span<std::byte> all(arena, static_cast<std::size_t>(bytes));
  memory::make_present(all);
  std::fill(all.begin(), all.end(), std::byte{0});
  for (const plan::Step& step : plan->steps) works.push_back({step.tiles, least_chunk_of(step)});
  workers.emplace(own_threads(options), options.cores,
                  [this](int worker) { work(caller_works ? worker + 1 : worker); });
}

void Session::State::run(const void* const* from, void* const* to, const Job& next) noexcept {
  if (next.images < 1 || plan->steps.empty()) return;
  const DefaultArithmetic arithmetic;
  job = next;
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = kernels::bytes_at(from[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i] = kernels::bytes_at(to[i]);
  const std::uint32_t before = runs_done.load(std::memory_order_relaxed);
  dispenser.begin(0);
  const bool called = workers->call();
  if (called && !caller_works) {
    runs_done.wait(before, std::memory_order_acquire);  // asleep: the cores are the workers'
  } else {
    work(0);  // alone, where a child of fork() gets no threads
  }
}

void Session::State::work(int worker) noexcept {
  for (Dispenser::Turn turn = dispenser.turn(); turn.step != Dispenser::idle;) {
    const auto s = static_cast<std::size_t>(turn.step);
    for (kernels::TileRange tiles = dispenser.take(turn, works[s], worker); tiles.first != tiles.last;
         tiles = dispenser.take(turn, works[s], worker)) {
      run_tiles(worker, s, tiles);
      if (dispenser.complete(tiles, works[s])) step_done(turn.step);
    }
    Dispenser::Turn now = dispenser.turn();
    for (Spin spin; now == turn; now = dispenser.turn()) spin.wait();
    turn = now;
  }
}

void Session::State::run_tiles(int worker, std::size_t step, kernels::TileRange tiles) noexcept {
#ifdef RIFFLE_CONTRACTS
  if (tiles.first < 0 || tiles.first >= tiles.last || tiles.last > plan->steps[step].tiles) std::abort();
#endif
  if (job.slices == nullptr) return plan->steps[step].run(memory(worker), tiles);
  // The worker's own, and complete before the tiles are: whoever sees the run's end sees it.
  TraceSlice& slice = job.slices[static_cast<std::size_t>(worker) * works.size() + step];
  const Clock::time_point begin = Clock::now();
  plan->steps[step].run(memory(worker), tiles);
  slice.end = Clock::now();
  if (slice.tiles == 0) slice.begin = begin;
  slice.tiles += tiles.last - tiles.first;
}

void Session::State::step_done(std::int32_t step) noexcept {
  if (job.step_seconds != nullptr) {
    const Clock::time_point now = Clock::now();
    job.step_seconds[step] = std::chrono::duration<double>(now - job.step_began).count();
    job.step_began = now;
  }
  std::int32_t next = step + 1;
  if (next == static_cast<std::int32_t>(works.size())) {
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] += plan->inputs[i].bytes();
    for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i] += plan->outputs[i].bytes();
    next = --job.images > 0 ? 0 : Dispenser::idle;
  }
  dispenser.begin(next);
  if (next == Dispenser::idle && !caller_works) {
    runs_done.fetch_add(1, std::memory_order_release);
    runs_done.notify_one();
  }
}

Session::Session(std::shared_ptr<const plan::Plan> plan, const SessionOptions& options)
    : state_(std::make_unique<State>(std::move(plan), options)) {}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::int64_t Session::memory_bytes(const plan::Plan& plan, int threads) {
  return whole_lines(plan.arena_bytes) + usable_threads(threads) * whole_lines(plan.rows_bytes);
}

void Session::run(const void* const* inputs, void* const* outputs, std::int64_t batch) noexcept {
  state_->run(inputs, outputs, {.images = batch});
}

void Session::run(const float* input, float* output, std::int64_t batch) noexcept {
  const void* const from = input;
  void* const to = output;
  run(&from, &to, batch);
}

void Session::run_profiled(const void* const* inputs, void* const* outputs, double* step_seconds) noexcept {
  state_->run(inputs, outputs, {.images = 1, .step_seconds = step_seconds, .step_began = Clock::now()});
}

void Session::run_profiled(const float* input, float* output, double* step_seconds) noexcept {
  const void* const from = input;
  void* const to = output;
  run_profiled(&from, &to, step_seconds);
}

void Session::run_traced(const void* const* inputs, void* const* outputs, TraceSlice* slices) noexcept {
  std::fill_n(slices, static_cast<std::size_t>(threads()) * plan().steps.size(), TraceSlice{});
  state_->run(inputs, outputs, {.images = 1, .slices = slices});
}

const plan::Plan& Session::plan() const { return *state_->plan; }
int Session::threads() const { return state_->threads; }
bool Session::pinned() const { return state_->workers->pinned(); }

}  // namespace riffle::run
