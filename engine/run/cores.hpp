// The machine's cores: which there are, how fast they are beside one another, and which of them to take.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace riffle::run {

struct Core {
  int cpu = 0;                ///< the kernel's number
  std::int64_t capacity = 0;  ///< relative to the other cores', at least 1; 0 in all of them: not known
};

/// Online cores in the order of their numbers; none where the system does not tell.
struct Topology {
  std::vector<Core> cores;
};

/// Which cores to take. `little` are the slowest ones, `big` all others: of a phone's prime, middle and little cores
/// the first two are big. The middle ones are of the big design and a worker on them is two or three times as fast as
/// on a little core, which is the difference that whoever asks cares about. Cores are equally slow if their capacities
/// differ by at most 5 %: desktops give some of their cores, all of one design, a little more clock than the others.
/// Where all cores are alike there are neither big nor little ones.
enum class Cores : std::uint8_t { all, big, little };

/// Reads what the kernel writes below `root`: the cores that are online, present and possible, and their capacity:
/// cpu_capacity, or else cpufreq/cpuinfo_max_freq, whichever every core has. What is missing or damaged is taken as
/// not said: cores of unknown capacity count as alike, and where no list of cores can be read the folders cpu0, cpu1,
/// ... count. Throws only std::bad_alloc.
Topology read_topology(const std::string& root = "/sys/devices/system/cpu");

/// The same for cores that are known to be there.
Topology read_topology(std::span<const int> cpus, const std::string& root = "/sys/devices/system/cpu");

/// The cores that the calling thread may run on, in the order of their numbers; nothing where the system does not tell.
std::optional<std::vector<int>> affinity();

/// The cores that the calling thread may run on, or where the system does not tell, those that are there.
Topology this_machine();

/// As many cores as the control groups of the process (a container's CPU limit) give time of, rounded up; nothing where
/// they set no bound. Reads proc/self/cgroup and sys/fs/cgroup below `root`, of either version; what is missing or
/// damaged sets no bound. Throws only std::bad_alloc.
std::optional<int> cpu_quota(const std::string& root = "");

/// The number of threads that the calling thread's cores and the process's quota have room for, at least 1; in a build
/// without threads 1.
int available_threads() noexcept;

/// Are there cores of that kind? Always, of Cores::all.
bool has(const Topology& topology, Cores kind);

/// The numbers of the cores of that kind, fastest first, or of all of them where there are none of it. Empty where the
/// topology is.
std::vector<int> choose(const Topology& topology, Cores kind);

/// Has the calling thread run on these cores alone, from now on. False, and nothing is changed, where none of them can
/// be had or the system has no such thing.
bool pin_this_thread(std::span<const int> cpus) noexcept;

}  // namespace riffle::run
