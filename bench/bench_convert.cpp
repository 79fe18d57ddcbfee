// convert/<row>: every convert kernel on a tensor of 28x28x116, the networks' most frequent, which stands in one long
// row; numbers and bytes a second.
#include <benchmark/benchmark.h>

#include <vector>

#include "bench/networks.hpp"
#include "kernels/kernels.hpp"

namespace riffle::bench {
namespace {

void run_convert(benchmark::State& state, const kernels::ConvertKernel& row) {
  constexpr std::int32_t pixels = 28 * 28, channels = 116;
  constexpr std::size_t numbers = std::size_t{pixels} * channels;
  std::vector<std::byte> in(numbers * sizeof(float), std::byte{0x3C}), out(numbers * sizeof(float));
  kernels::ChannelwiseRun run;
  run.input = {{}, channels, channels, 0, row.types.input};
  kernels::ConvertArgs args;
  args.pixels = args.tile_pixels = pixels;
  args.tiles = 1;
  args.runs = &run;
  args.run_count = 1;
  args.from = args.to = {0.02F, 3};
  args.output = {{0, kernels::Space::rows}, channels, 0, row.types.output};
  kernels::Addresses memory;
  memory.arena = in.data();
  memory.rows = out.data();
  for (auto _ : state) {
    row.run(args, memory, {0, 1});
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  const auto bytes = static_cast<double>(size_of(row.types.input) + size_of(row.types.output));
  state.counters["numbers/s"] = Counter(numbers, Counter::kIsIterationInvariantRate);
  state.counters["bytes/s"] = Counter(numbers * bytes, Counter::kIsIterationInvariantRate, Counter::kIs1024);
}

}  // namespace

void register_converts() {
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (!kernels->supported()) continue;
    for (const kernels::ConvertKernel& row : kernels->of<kernels::ConvertKernel>()) {
      benchmark::RegisterBenchmark((std::string("convert/") + row.name).c_str(), [&row](benchmark::State& state) {
        run_convert(state, row);
      })->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace riffle::bench
