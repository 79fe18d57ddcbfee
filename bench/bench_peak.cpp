// What the kernels' GMAC/s and bytes/s are to be read against: peak/<instruction set>, multiply-adds on registers, and
// bandwidth/<instruction set>/<size>, reads of as much over and over, on one thread.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "bench/networks.hpp"
#include "engine/memory/aligned.hpp"
#include "kernels/kernels.hpp"
#include "measure/peak.hpp"

namespace riffle::bench {

namespace {

using benchmark::Counter;

void run_peak(benchmark::State& state, const measure::Loops& loops) {
  alignas(64) measure::Sums sums = {};
  constexpr std::int64_t rounds = 1000;
  for (auto _ : state) {
    loops.multiply_add(rounds, sums);
    benchmark::ClobberMemory();
  }
  state.counters["GMAC/s"] =
      Counter(static_cast<double>(loops.macs * rounds) * 1e-9, Counter::kIsIterationInvariantRate);
}

void run_bandwidth(benchmark::State& state, const measure::Loops& loops, std::int64_t bytes) {
  alignas(64) measure::Sums sums = {};
  const std::int64_t count = bytes / static_cast<std::int64_t>(sizeof(float));
  const memory::Aligned<float> floats = memory::allocate<float>(count);
  std::fill_n(floats.get(), count, 0.0F);
  for (auto _ : state) {
    loops.read(floats.get(), count, sums);
    benchmark::ClobberMemory();
  }
  state.counters["GB/s"] = Counter(static_cast<double>(bytes) * 1e-9, Counter::kIsIterationInvariantRate);
}

}  // namespace

void register_peaks() {
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    const measure::Loops* loops = measure::find_loops(kernels->isa);
    if (loops == nullptr || !kernels->supported()) continue;
    const std::string isa = kernels->isa;
    benchmark::RegisterBenchmark(("peak/" + isa).c_str(), [loops](benchmark::State& state) { run_peak(state, *loops); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
    for (const std::int64_t kib : {16, 256, 4096, 65536}) {
      benchmark::RegisterBenchmark(("bandwidth/" + isa + "/" + std::to_string(kib) + "KiB").c_str(),
                                   [loops, kib](benchmark::State& state) { run_bandwidth(state, *loops, kib << 10); })
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace riffle::bench
