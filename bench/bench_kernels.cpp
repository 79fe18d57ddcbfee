// kernel/<instruction set>/<operation>/<in>-><out>, of bytes kernel/<instruction set>/bytes/...: every kernel at every
// shape that the networks have, once each, on one thread, as the plan runs it.
#include <benchmark/benchmark.h>

#include <set>
#include <vector>

#include "bench/networks.hpp"

namespace riffle::bench {

namespace {

void run_kernel(benchmark::State& state, const Network& network, const kernels::Kernels& kernels, Numbers numbers,
                std::size_t index) {
  const std::shared_ptr<const plan::Plan> plan = plan_of(network, kernels, numbers);
  const plan::Step& step = plan->steps[index];
  // As a session has it: cache lines, and what neighbouring steps would leave there does not matter.
  constexpr std::size_t line = 16;
  std::vector<float> floats(static_cast<std::size_t>(plan->arena_bytes) / sizeof(float) + line, 0.5F);
  std::vector<float> rows(static_cast<std::size_t>(plan->rows_bytes) / sizeof(float), 0.5F);
  const std::size_t past = reinterpret_cast<std::uintptr_t>(floats.data()) / sizeof(float) % line;
  std::vector<float> input(static_cast<std::size_t>(plan->inputs[0].shape.size()), 0.5F);
  std::vector<float> output(static_cast<std::size_t>(plan->outputs[0].shape.size()));
  const std::byte* const inputs[] = {reinterpret_cast<const std::byte*>(input.data())};
  std::byte* const outputs[] = {reinterpret_cast<std::byte*>(output.data())};
  const kernels::Addresses memory{reinterpret_cast<std::byte*>(floats.data() + (line - past) % line), inputs, outputs,
                                  reinterpret_cast<std::byte*>(rows.data())};
  for (auto _ : state) {
    step.run(memory, {0, step.tiles});
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  const double macs = static_cast<double>(step.macs);
  const double bytes = static_cast<double>(step.weight_bytes + step.read_bytes + step.write_bytes);
  state.counters["GMAC/s"] = Counter(macs * 1e-9, Counter::kIsIterationInvariantRate);
  state.counters["bytes"] = Counter(bytes, Counter::kDefaults, Counter::kIs1024);
  state.counters["bytes/s"] = Counter(bytes, Counter::kIsIterationInvariantRate, Counter::kIs1024);
  state.SetLabel(step.kernel);
}

std::string text(const graph::Shape& shape) {
  return std::to_string(shape.h) + "x" + std::to_string(shape.w) + "x" + std::to_string(shape.c);
}

/// "pointwise g3/28x28x60->28x28x240"
std::string shape_of(const plan::Step& step) { return step.operation + "/" + text(step.in) + "->" + text(step.out); }

void register_kernels_of(const kernels::Kernels& kernels, Numbers numbers) {
  const std::string family = "kernel/" + std::string(kernels.isa) + (numbers == Numbers::bytes ? "/bytes/" : "/");
  std::set<std::string> seen;
  for (const Network& network : networks()) {
    const std::shared_ptr<const plan::Plan> outline = outline_of(network, kernels, numbers);
    for (std::size_t i = 0; i < outline->steps.size(); ++i) {
      const std::string shape = shape_of(outline->steps[i]);
      if (!seen.insert(shape).second) continue;
      const std::string name = family + shape;
      benchmark::RegisterBenchmark(name.c_str(),
                                   [&network, &kernels, numbers, i](benchmark::State& state) {
                                     run_kernel(state, network, kernels, numbers, i);
                                   })
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace

void register_kernels() {
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    for (const Numbers numbers : {Numbers::own, Numbers::bytes}) {
      if (kernels->supported() && has_layers_of(numbers, *kernels)) register_kernels_of(*kernels, numbers);
    }
  }
}

}  // namespace riffle::bench
