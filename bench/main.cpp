// riffle_bench: what riffle's networks and kernels cost here. --benchmark_filter=<regex> chooses; the names are
// network/..., guideline/..., kernel/..., frame/..., convert/..., function/..., peak/..., bandwidth/... (bench_*.cpp).
#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>

#include "bench/networks.hpp"

int main(int argc, char** argv) try {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  riffle::bench::register_peaks();
  riffle::bench::register_networks();
  riffle::bench::register_guidelines();
  riffle::bench::register_kernels();
  riffle::bench::register_frames();
  riffle::bench::register_converts();
  riffle::bench::register_functions();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "riffle_bench: %s\n", error.what());
  return 1;
}
