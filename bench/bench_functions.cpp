// function/<row>/<function>: every function of one number on a tensor of 28x28x116; numbers a second.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/networks.hpp"
#include "kernels/kernels.hpp"

namespace riffle::bench {
namespace {

void run_function(benchmark::State& state, const kernels::FunctionKernel& row, kernels::Function function) {
  constexpr std::int32_t pixels = 28 * 28, channels = 116;
  std::vector<float> values(std::size_t{pixels} * channels, 0.5F);
  const std::vector<float> slopes(channels, 0.25F);
  const std::vector<std::uint8_t> table(256, 1);
  const kernels::FunctionArgs args{function, 0.25F, 0.5F, slopes.data(), table.data()};
  for (auto _ : state) {
    row.run(args, values.data(), pixels, channels, channels);
    benchmark::ClobberMemory();
  }
  state.counters["numbers/s"] =
      benchmark::Counter(static_cast<double>(values.size()), benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

void register_functions() {
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (!kernels->supported()) continue;
    for (const kernels::FunctionKernel& row : kernels->of<kernels::FunctionKernel>()) {
      for (const kernels::FunctionFacts& facts : kernels::function_facts) {
        const bool is_table = facts.function == kernels::Function::table;
        if (facts.function == kernels::Function::none || is_table != is_quantised(row.types.input)) continue;
        benchmark::RegisterBenchmark(
            (std::string("function/") + row.name + "/" + std::string(facts.word)).c_str(),
            [&row, &facts](benchmark::State& state) { run_function(state, row, facts.function); })
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

}  // namespace riffle::bench
