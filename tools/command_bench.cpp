// riffle bench: how long one inference takes, and where the time goes.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "engine/run/session.hpp"
#include "tools/commands.hpp"
#include "tools/model_file.hpp"
#include "tools/options.hpp"
#include "tools/statistics.hpp"
#include "tools/table.hpp"
#include "tools/text.hpp"

namespace riffle::tools {
namespace {

struct Options {
  std::string model;
  int threads = 1;
  int repeat = 100;
  int warmup = 10;
  bool profile = false;
  bool json = false;
  ImageSize size;
};

struct StepTime {
  const plan::Step* step = nullptr;
  double median_ms = 0;
};

double gmac_per_second(std::int64_t macs, double milliseconds) {
  return milliseconds > 0 ? static_cast<double>(macs) / 1e6 / milliseconds : 0.0;
}

std::int64_t total_macs(const plan::Plan& plan) {
  std::int64_t macs = 0;
  for (const plan::Step& step : plan.steps) macs += step.macs;
  return macs;
}

/// Reproducible: the engine's random numbers are the same everywhere, its conversion here too.
std::vector<float> random_input(std::int64_t size) {
  std::mt19937 random(1);
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& value : values) value = static_cast<float>(random() >> 8) * 0x1p-23F - 1.0F;
  return values;
}

std::vector<double> time_runs(run::Session& session, const Options& options, std::span<const float> input,
                              std::span<float> output) {
  for (int i = 0; i < options.warmup; ++i) session.run(input.data(), output.data());
  std::vector<double> milliseconds;
  for (int i = 0; i < options.repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    session.run(input.data(), output.data());
    milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return milliseconds;
}

std::vector<StepTime> time_steps(run::Session& session, const Options& options, std::span<const float> input,
                                 std::span<float> output) {
  const std::vector<plan::Step>& steps = session.plan().steps;
  // A median needs no more than this; all runs of a long measurement would be kept otherwise.
  const int repeat = std::min(options.repeat, 1000);
  std::vector<std::vector<double>> milliseconds(steps.size());
  std::vector<double> seconds(steps.size());
  for (int i = 0; i < repeat; ++i) {
    session.run_profiled(input.data(), output.data(), seconds.data());
    for (std::size_t s = 0; s < steps.size(); ++s) milliseconds[s].push_back(seconds[s] * 1e3);
  }
  std::vector<StepTime> times;
  for (std::size_t s = 0; s < steps.size(); ++s) times.push_back({&steps[s], summarise(milliseconds[s]).median});
  return times;
}

double total_ms(const std::vector<StepTime>& times) {
  double total = 0;
  for (const StepTime& time : times) total += time.median_ms;
  return total;
}

void print_profile(const std::vector<StepTime>& times) {
  constexpr double bar_width = 24;
  const double total = std::max(total_ms(times), 1e-9);
  double longest = 1e-9;
  for (const StepTime& time : times) longest = std::max(longest, time.median_ms);
  Table table({{"step"},
               {"operation"},
               {"in"},
               {"out"},
               {"ms", Table::Align::right},
               {"%", Table::Align::right},
               {"MMAC", Table::Align::right},
               {"GMAC/s", Table::Align::right},
               {"kernel"},
               {""}});
  std::int64_t macs = 0;
  for (const StepTime& time : times) {
    const plan::Step& step = *time.step;
    macs += step.macs;
    std::string bar;
    for (int i = 0; i < static_cast<int>(time.median_ms / longest * bar_width + 0.5); ++i) bar += "█";
    table.add({step.name, step.operation, chw(step.in), chw(step.out), fixed(time.median_ms, 4),
               fixed(100 * time.median_ms / total, 1), fixed(static_cast<double>(step.macs) / 1e6, 2),
               step.macs > 0 ? fixed(gmac_per_second(step.macs, time.median_ms), 1) : "", step.kernel, bar});
  }
  table.add_rule();
  table.add({"total", "", "", "", fixed(total, 4), "100.0", fixed(static_cast<double>(macs) / 1e6, 2),
             fixed(gmac_per_second(macs, total), 1), "", ""});
  table.print(std::cout);
}

nlohmann::json profile_json(const std::vector<StepTime>& times) {
  const double total = std::max(total_ms(times), 1e-9);
  nlohmann::json steps = nlohmann::json::array();
  for (const StepTime& time : times) {
    const plan::Step& step = *time.step;
    steps.push_back({{"name", step.name},
                     {"operation", step.operation},
                     {"kernel", step.kernel},
                     {"ms", time.median_ms},
                     {"share", time.median_ms / total},
                     {"macs", step.macs},
                     {"gmac_per_s", gmac_per_second(step.macs, time.median_ms)},
                     {"read_bytes", step.read_bytes},
                     {"write_bytes", step.write_bytes},
                     {"weight_bytes", step.weight_bytes}});
  }
  return steps;
}

void bench(const Options& options) {
  const auto plan = plan::make(load_model(options.model), {.height = options.size.height, .width = options.size.width});
  run::Session session(plan, options.threads);
  const std::vector<float> input = random_input(plan->input.size());
  std::vector<float> output(static_cast<std::size_t>(plan->output.size()));
  const Statistics time = summarise(time_runs(session, options, input, output));
  std::vector<StepTime> steps;
  if (options.profile) steps = time_steps(session, options, input, output);
  const std::int64_t macs = total_macs(*plan);
  const double rate = gmac_per_second(macs, time.median);

  if (options.json) {
    nlohmann::json result = {{"model", file_name(options.model)},
                             {"input", {plan->input.c, plan->input.h, plan->input.w}},
                             {"isa", plan->kernels->isa},
                             {"threads", session.threads()},
                             {"repeat", options.repeat},
                             {"warmup", options.warmup},
                             {"macs", macs},
                             {"min_ms", time.min},
                             {"median_ms", time.median},
                             {"mean_ms", time.mean},
                             {"p95_ms", time.p95},
                             {"gmac_per_s", rate},
                             {"arena_bytes", plan->arena_floats * static_cast<std::int64_t>(sizeof(float))},
                             {"packed_bytes", plan->packed_bytes}};
    if (options.profile) result["steps"] = profile_json(steps);
    std::cout << result.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return;
  }
  if (options.profile) {
    print_profile(steps);
    std::cout << '\n';
  }
  std::cout << file_name(options.model) << ", input " << chw(plan->input) << ", " << plan->kernels->isa << ", "
            << session.threads() << (session.threads() == 1 ? " thread, " : " threads, ") << options.repeat
            << " runs: min " << fixed(time.min, 3) << " ms, median " << fixed(time.median, 3) << " ms, mean "
            << fixed(time.mean, 3) << " ms, p95 " << fixed(time.p95, 3) << " ms, " << fixed(rate, 1) << " GMAC/s\n";
}

}  // namespace

void add_bench(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("bench", "How long one inference takes");
  const auto options = std::make_shared<Options>();
  add_model(command, options->model);
  add_threads(command, options->threads);
  command.add_option("--repeat", options->repeat, "Timed runs")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command.add_option("--warmup", options->warmup, "Runs before the timed ones")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command.add_flag("--profile", options->profile, "Time every step, too");
  command.add_flag("--json", options->json, "Print one JSON object");
  add_size(command, options->size);
  command.callback([options] { bench(*options); });
}

}  // namespace riffle::tools
