// riffle_differential: random graphs, each run in every way there is and held against what it means.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/files.hpp"
#include "draw/progress.hpp"
#include "engine/format/format.hpp"
#include "io/onnx/export.hpp"
#include "verify/differential.hpp"
#include "verify/random_graph.hpp"

namespace riffle::verify {
namespace {

struct Options {
  std::int64_t graphs = 1000;
  std::uint64_t first = 0;
  int threads = 1;
  std::string save;
  std::string seeds;
};

/// Prints the smallest graph that differs as this one does, and saves it where that is asked for.
void report(std::uint64_t seed, const std::string& difference, const Options& options) {
  std::cout << "graph " << seed << ": " << difference << "\nmade smaller:\n" << std::flush;
  const graph::Graph small = shrink(
      random_graph(seed), [&](const graph::Graph& candidate) { return find_difference(candidate, seed).has_value(); });
  std::cout << find_difference(small, seed).value_or("no difference") << '\n' << graph::to_text(small) << std::flush;
  if (!options.save.empty()) format::save_file(small, options.save);
}

int compare(const Options& options) {
  std::atomic<std::int64_t> next{0}, done{0};
  std::atomic<int> differing{0};
  std::mutex reporting;
  draw::Progress progress("comparing", options.graphs);
  const auto work = [&](bool draws) {
    for (std::int64_t i = next++; i < options.graphs && differing == 0; i = next++) {
      const std::uint64_t seed = options.first + static_cast<std::uint64_t>(i);
      if (const auto difference = find_difference(random_graph(seed), seed)) {
        const std::lock_guard lock(reporting);
        if (differing++ == 0) report(seed, *difference, options);
      }
      ++done;
      if (draws) progress.update(done);
    }
  };
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int t = 1; t < options.threads; ++t) threads.emplace_back(work, false);
  work(true);
  for (std::thread& thread : threads) thread.join();
  if (differing > 0) return 1;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cout << options.graphs << " graphs from seed " << options.first << " on: no difference, " << seconds << " s\n";
  return 0;
}

/// Models to begin fuzzing with: a larger one is changed in many places before anything happens.
int write_seeds(const Options& options) {
  constexpr std::size_t largest = 4096;
  std::int64_t written = 0;
  for (const char* format : {"/riffle", "/onnx"}) std::filesystem::create_directories(options.seeds + format);
  for (std::uint64_t seed = options.first; written < options.graphs; ++seed) {
    const graph::Graph graph = random_graph(seed);
    const std::string name = "/random" + std::to_string(seed);
    if (format::save(graph).size() > largest) continue;
    format::save_file(graph, options.seeds + "/riffle" + name);
    ++written;
    try {
      const std::string model = onnx::export_model(graph);
      write_file(options.seeds + "/onnx" + name, {std::as_bytes(std::span(model))});
    } catch (const Error&) {  // ONNX has no words for it
    }
  }
  return 0;
}

}  // namespace
}  // namespace riffle::verify

int main(int argc, char** argv) {
  CLI::App program("Random graphs, run in every way there is and compared with a plain interpretation in double");
  riffle::verify::Options options;
  program.add_option("--graphs", options.graphs, "How many")->check(CLI::Range(1, 1 << 30))->capture_default_str();
  program.add_option("--first", options.first, "The first one's seed; the others' follow")->capture_default_str();
  program.add_option("--threads", options.threads, "Graphs at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  program.add_option("--save", options.save, "A .riffle file for the smallest graph that differs");
  program.add_option("--seeds", options.seeds,
                     "Compare nothing: write as many small graphs into this folder's riffle/ and, but for those that "
                     "ONNX cannot say, onnx/");
  CLI11_PARSE(program, argc, argv);
  return options.seeds.empty() ? riffle::verify::compare(options) : riffle::verify::write_seeds(options);
}
