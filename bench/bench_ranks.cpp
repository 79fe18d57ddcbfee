// riffle_ranks_bench: what ranks cost, on as many processes as it is started on. Rank 0 prints JSON.
//
//   mpirun -n 2 riffle_ranks_bench sums     a sum of floats in the order of the ranks, beside MPI's own allreduce
//   mpirun -n 2 riffle_ranks_bench steps    training steps with and without the others, and the sums by themselves
//
// What is compared is measured in turn, round after round.
#include <mpi.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "measure/statistics.hpp"
#include "models/models.hpp"
#include "models/random.hpp"
#include "trainer/initial/initialise.hpp"
#include "trainer/mpi/mpi_ranks.hpp"
#include "trainer/network/network.hpp"
#include "trainer/optimizer/optimizer.hpp"
#include "trainer/ranks/bucketed_sum.hpp"

namespace riffle::bench {
namespace {

using nlohmann::ordered_json;

struct Options {
  int rounds = 15;
  double width_multiplier = 0.5;
  std::int32_t side = 64;
  std::int32_t batch = 64;
  int threads = 1;
  bool synchronised = false;
};

/// Seconds of f, which all ranks begin together.
double seconds(const std::function<void()>& f) {
  MPI_Barrier(MPI_COMM_WORLD);
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The median, and the least: what is left where the machine has other work, too.
ordered_json milliseconds(const std::vector<double>& rounds) {
  return {{"median", 1e3 * measure::summarise(rounds).median}, {"least", 1e3 * measure::summarise(rounds).min}};
}

/// Ranks that wait for the slowest before they finish their sums, so that what is left of these can be told from that.
class Watched final : public training::Ranks {
 public:
  explicit Watched(trainer::MpiRanks& ranks) : ranks_(ranks) {}
  [[nodiscard]] int rank() const override { return ranks_.rank(); }
  [[nodiscard]] int size() const override { return ranks_.size(); }
  void sum(std::span<double> values) override { ranks_.sum(values); }
  void begin_sum(std::span<float> values) override { ranks_.begin_sum(values); }
  void progress() override { ranks_.progress(); }
  void finish_sums() override {
    left += seconds([&] { ranks_.finish_sums(); });
  }
  void broadcast(std::span<std::byte> bytes, int root) override { ranks_.broadcast(bytes, root); }

  double left = 0;  ///< seconds

 private:
  trainer::MpiRanks& ranks_;
};

ordered_json measure_sums(trainer::MpiRanks& ranks, const Options& options) {
  ordered_json result;
  for (std::size_t bytes = 1 << 10; bytes <= 1 << 24; bytes *= 4) {
    std::vector<float> values(bytes / sizeof(float), 1.0F), others = values;
    std::vector<double> in_order, allreduce;
    for (int round = 0; round < options.rounds; ++round) {
      in_order.push_back(seconds([&] {
        ranks.begin_sum(values);
        ranks.finish_sums();
      }));
      allreduce.push_back(seconds([&] {
        MPI_Allreduce(MPI_IN_PLACE, others.data(), static_cast<int>(others.size()), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      }));
      std::fill(values.begin(), values.end(), 1.0F);
      std::fill(others.begin(), others.end(), 1.0F);
    }
    result.push_back(
        {{"bytes", bytes}, {"in_order_ms", milliseconds(in_order)}, {"allreduce_ms", milliseconds(allreduce)}});
  }
  return result;
}

ordered_json measure_steps(trainer::MpiRanks& ranks, const Options& options) {
  const graph::Graph graph = models::shufflenet_v2({.width_multiplier = options.width_multiplier,
                                                    .in_channels = 1,
                                                    .classes = 10,
                                                    .height = options.side,
                                                    .width = options.side},
                                                   trainer::xavier_uniform(0));
  trainer::NetworkOptions network_options;
  network_options.batch = options.batch;
  network_options.threads = options.threads;
  trainer::Network alone(graph, network_options);
  Watched watched(ranks);
  network_options.ranks = &watched;
  network_options.synchronise_norms = options.synchronised;
  trainer::Network together(graph, network_options);
  const auto adam = trainer::make_adam(alone.parameters(), {}, {}, options.threads);
  const auto adam_together = trainer::make_adam(together.parameters(), {}, {}, options.threads);
  const std::vector<float> images = models::random_values(
      0, "images", static_cast<std::size_t>(options.batch * together.input().size()), {.centre = 0.5F, .reach = 0.5F});
  std::vector<std::int32_t> labels;
  for (std::int32_t i = 0; i < options.batch; ++i) labels.push_back(i % 10);
  std::size_t floats = 0;
  for (const trainer::Parameter& one : together.parameters()) floats += one.gradient.size();
  std::vector<float> gradients(floats);

  const auto step = [&](trainer::Network& network, trainer::Optimizer& optimizer) {
    network.forward(images, labels);
    network.backward();
    optimizer.step(0.001);
  };
  std::vector<double> by_itself, with_others, sums, left;
  for (int round = -2; round < options.rounds; ++round) {
    const double one = seconds([&] { step(alone, *adam); });
    watched.left = 0;
    const double other = seconds([&] { step(together, *adam_together); });
    const double sum = seconds([&] {
      trainer::BucketedSum all(ranks, gradients);
      all.finish();
    });
    if (round < 0) continue;
    by_itself.push_back(one);
    with_others.push_back(other);
    sums.push_back(sum);
    left.push_back(watched.left);
  }
  ordered_json result;
  result["ranks"] = ranks.size();
  result["threads"] = options.threads;
  result["images_per_second"] = options.batch * ranks.size() / measure::summarise(with_others).median;
  result["step_ms"] = milliseconds(with_others);
  result["step_without_others_ms"] = milliseconds(by_itself);
  result["sums_by_themselves_ms"] = milliseconds(sums);
  result["sums_behind_backward_ms"] = milliseconds(left);
  // Two rounds of a part for each of the others.
  result["bytes_sent_a_step"] =
      2 * sizeof(float) * floats * static_cast<std::size_t>(ranks.size() - 1) / static_cast<std::size_t>(ranks.size());
  return result;
}

}  // namespace
}  // namespace riffle::bench

int main(int argc, char** argv) {
  using riffle::bench::Options;
  CLI::App program("What ranks cost", "riffle_ranks_bench");
  Options options;
  program.add_option("--rounds", options.rounds, "Of everything in turn")->check(CLI::Range(1, 1000));
  CLI::App* const sums = program.add_subcommand("sums", "Sums of 1 KiB to 16 MiB");
  CLI::App* const steps = program.add_subcommand("steps", "Training steps of ShuffleNet V2");
  steps->add_option("--width", options.width_multiplier, "Width multiplier");
  steps->add_option("--side", options.side, "Pixels")->check(CLI::Range(32, 1024));
  steps->add_option("--batch", options.batch, "Of a rank")->check(CLI::Range(2, 4096));
  steps->add_option("--threads", options.threads, "Of a rank")->check(CLI::Range(1, 256));
  steps->add_flag("--sync-batch-norm", options.synchronised, "Norms over all ranks");
  program.require_subcommand(1);
  CLI11_PARSE(program, argc, argv);

  riffle::trainer::MpiRanks ranks;
  try {
    const auto result =
        sums->parsed() ? riffle::bench::measure_sums(ranks, options) : riffle::bench::measure_steps(ranks, options);
    if (ranks.rank() == 0) std::cout << result.dump(2) << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "riffle_ranks_bench: " << error.what() << '\n';
    ranks.abort(1);
  }
}
