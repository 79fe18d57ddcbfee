// network/<name>/<instruction set>/threads:<n>: one inference, 224x224, on the kernels that RIFFLE_ISA or the CPU
// chooses.
#include <benchmark/benchmark.h>

#include <vector>

#include "bench/networks.hpp"
#include "engine/run/session.hpp"

namespace riffle::bench {

void run_network(benchmark::State& state, const Network& network, int threads) {
  run::Session session(plan_of(network, kernels_of_floats()), threads);
  if (session.threads() != threads) {
    state.SkipWithError("built without threads");
    return;
  }
  const plan::Plan& plan = session.plan();
  std::vector<float> input(static_cast<std::size_t>(plan.inputs[0].shape.size()), 0.5F);
  std::vector<float> output(static_cast<std::size_t>(plan.outputs[0].shape.size()));
  for (auto _ : state) {
    session.run(input.data(), output.data());
    benchmark::ClobberMemory();
  }
  double macs = 0, bytes = 0;
  for (const plan::Step& step : plan.steps) {
    macs += static_cast<double>(step.macs);
    bytes += static_cast<double>(step.weight_bytes + step.read_bytes + step.write_bytes);
  }
  using benchmark::Counter;
  state.counters["images/s"] = Counter(1, Counter::kIsIterationInvariantRate);
  state.counters["GMAC/s"] = Counter(macs * 1e-9, Counter::kIsIterationInvariantRate);
  state.counters["bytes"] = Counter(bytes, Counter::kDefaults, Counter::kIs1024);
}

void register_networks() {
  const std::string isa = kernels_of_floats().isa;
  for (const Network& network : networks()) {
    for (const int threads : {1, 2}) {
      const std::string name = "network/" + network.name + "/" + isa + "/threads:" + std::to_string(threads);
      benchmark::RegisterBenchmark(
          name.c_str(), [&network, threads](benchmark::State& state) { run_network(state, network, threads); })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace riffle::bench
