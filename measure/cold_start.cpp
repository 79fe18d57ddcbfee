#include "measure/cold_start.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include "engine/format/format.hpp"
#include "engine/passes/passes.hpp"
#include "engine/plan/builder.hpp"
#include "engine/run/session.hpp"
#include "measure/statistics.hpp"
#include "measure/tensors.hpp"

namespace riffle::measure {
namespace {

constexpr int warm_runs = 20;  // behind each load: as near to it in time as can be, for a machine's speed drifts

/// One load, or why there is none. It comes through a pipe.
struct Load {
  std::array<double, phases> ms = {};
  std::array<std::int64_t, phases> page_faults = {};
  double warm_ms = 0;            ///< the median of the runs behind the first one
  std::int64_t grown_bytes = 0;  ///< the process's peak resident memory over that before the load
  std::int64_t file_bytes = 0, packed_bytes = 0, arena_bytes = 0;
  std::int64_t tensor_bytes = 0;  ///< of the caller's
  std::array<char, 16> isa = {};
  std::array<char, 512> error = {};  ///< empty: none

  [[nodiscard]] double total_ms() const {
    double sum = 0;
    for (const double one : ms) sum += one;
    return sum;
  }
};
static_assert(std::is_trivially_copyable_v<Load>);

std::int64_t peak_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return usage.ru_maxrss;
#else
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
#endif
}

/// What goes on from one phase to the next.
class Laps {
 public:
  explicit Laps(Load& load) : load_(load) { start(); }

  /// Leaves out what was done since the last phase's end.
  void start() {
    faults_ = faults();
    begin_ = Clock::now();
  }

  void end_phase() {
    load_.ms[phase_] = std::chrono::duration<double, std::milli>(Clock::now() - begin_).count();
    load_.page_faults[phase_] = faults() - faults_;
    ++phase_;
    start();
  }

 private:
  using Clock = std::chrono::steady_clock;

  static std::int64_t faults() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
  }

  Load& load_;
  std::size_t phase_ = 0;
  std::int64_t faults_ = 0;
  Clock::time_point begin_;
};

/// What format::load_file(), plan::make() and a session do, step by step. The caller's tensors are there before a model
/// is, if it is known how much memory they take.
Load load_once(const ColdStartOptions& options, Tensors& tensors) {
  Load result;
  const std::int64_t before = peak_bytes();
  Laps laps(result);
  const auto file = std::make_shared<const memory::MappedFile>(options.model);
  laps.end_phase();
  graph::Graph graph;
  try {
    format::verify(file->bytes());
    laps.end_phase();
    graph = format::read(file);
  } catch (const Error& error) {
    throw Error(options.model + ": " + error.what());
  }
  laps.end_phase();
  if (options.height != 0) graph.set_input_size(options.height, options.width);
  passes::optimise(graph);
  passes::lower_fully_connected(graph);
  laps.end_phase();
  plan::PlanBuilder builder(graph, plan::choose(graph, {}));
  builder.make_steps();
  laps.end_phase();
  const std::shared_ptr<const plan::Plan> plan = builder.pack();
  laps.end_phase();
  run::Session session(plan, options.threads);
  laps.end_phase();
  tensors.place(*plan);
  laps.start();
  session.run(tensors.inputs(), tensors.outputs());
  laps.end_phase();
  result.grown_bytes = peak_bytes() - before;

  std::array<double, warm_runs> warm{};
  for (double& ms : warm) {
    const auto begin = std::chrono::steady_clock::now();
    session.run(tensors.inputs(), tensors.outputs());
    ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  }
  result.warm_ms = summarise(warm).median;
  result.file_bytes = static_cast<std::int64_t>(file->bytes().size());
  result.packed_bytes = plan->packed_bytes;
  result.arena_bytes = plan->arena_bytes;
  result.tensor_bytes = tensors.bytes();
  std::snprintf(result.isa.data(), result.isa.size(), "%s", plan->kernels->isa);
  return result;
}

bool write_whole(int to, const Load& load) {
  const auto* bytes = reinterpret_cast<const char*>(&load);
  for (std::size_t done = 0; done < sizeof load;) {
    const ssize_t now = ::write(to, bytes + done, sizeof load - done);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) return false;
    done += static_cast<std::size_t>(now);
  }
  return true;
}

bool read_whole(int from, Load& load) {
  auto* bytes = reinterpret_cast<char*>(&load);
  for (std::size_t done = 0; done < sizeof load;) {
    const ssize_t now = ::read(from, bytes + done, sizeof load - done);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) return false;
    done += static_cast<std::size_t>(now);
  }
  return true;
}

/// Loads in a process of their own, which begins with `tensor_bytes` of memory for the caller's tensors.
std::vector<Load> load_in_a_process(const ColdStartOptions& options, int count, std::int64_t tensor_bytes) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw Error(std::string("no pipe: ") + std::strerror(errno));
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw Error(std::string("no process: ") + std::strerror(error));
  }
  if (child == 0) {
    ::close(ends[0]);
    try {
      Tensors tensors(tensor_bytes);
      for (int i = 0; i < count && write_whole(ends[1], load_once(options, tensors)); ++i) {
      }
    } catch (const std::exception& error) {
      Load load;
      std::snprintf(load.error.data(), load.error.size(), "%s", error.what());
      (void)write_whole(ends[1], load);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  std::vector<Load> loads;
  for (Load load; read_whole(ends[0], load);) loads.push_back(load);
  ::close(ends[0]);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  for (const Load& load : loads) {
    if (load.error[0] != '\0') throw Error(load.error.data());
  }
  if (loads.size() != static_cast<std::size_t>(count)) throw Error(options.model + ": the process that loads it died");
  return loads;
}

double median_of(const std::vector<Load>& loads, const std::function<double(const Load&)>& value) {
  std::vector<double> values;
  for (const Load& load : loads) values.push_back(value(load));
  return summarise(values).median;
}

/// Medians over loads.
LoadTimes summarise(const std::vector<Load>& loads) {
  LoadTimes times;
  for (std::size_t p = 0; p < phases; ++p) {
    times.ms[p] = median_of(loads, [&](const Load& load) { return load.ms[p]; });
    times.page_faults[p] = median_of(loads, [&](const Load& load) { return static_cast<double>(load.page_faults[p]); });
    times.total_page_faults += times.page_faults[p];
  }
  times.total_ms = median_of(loads, [](const Load& load) { return load.total_ms(); });
  times.warm_ms = median_of(loads, [](const Load& load) { return load.warm_ms; });
  times.ratio = median_of(loads, [](const Load& load) { return load.total_ms() / load.warm_ms; });
  times.grown_bytes = median_of(loads, [](const Load& load) { return static_cast<double>(load.grown_bytes); });
  return times;
}

}  // namespace

ColdStart cold_start(const ColdStartOptions& options) {
  // The first one brings the file into the page cache and says how large the caller's tensors are.
  const Load facts = load_in_a_process(options, 1, 0).front();
  std::vector<Load> fresh;
  for (int i = 0; i < options.loads; ++i) fresh.push_back(load_in_a_process(options, 1, facts.tensor_bytes).front());
  std::vector<Load> again = load_in_a_process(options, options.loads + 1, facts.tensor_bytes);
  again.erase(again.begin());  // that one was a new process's
  return {facts.isa.data(),  facts.file_bytes, facts.packed_bytes,
          facts.arena_bytes, summarise(fresh), summarise(again)};
}

}  // namespace riffle::measure
