// riffle_train_bench: whole training steps (forward, backward, Adam) of a network on random images, timed.
//
//   riffle_train_bench v2 --width 0.5 --size 64x64 --batch 64 --threads 1 --steps 5
//
// Prints one JSON object: the median step's images a second and milliseconds, multiply-adds a second (those of the
// forward pass times three: that a backward pass takes twice as many is the usual reckoning), the share of what the
// CPU's multiply-adds allow (measured just before), and the peak of the process's memory. With --profile a table of the
// layers instead: milliseconds a step, forward and backward, beside the time that their multiply-adds take at the CPU's
// peak and that their tensors take to come from memory and go there, each once.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"
#include "measure/peak.hpp"
#include "measure/statistics.hpp"
#include "models/models.hpp"
#include "models/random.hpp"
#include "trainer/initial/initialise.hpp"
#include "trainer/network/network.hpp"
#include "trainer/optimizer/optimizer.hpp"

namespace riffle::bench {
namespace {

struct Options {
  std::string network;
  std::int32_t groups = 3;
  double width_multiplier = 1.0;
  std::string flavour = "paper";
  bool residual = false;
  std::int32_t in_channels = 1, classes = 10;
  std::int32_t height = 224, width = 224;
  std::int32_t batch = 64;
  int threads = 1;
  int steps = 5;
  int warmup = 1;
  bool profile = false;
};

graph::Graph make(const Options& o) {
  const models::WeightSource weights = trainer::xavier_uniform(0);
  const models::Flavour flavour = o.flavour == "note" ? models::Flavour::study_note : models::Flavour::paper;
  if (o.network == "v1") {
    return models::shufflenet_v1({.groups = o.groups,
                                  .width_multiplier = o.width_multiplier,
                                  .flavour = flavour,
                                  .in_channels = o.in_channels,
                                  .classes = o.classes,
                                  .height = o.height,
                                  .width = o.width},
                                 weights);
  }
  return models::shufflenet_v2({.width_multiplier = o.width_multiplier,
                                .flavour = flavour,
                                .residual = o.residual,
                                .in_channels = o.in_channels,
                                .classes = o.classes,
                                .height = o.height,
                                .width = o.width},
                               weights);
}

/// Of the process, so far.
std::int64_t peak_rss_bytes() {
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;  // Linux counts in KiB
}

/// Milliseconds a step of every layer since `before`.
void print_profile(const graph::Graph& graph, const trainer::Network& network,
                   const std::vector<trainer::LayerTime>& before, const Options& options,
                   const measure::Limits& limits) {
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  std::map<std::string, graph::NodeId> node;
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) node[graph.nodes[id].name] = id;
  std::printf("%-26s %9s %9s %9s %9s %9s %9s\n", "layer", "forward", "macs", "bytes", "backward", "macs", "bytes");
  const std::vector<trainer::LayerTime> after = network.times();
  double forward = 0, backward = 0;
  for (std::size_t i = 1; i < after.size(); ++i) {
    const graph::NodeId id = node.at(after[i].name);
    double in = 0;
    for (const graph::NodeId input : graph.nodes[id].inputs) in += static_cast<double>(shapes[input].size());
    const auto out = static_cast<double>(after[i].values);
    const double macs =
        1000 * options.batch * static_cast<double>(graph::cost(graph, shapes, id).macs) / limits.macs_per_second;
    const double byte = 1000 * options.batch * 4.0 / limits.weight_bytes_per_second;
    const double f = 1000 * (after[i].forward - before[i].forward) / options.steps;
    const double b = 1000 * (after[i].backward - before[i].backward) / options.steps;
    std::printf("%-26s %9.2f %9.2f %9.2f %9.2f %9.2f %9.2f\n", after[i].name.c_str(), f, macs, byte * (in + out), b,
                2 * macs, byte * 2 * (in + out));
    forward += f, backward += b;
  }
  std::printf("%-26s %9.2f %19s %9.2f\n", "all", forward, "", backward);
}

void measure(const Options& options) {
  const std::string isa = kernels::choose_kernels().isa;
  const measure::Limits limits = measure::measure(isa, options.threads, options.profile ? measure::largest_buffer : 0);
  const double peak = limits.macs_per_second;

  trainer::NetworkOptions network_options;
  network_options.batch = options.batch;
  network_options.threads = options.threads;
  const graph::Graph graph = make(options);
  trainer::Network network(graph, network_options);
  const auto adam = trainer::make_adam(network.parameters(), {}, {}, network.threads());
  const std::vector<float> images = models::random_values(
      0, "images", static_cast<std::size_t>(options.batch * network.input().size()), {.centre = 0.5F, .reach = 0.5F});
  std::vector<std::int32_t> labels;
  for (std::int32_t i = 0; i < options.batch; ++i) labels.push_back(i % options.classes);

  std::vector<double> seconds, forward_seconds;
  std::vector<trainer::LayerTime> times_before;
  double loss = 0;
  for (int step = 0; step < options.warmup + options.steps; ++step) {
    using Clock = std::chrono::steady_clock;
    if (step == options.warmup) times_before = network.times();
    const auto start = Clock::now();
    loss = network.forward(images, labels).loss;
    const std::chrono::duration<double> forward = Clock::now() - start;
    network.backward();
    adam->step(0.001);
    const std::chrono::duration<double> whole = Clock::now() - start;
    if (step < options.warmup) continue;
    seconds.push_back(whole.count());
    forward_seconds.push_back(forward.count());
  }
  if (options.profile) return print_profile(graph, network, times_before, options, limits);
  const double step = measure::summarise(seconds).median;
  const double macs_per_second = 3 * static_cast<double>(network.macs()) * options.batch / step;
  nlohmann::ordered_json result;
  result["images_per_second"] = options.batch / step;
  result["step_ms"] = 1000 * step;
  result["forward_ms"] = 1000 * measure::summarise(forward_seconds).median;
  result["threads"] = network.threads();
  result["isa"] = isa;
  result["macs_per_image"] = network.macs();
  result["gmac_per_second"] = 1e-9 * macs_per_second;
  result["share_of_peak"] = macs_per_second / peak;
  result["network_bytes"] = network.bytes();
  result["peak_rss_bytes"] = peak_rss_bytes();
  result["loss"] = loss;
  std::cout << result.dump(2) << '\n';
}

}  // namespace
}  // namespace riffle::bench

int main(int argc, char** argv) try {
  using namespace riffle;
  bench::Options options;
  CLI::App program("Times whole training steps");
  program.add_option("NETWORK", options.network, "ShuffleNet v1 or v2")->required()->check(CLI::IsMember({"v1", "v2"}));
  program.add_option("--groups", options.groups, "Groups of v1")->capture_default_str();
  program.add_option("--width", options.width_multiplier, "Width multiplier")->capture_default_str();
  program.add_option("--flavour", options.flavour, "paper or note")->check(CLI::IsMember({"paper", "note"}));
  program.add_flag("--residual", options.residual, "v2: add the kept half to the right branch");
  program.add_option("--in-channels", options.in_channels, "Input channels")->capture_default_str();
  program.add_option("--classes", options.classes, "Classes")->capture_default_str();
  std::string size = "224x224";
  program.add_option("--size", size, "Height x width")->capture_default_str();
  program.add_option("--batch", options.batch, "Images a step")->check(CLI::Range(1, 4096))->capture_default_str();
  program.add_option("--threads", options.threads, "Threads")->check(CLI::Range(1, 256))->capture_default_str();
  program.add_option("--steps", options.steps, "Steps that are timed")->check(CLI::Range(1, 100000));
  program.add_option("--warmup", options.warmup, "Steps before")->check(CLI::Range(0, 100000));
  program.add_flag("--profile", options.profile, "A table of the layers");
  CLI11_PARSE(program, argc, argv);
  if (std::sscanf(size.c_str(), "%dx%d", &options.height, &options.width) != 2) {
    throw Error("--size is " + size + ", not height x width, as 224x224");
  }
  bench::measure(options);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "riffle_train_bench: %s\n", error.what());
  return 1;
}
