// peak/<instruction set>: the arithmetic limit that the kernels' GMAC/s are to be read against.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/networks.hpp"
#include "bench/peak.hpp"
#include "kernels/kernels.hpp"

namespace riffle::bench {

// RIFFLE_PEAKS is RIFFLE_PEAK(<isa>) for every instruction set in the binary.
#define RIFFLE_PEAK(isa) extern const Peak peak_##isa;
RIFFLE_PEAKS
#undef RIFFLE_PEAK

namespace {

void run_peak(benchmark::State& state, const Peak& peak) {
  alignas(64) float floats[64] = {};
  constexpr std::int64_t rounds = 1000;
  for (auto _ : state) {
    peak.run(rounds, floats);
    benchmark::ClobberMemory();
  }
  state.counters["GMAC/s"] =
      benchmark::Counter(static_cast<double>(peak.macs * rounds) * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void register_peak(const char* isa, const Peak& peak) {
  const kernels::Kernels* kernels = kernels::find_kernels(isa);
  if (kernels == nullptr || !kernels->supported()) return;
  benchmark::RegisterBenchmark(("peak/" + std::string(isa)).c_str(),
                               [&peak](benchmark::State& state) { run_peak(state, peak); })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace

void register_peaks() {
#define RIFFLE_PEAK(isa) register_peak(#isa, peak_##isa);
  RIFFLE_PEAKS
#undef RIFFLE_PEAK
}

}  // namespace riffle::bench
