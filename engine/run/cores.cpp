#include "engine/run/cores.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>
#include <memory>
#include <string_view>
#include <thread>

#include "base/error.hpp"

#ifdef __linux__
#include <sched.h>
#endif

namespace riffle::run {
namespace {

constexpr int max_cpus = 4096;
// kHz of a core that does not exist, and more than any capacity: beyond it, a file is damaged.
constexpr std::int64_t max_capacity = 1'000'000'000;
constexpr std::int64_t max_microseconds = 1'000'000'000'000;

/// The beginning of a file without the white space behind it; nothing where it cannot be read.
std::optional<std::string> read_text(const std::string& path) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) return std::nullopt;
  std::string text(std::size_t{1} << 14, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  text.resize(text.find_last_not_of(" \n\t") + 1);
  return text;
}

/// The number that `text` begins with, cut off from it; nothing where it does not, or not with one of 0 to `most`.
std::optional<std::int64_t> take_number(std::string_view& text, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0 || value > most) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take_character(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

/// A list of the kernel's such as "0-3,6", sorted; nothing where it is something else.
std::optional<std::vector<int>> parse_list(std::string_view text) {
  std::vector<int> cpus;
  do {
    const auto first = take_number(text, max_cpus - 1);
    if (!first) return std::nullopt;
    auto last = first;
    if (take_character(text, '-')) last = take_number(text, max_cpus - 1);
    if (!last || *last < *first) return std::nullopt;
    for (std::int64_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<int>(cpu));
  } while (take_character(text, ','));
  if (!text.empty()) return std::nullopt;
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::optional<std::vector<int>> read_list(const std::string& path) {
  const auto text = read_text(path);
  return text ? parse_list(*text) : std::nullopt;
}

std::vector<int> intersection(std::span<const int> a, std::span<const int> b) {
  std::vector<int> both;
  std::copy_if(a.begin(), a.end(), std::back_inserter(both),
               [&](int cpu) { return std::find(b.begin(), b.end(), cpu) != b.end(); });
  return both;
}

std::string folder_of(const std::string& root, int cpu) { return joined({root, "/cpu", cpu}); }

/// The cores that every list that can be read names.
std::vector<int> usable_cpus(const std::string& root) {
  std::optional<std::vector<int>> cpus;
  for (const char* list : {"/online", "/present", "/possible"}) {
    const auto named = read_list(root + list);
    if (named) cpus = cpus ? intersection(*cpus, *named) : *named;
  }
  if (cpus) return *cpus;
  std::vector<int> folders;
  for (int cpu = 0; cpu < max_cpus && access(folder_of(root, cpu).c_str(), F_OK) == 0; ++cpu) {
    folders.push_back(cpu);
  }
  return folders;
}

/// What `file` says of each core; false, and nothing is changed, where it does not of every one.
bool read_capacities(const std::string& root, const char* file, std::vector<Core>& cores) {
  std::vector<Core> read = cores;
  for (Core& core : read) {
    const auto text = read_text(folder_of(root, core.cpu) + file);
    if (!text) return false;
    std::string_view rest = *text;
    const auto value = take_number(rest, max_capacity);
    if (!value || *value == 0 || !rest.empty()) return false;
    core.capacity = *value;
  }
  cores = std::move(read);
  return true;
}

/// What stands before the next `end`, which is cut off with it.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

/// Where a control group that a line of /proc/self/cgroup names, "number:controllers:path", may have its files, and the
/// groups that it is in: their bounds hold, too. None where it does not share out time. In a container the path may be
/// the outside's, of which no more than the first group is to be seen.
std::vector<std::string> folders_of_group(std::string_view line, const std::string& root) {
  take_until(line, ':');
  const std::string controllers(take_until(line, ':'));
  std::vector<std::string> tops;
  if (controllers.empty()) {  // version 2
    tops = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
  } else if (joined({",", controllers, ","}).find(",cpu,") != std::string::npos) {
    tops = {joined({"/sys/fs/cgroup/", controllers}), "/sys/fs/cgroup/cpu"};
  }
  std::vector<std::string> folders;
  for (const std::string& top : tops) {
    std::string path(line);
    for (; !path.empty(); path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'))) {
      folders.push_back(root + top + path);
    }
    folders.push_back(root + top);
  }
  return folders;
}

/// Time of how many cores a control group may use, rounded up; nothing where it has no bound.
std::optional<std::int64_t> cores_of_group(const std::string& folder) {
  std::string text;
  if (const auto both = read_text(joined({folder, "/cpu.max"}))) {  // "max 100000", "150000 100000"
    text = *both;
  } else {
    const auto quota = read_text(joined({folder, "/cpu.cfs_quota_us"})),
               period = read_text(joined({folder, "/cpu.cfs_period_us"}));
    if (!quota || !period) return std::nullopt;
    text = joined({*quota, " ", *period});
  }
  std::string_view rest = text;
  const auto quota = take_number(rest, max_microseconds);
  if (!quota || !take_character(rest, ' ')) return std::nullopt;
  const auto period = take_number(rest, max_microseconds);
  if (!period || *quota == 0 || *period == 0 || !rest.empty()) return std::nullopt;
  return std::min<std::int64_t>((*quota + *period - 1) / *period, max_cpus);
}

/// Capacities up to this are those of the slowest cores.
std::int64_t little_until(const Topology& topology) {
  std::int64_t slowest = std::numeric_limits<std::int64_t>::max() / 21;
  for (const Core& core : topology.cores) slowest = std::min(slowest, core.capacity);
  return slowest * 21 / 20;
}

std::vector<Core> of_kind(const Topology& topology, Cores kind) {
  const std::int64_t until = little_until(topology);
  std::vector<Core> little, big;
  for (const Core& core : topology.cores) (core.capacity <= until ? little : big).push_back(core);
  if (kind == Cores::all) return topology.cores;
  if (little.empty() || big.empty()) return {};
  return kind == Cores::little ? little : big;
}

}  // namespace

Topology read_topology(const std::string& root) { return read_topology(usable_cpus(root), root); }

Topology read_topology(std::span<const int> cpus, const std::string& root) {
  Topology topology;
  for (const int cpu : cpus) topology.cores.push_back({cpu, 0});
  // The two are not in the same unit: one of them for all cores.
  if (!read_capacities(root, "/cpu_capacity", topology.cores)) {
    read_capacities(root, "/cpufreq/cpuinfo_max_freq", topology.cores);
  }
  return topology;
}

Topology this_machine() {
  const auto allowed = affinity();
  return allowed ? read_topology(*allowed) : read_topology();
}

std::optional<int> cpu_quota(const std::string& root) {
  const auto groups = read_text(joined({root, "/proc/self/cgroup"}));
  if (!groups) return std::nullopt;
  std::optional<std::int64_t> least;
  for (std::string_view rest = *groups; !rest.empty();) {
    const std::string_view line = take_until(rest, '\n');
    for (const std::string& folder : folders_of_group(line, root)) {
      const auto cores = cores_of_group(folder);
      if (cores && (!least || *cores < *least)) least = cores;
    }
  }
  return least ? std::optional(static_cast<int>(*least)) : std::nullopt;
}

int available_threads() noexcept {
#ifdef RIFFLE_HAS_THREADS
  try {
    const auto allowed = affinity();
    const int cores =
        allowed ? static_cast<int>(allowed->size()) : static_cast<int>(std::thread::hardware_concurrency());
    return std::max(std::min(cores, cpu_quota().value_or(cores)), 1);
  } catch (const std::bad_alloc&) {
  }
#endif
  return 1;
}

bool has(const Topology& topology, Cores kind) { return kind == Cores::all || !of_kind(topology, kind).empty(); }

std::vector<int> choose(const Topology& topology, Cores kind) {
  std::vector<Core> cores = of_kind(topology, has(topology, kind) ? kind : Cores::all);
  std::stable_sort(cores.begin(), cores.end(), [](const Core& a, const Core& b) { return a.capacity > b.capacity; });
  std::vector<int> cpus;
  for (const Core& core : cores) cpus.push_back(core.cpu);
  return cpus;
}

#ifdef __linux__

std::optional<std::vector<int>> affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::nullopt;
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

bool pin_this_thread(std::span<const int> cpus) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) {
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  }
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

#else

std::optional<std::vector<int>> affinity() { return std::nullopt; }

bool pin_this_thread(std::span<const int>) noexcept { return false; }

#endif

}  // namespace riffle::run
