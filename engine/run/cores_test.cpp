// Which cores are taken, of made-up machines, and that threads run on them, on this one.
#include "engine/run/cores.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/run/workers.hpp"

namespace riffle::run {
namespace {

using Cpus = std::vector<int>;

/// A folder such as /sys/devices/system/cpu.
class Machine {
 public:
  Machine() {
    std::string name = ::testing::TempDir() + "riffle-cores-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    root_ = name;
  }
  /// Online cores 0, 1, ... of these capacities.
  explicit Machine(const std::vector<int>& capacities) : Machine() {
    for (const char* list : {"online", "present", "possible"}) {
      write(list, "0-" + std::to_string(capacities.size() - 1) + "\n");
    }
    for (std::size_t c = 0; c < capacities.size(); ++c) capacity(static_cast<int>(c), std::to_string(capacities[c]));
  }
  ~Machine() { std::filesystem::remove_all(root_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  void capacity(int cpu, const std::string& text) const {
    write("cpu" + std::to_string(cpu) + "/cpu_capacity", text + "\n");
  }
  void frequency(int cpu, const std::string& text) const {
    write("cpu" + std::to_string(cpu) + "/cpufreq/cpuinfo_max_freq", text + "\n");
  }
  void remove(const std::string& file) const { std::filesystem::remove(root_ / file); }

  [[nodiscard]] std::string root() const { return root_.string(); }
  [[nodiscard]] Topology topology() const { return read_topology(root()); }
  [[nodiscard]] Topology topology(const Cpus& cpus) const { return read_topology(cpus, root()); }

 private:
  std::filesystem::path root_;
};

Cpus cpus_of(const Topology& topology) {
  Cpus cpus;
  for (const Core& core : topology.cores) cpus.push_back(core.cpu);
  return cpus;
}

std::vector<std::int64_t> capacities_of(const Topology& topology) {
  std::vector<std::int64_t> capacities;
  for (const Core& core : topology.cores) capacities.push_back(core.capacity);
  return capacities;
}

void expect_alike(const Topology& topology, const Cpus& cpus) {
  EXPECT_EQ(cpus_of(topology), cpus);
  EXPECT_TRUE(has(topology, Cores::all));
  EXPECT_FALSE(has(topology, Cores::big));
  EXPECT_FALSE(has(topology, Cores::little));
  for (const Cores kind : {Cores::all, Cores::big, Cores::little}) EXPECT_EQ(choose(topology, kind), cpus);
}

TEST(Topology, FourBigAndFourLittle) {
  const Topology phone = Machine({250, 250, 250, 250, 1024, 1024, 1024, 1024}).topology();
  EXPECT_EQ(cpus_of(phone), (Cpus{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(capacities_of(phone), (std::vector<std::int64_t>{250, 250, 250, 250, 1024, 1024, 1024, 1024}));
  EXPECT_TRUE(has(phone, Cores::big));
  EXPECT_TRUE(has(phone, Cores::little));
  EXPECT_EQ(choose(phone, Cores::big), (Cpus{4, 5, 6, 7}));
  EXPECT_EQ(choose(phone, Cores::little), (Cpus{0, 1, 2, 3}));
  EXPECT_EQ(choose(phone, Cores::all), (Cpus{4, 5, 6, 7, 0, 1, 2, 3}));
}

TEST(Topology, PrimeMiddleAndLittle) {
  const Topology phone = Machine({325, 325, 325, 325, 828, 828, 828, 1024}).topology();
  EXPECT_EQ(choose(phone, Cores::big), (Cpus{7, 4, 5, 6}));
  EXPECT_EQ(choose(phone, Cores::little), (Cpus{0, 1, 2, 3}));
  EXPECT_EQ(choose(phone, Cores::all), (Cpus{7, 4, 5, 6, 0, 1, 2, 3}));
}

TEST(Topology, CoresOfOneKind) {
  expect_alike(Machine({1024, 1024, 1024, 1024}).topology(), {0, 1, 2, 3});
  expect_alike(Machine({1024}).topology(), {0});
}

TEST(Topology, ALittleMoreClockMakesNoBigCore) {
  const Topology desktop = Machine({1000, 1050, 1020, 1000}).topology();
  EXPECT_FALSE(has(desktop, Cores::big));
  EXPECT_FALSE(has(desktop, Cores::little));
  EXPECT_EQ(choose(desktop, Cores::big), (Cpus{1, 2, 0, 3}));
  EXPECT_EQ(choose(Machine({1000, 1051}).topology(), Cores::big), (Cpus{1}));
}

TEST(Topology, FrequenciesDoWhereThereAreNoCapacities) {
  const Machine machine;
  machine.write("online", "0-3\n");
  for (const int cpu : {0, 1}) machine.frequency(cpu, "1804800");
  for (const int cpu : {2, 3}) machine.frequency(cpu, "2841600");
  const Topology phone = machine.topology();
  EXPECT_EQ(choose(phone, Cores::big), (Cpus{2, 3}));
  EXPECT_EQ(choose(phone, Cores::little), (Cpus{0, 1}));
}

TEST(Topology, CapacitiesAndFrequenciesAreNotMixed) {
  const Machine machine;
  machine.write("online", "0-1\n");
  machine.capacity(0, "1024");
  machine.frequency(0, "2000000");
  machine.frequency(1, "2000000");
  expect_alike(machine.topology(), {0, 1});
  EXPECT_EQ(capacities_of(machine.topology()), (std::vector<std::int64_t>{2000000, 2000000}));
}

TEST(Topology, ARootThatIsMissing) {
  const Topology unknown = read_topology("/nowhere/at/all");
  EXPECT_TRUE(unknown.cores.empty());
  EXPECT_TRUE(has(unknown, Cores::all));
  EXPECT_FALSE(has(unknown, Cores::big));
  for (const Cores kind : {Cores::all, Cores::big, Cores::little}) EXPECT_TRUE(choose(unknown, kind).empty());
}

TEST(Topology, WithoutListsTheFoldersCount) {
  const Machine machine({250, 250, 1024});
  for (const char* list : {"online", "present", "possible"}) machine.remove(list);
  EXPECT_EQ(choose(machine.topology(), Cores::all), (Cpus{2, 0, 1}));
}

TEST(Topology, ACoreThatIsOfflineIsNotThere) {
  const Machine machine({250, 250, 1024, 1024});
  machine.write("online", "0-2\n");
  machine.remove("cpu3/cpu_capacity");  // as the kernel does
  EXPECT_EQ(cpus_of(machine.topology()), (Cpus{0, 1, 2}));
  EXPECT_EQ(choose(machine.topology(), Cores::big), (Cpus{2}));
  machine.write("online", "0-1\n");
  expect_alike(machine.topology(), {0, 1});
}

TEST(Topology, ListsOfTheKernel) {
  const Machine machine({1, 1, 1, 1, 1, 1, 1, 1});
  const std::pair<const char*, Cpus> lists[] = {{"0-3,6", {0, 1, 2, 3, 6}},
                                                {"5", {5}},
                                                {"1,3-4,7\n", {1, 3, 4, 7}},
                                                {"7,2", {2, 7}},
                                                {"1-2,2-3", {1, 2, 3}},
                                                {"2-2", {2}},
                                                {"6-100", {6, 7}}};
  for (const auto& [text, cpus] : lists) {
    machine.write("online", text);
    EXPECT_EQ(cpus_of(machine.topology()), cpus) << text;
  }
}

TEST(Topology, ADamagedListSaysNothing) {
  const Machine machine({250, 250, 1024, 1024});
  for (const char* damaged : {"",
                              "\n",
                              "all",
                              "0-",
                              "-1",
                              "-1-2",
                              "3-1",
                              "0,",
                              ",0",
                              "0;1",
                              "0-1-2",
                              "0--1",
                              "0x1",
                              " 0-1",
                              "0-1 x",
                              "4096",
                              "0-4096",
                              "99999999999999999999",
                              "0-18446744073709551616",
                              "1e3"}) {
    machine.write("online", damaged);
    EXPECT_EQ(cpus_of(machine.topology()), (Cpus{0, 1, 2, 3})) << damaged;
  }
  machine.write("online", std::string(100'000, '1'));
  EXPECT_EQ(cpus_of(machine.topology()), (Cpus{0, 1, 2, 3}));
}

TEST(Topology, ADamagedCapacityMakesAllUnknown) {
  const Machine machine({250, 250, 1024, 1024});
  for (const char* damaged :
       {"", "\n", "fast", "-250", "0", "1024x", "1 2", "2000000000", "99999999999999999999", "1.5", "0x400"}) {
    machine.capacity(1, damaged);
    expect_alike(machine.topology(), {0, 1, 2, 3});
    EXPECT_EQ(capacities_of(machine.topology()), (std::vector<std::int64_t>{0, 0, 0, 0})) << damaged;
  }
  machine.remove("cpu1/cpu_capacity");
  expect_alike(machine.topology(), {0, 1, 2, 3});
  // A folder in its place.
  machine.write("cpu1/cpu_capacity/text", "1024");
  expect_alike(machine.topology(), {0, 1, 2, 3});
}

TEST(Topology, OfTheCoresThatTheProcessMayRunOn) {
  const Machine phone({325, 325, 325, 325, 828, 828, 828, 1024});
  EXPECT_EQ(choose(phone.topology(Cpus{0, 1, 5}), Cores::big), (Cpus{5}));
  // On one kind alone: the middle ones are the slowest that are left.
  EXPECT_EQ(choose(phone.topology(Cpus{4, 5, 7}), Cores::little), (Cpus{4, 5}));
  expect_alike(phone.topology(Cpus{1, 2}), {1, 2});
  EXPECT_TRUE(choose(phone.topology(Cpus{}), Cores::all).empty());
  // One that the files do not know is there all the same, and nothing is known of any.
  expect_alike(phone.topology(Cpus{0, 1, 5, 900}), {0, 1, 5, 900});
  expect_alike(read_topology(Cpus{0, 3}, "/nowhere/at/all"), {0, 3});
}

/// A folder with proc/self/cgroup and sys/fs/cgroup in it.
class Groups : public Machine {
 public:
  explicit Groups(const std::string& of_process) { write("proc/self/cgroup", of_process); }
  void version_2(const std::string& group, const std::string& text) const {
    write("sys/fs/cgroup/" + group + "/cpu.max", text);
  }
  void version_1(const std::string& group, const std::string& quota, const std::string& period) const {
    write("sys/fs/cgroup/" + group + "/cpu.cfs_quota_us", quota);
    write("sys/fs/cgroup/" + group + "/cpu.cfs_period_us", period);
  }
  [[nodiscard]] std::optional<int> quota() const { return cpu_quota(root()); }
};

TEST(Quota, IsTheLeastOfTheGroupsRoundedUp) {
  const Groups groups("0::/pod/box\n");
  EXPECT_EQ(groups.quota(), std::nullopt);
  groups.version_2("pod/box", "max 100000\n");
  EXPECT_EQ(groups.quota(), std::nullopt);
  groups.version_2("pod", "350000 100000\n");
  EXPECT_EQ(groups.quota(), 4);
  groups.version_2("pod/box", "150000 100000\n");
  EXPECT_EQ(groups.quota(), 2);
  groups.version_2("", "5000 100000\n");
  EXPECT_EQ(groups.quota(), 1);
}

TEST(Quota, OfAContainerThatSeesItsOwnGroupAsTheFirst) {
  const Groups groups("0::/system.slice/box.scope\n");
  groups.version_2("", "200000 100000\n");
  EXPECT_EQ(groups.quota(), 2);
}

TEST(Quota, OfVersion1) {
  for (const char* folder : {"cpu,cpuacct", "cpu"}) {
    const Groups groups("12:memory:/box\n4:cpu,cpuacct:/box\n3:cpuset:/box\n0::/\n");
    groups.version_1(std::string(folder) + "/box", "-1\n", "100000\n");
    EXPECT_EQ(groups.quota(), std::nullopt);
    groups.version_1(folder, "300000\n", "100000\n");
    EXPECT_EQ(groups.quota(), 3);
    groups.version_1(std::string(folder) + "/box", "100001\n", "100000\n");
    EXPECT_EQ(groups.quota(), 2);
  }
}

TEST(Quota, WhatIsMissingOrDamagedSetsNoBound) {
  EXPECT_EQ(cpu_quota("/nowhere/at/all"), std::nullopt);
  for (const char* line : {"", "\n", "0", "0:", "0::", "::", "0::box", "1:cpu", "cpu", ":cpu:", "0::/\n\n:"}) {
    EXPECT_EQ(Groups(line).quota(), std::nullopt) << line;
  }
  const Groups groups("0::/box\n");
  for (const char* text : {"", "\n", "100000", "100000 ", "0 100000", "100000 0", "-1 100000", "x 100000", "1 2 3",
                           "100000,100000", "99999999999999999999 1"}) {
    groups.version_2("box", text);
    EXPECT_EQ(groups.quota(), std::nullopt) << text;
  }
  groups.version_2("box", "1000000000000 1");
  EXPECT_GE(groups.quota(), 4096);
}

TEST(Quota, BoundsTheThreads) {
  const auto allowed = affinity();
  if (!allowed) GTEST_SKIP() << "this system does not tell";
  const int cores = static_cast<int>(allowed->size());
  EXPECT_EQ(available_threads(), std::min(cores, cpu_quota().value_or(cores)));
}

/// Runs f on a thread of its own, whose affinity it may change.
template <class F>
void elsewhere(F f) {
  std::thread(f).join();
}

TEST(Affinity, ThisMachineIsWhatTheThreadMayRunOn) {
  const auto before = affinity();
  if (!before) GTEST_SKIP() << "this system does not tell";
  ASSERT_FALSE(before->empty());
  elsewhere([&] {
    const Cpus last = {before->back()};
    ASSERT_TRUE(pin_this_thread(last));
    EXPECT_EQ(affinity(), last);
    EXPECT_EQ(cpus_of(this_machine()), last);
  });
  EXPECT_EQ(affinity(), before);
}

TEST(Affinity, CoresThatCannotBeHadChangeNothing) {
  const auto before = affinity();
  for (const Cpus& cpus : {Cpus{}, Cpus{-1}, Cpus{1023}, Cpus{1'000'000}, Cpus{-5, 4000}}) {
    EXPECT_FALSE(pin_this_thread(cpus));
    EXPECT_EQ(affinity(), before);
  }
}

/// Counts up, and lets others wait until it has.
class Counter {
 public:
  void add() {
    count_.fetch_add(1);
    count_.notify_all();
  }
  void wait_for(int count) {
    for (int now = count_.load(); now < count; now = count_.load()) count_.wait(now);
  }
  [[nodiscard]] int count() const { return count_.load(); }

 private:
  std::atomic<int> count_{0};
};

/// Where each of the workers may run.
std::vector<Cpus> places(int count, const Cpus& cores, bool pinned) {
  std::vector<Cpus> seen(static_cast<std::size_t>(count));
  Counter done;
  Workers workers(count, cores, [&](int worker) {
    seen[static_cast<std::size_t>(worker)] = affinity().value_or(Cpus{});
    done.add();
  });
  EXPECT_EQ(workers.pinned(), pinned);
  workers.call();
  done.wait_for(count);
  return seen;
}

TEST(Workers, RunOnTheirCores) {
  const auto before = affinity();
  if (!before) GTEST_SKIP() << "this system does not tell";
  const int count = std::min(static_cast<int>(before->size()), 4);
  const Cpus cores(before->end() - count, before->end());
  std::vector<Cpus> one_each;
  for (const int core : cores) one_each.push_back({core});
  EXPECT_EQ(places(count, cores, true), one_each);
  // More workers than cores, or fewer: any of them.
  EXPECT_EQ(places(count + 1, cores, true), std::vector<Cpus>(static_cast<std::size_t>(count) + 1, cores));
  if (count > 1) {
    EXPECT_EQ(places(count - 1, cores, true), std::vector<Cpus>(static_cast<std::size_t>(count) - 1, cores));
  }
  EXPECT_EQ(places(2, {}, false), std::vector<Cpus>(2, *before));
  EXPECT_EQ(affinity(), before) << "the caller's is its own";
}

TEST(Workers, StayWhereTheyAreIfOneCoreDoesNotExist) {
  const auto before = affinity();
  if (!before) GTEST_SKIP() << "this system does not tell";
  EXPECT_EQ(places(2, {before->front(), 1023}, false), (std::vector<Cpus>{{before->front()}, *before}));
  EXPECT_EQ(places(3, {1023, 4000}, false), std::vector<Cpus>(3, *before));
}

TEST(Workers, WorkOnceACall) {
  constexpr int count = 3, calls = 200;
  std::vector<int> seen(count, 0);
  Counter done;
  Workers workers(count, {}, [&](int worker) {
    ++seen[static_cast<std::size_t>(worker)];
    done.add();
  });
  for (int call = 1; call <= calls; ++call) {
    workers.call();
    done.wait_for(count * call);
    EXPECT_EQ(seen, std::vector<int>(count, call));
  }
}

TEST(Workers, OneCallMakesUpForThoseThatWereMissed) {
  Counter begun, may_end;
  {
    Workers workers(1, {}, [&](int) {
      begun.add();
      may_end.wait_for(begun.count());
    });
    workers.call();
    begun.wait_for(1);
    workers.call();
    workers.call();
    may_end.add();
    begun.wait_for(2);
    may_end.add();
    workers.call();
    begun.wait_for(3);
    may_end.add();
  }
  EXPECT_EQ(begun.count(), 3);
}

TEST(Workers, NoneAreNotCalled) {
  Workers none(0, {}, [](int) { FAIL(); });
  EXPECT_EQ(none.count(), 0);
  EXPECT_FALSE(none.call());
  EXPECT_FALSE(none.pinned());
}

TEST(Workers, EndWithoutEverHavingWorked) {
  for (int i = 0; i < 50; ++i) {
    Workers workers(3, {}, [](int) { FAIL(); });
  }
}

}  // namespace
}  // namespace riffle::run
