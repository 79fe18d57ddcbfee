// riffle bench: how long one inference takes, and where the time goes.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/files.hpp"
#include "base/text.hpp"
#include "draw/roofline_svg.hpp"
#include "draw/table.hpp"
#include "engine/run/session.hpp"
#include "io/model_file.hpp"
#include "measure/profile.hpp"
#include "measure/statistics.hpp"
#include "measure/tensors.hpp"
#include "tools/bench_cold.hpp"
#include "tools/bench_trace.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"
#include "tools/tensors.hpp"

namespace riffle::tools {
namespace {

struct BenchOptions {
  std::string model;
  int threads = 1;
  std::optional<run::Cores> cores;
  int repeat = 100;
  int warmup = 10;
  int batch = 1;
  bool profile = false;
  bool cold = false;
  bool json = false;
  std::string svg, trace;
  ImageSize size;
  Type precision = Type::f32;
  plan::Without without;
};

std::int64_t macs_of(const plan::Plan& plan) {
  std::int64_t macs = 0;
  for (const plan::Step& step : plan.steps) macs += step.macs;
  return macs;
}

void warm_up(run::Session& session, const BenchOptions& options, const measure::Tensors& tensors) {
  for (int i = 0; i < options.warmup; ++i) session.run(tensors.inputs(), tensors.outputs(), options.batch);
}

/// Milliseconds an image.
std::vector<double> time_runs(run::Session& session, const BenchOptions& options, const measure::Tensors& tensors) {
  warm_up(session, options, tensors);
  std::vector<double> milliseconds;
  for (int i = 0; i < options.repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    session.run(tensors.inputs(), tensors.outputs(), options.batch);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    milliseconds.push_back(time.count() / options.batch);
  }
  return milliseconds;
}

measure::Profile time_steps(run::Session& session, const BenchOptions& options, const measure::Tensors& tensors) {
  const std::vector<plan::Step>& steps = session.plan().steps;
  measure::Profile profile;
  profile.threads = session.threads();
  // In the same minute as the steps: a machine's speed drifts.
  profile.limits = measure::measure(session.plan().kernels->isa, session.threads(), session.plan().weight_bytes);
  // A median needs no more than this; all runs of a long measurement would be kept otherwise.
  const int repeat = std::min(options.repeat, 1000);
  std::vector<std::vector<double>> milliseconds(steps.size());
  std::vector<double> seconds(steps.size());
  for (int i = 0; i < repeat; ++i) {
    session.run_profiled(tensors.inputs(), tensors.outputs(), seconds.data());
    for (std::size_t s = 0; s < steps.size(); ++s) milliseconds[s].push_back(seconds[s] * 1e3);
  }
  for (std::size_t s = 0; s < steps.size(); ++s) {
    profile.steps.push_back(
        measure::hold_against(profile.limits, steps[s], measure::summarise(milliseconds[s]).median));
  }
  return profile;
}

const char* binding(const measure::StepTime& time) { return time.bytes_bind ? "bytes" : "FMA"; }

std::string threads_text(int threads) { return std::to_string(threads) + (threads == 1 ? " thread" : " threads"); }

void print_limits(const measure::Profile& profile, const plan::Plan& plan) {
  const measure::Limits& limits = profile.limits;
  std::cout
      << "Limits, measured on " << threads_text(profile.threads) << " before the steps:\n"
      << "  FMA    " << fixed(limits.macs_per_second * 1e-9, 1) << " GMAC/s, multiply-adds of " << plan.kernels->isa
      << " on registers\n"
      << "  bytes  " << fixed(limits.activation_bytes_per_second * 1e-9, 1)
      << " GB/s for activations: " << bytes_text(limits.activation_bytes) << " a thread, read over and over\n"
      << "         " << fixed(limits.weight_bytes_per_second * 1e-9, 1)
      << " GB/s for weights: " << bytes_text(limits.weight_bytes) << ", read over and over"
      << (limits.weight_bytes == plan.weight_bytes ? ", as many as this plan's" : "") << "\n"
      << "A step's limit is the longer of the two: its multiply-adds at that rate, or its bytes, which are weights "
         "read\nand activations read and written, each once.\n\n";
}

/// The time as a bar, of which the solid part is the limit.
std::string bar_text(const measure::StepTime& time, double longest_ms) {
  constexpr double bar_width = 24;
  const auto length = [&](double ms) { return static_cast<int>(ms / longest_ms * bar_width + 0.5); };
  const int whole = length(time.ms), solid = std::min(length(time.limit_ms), whole);
  std::string bar;
  for (int i = 0; i < whole; ++i) bar += i < solid ? "█" : "░";
  return bar;
}

void print_profile(const measure::Profile& profile) {
  constexpr auto right = draw::Table::Align::right;
  const double total = std::max(profile.total_ms(), 1e-9);
  double longest = 1e-9;
  for (const measure::StepTime& time : profile.steps) longest = std::max(longest, time.ms);
  draw::Table table({{"step"},
                     {"operation"},
                     {"in"},
                     {"out"},
                     {"ms", right},
                     {"%", right},
                     {"limit ms", right},
                     {"% of limit", right},
                     {"binds"},
                     {"MMAC", right},
                     {"GMAC/s", right},
                     {"kernel"},
                     {""}});
  for (const measure::StepTime& time : profile.steps) {
    const plan::Step& step = *time.step;
    table.add({step.name, step.operation, graph::chw(step.in), graph::chw(step.out), fixed(time.ms, 4),
               fixed(100 * time.ms / total, 1), fixed(time.limit_ms, 4), fixed(100 * time.share_of_limit(), 0),
               binding(time), fixed(static_cast<double>(step.macs) / 1e6, 2),
               step.macs > 0 ? fixed(measure::gmac_per_second(step.macs, time.ms), 1) : "", step.kernel,
               bar_text(time, longest)});
  }
  table.add_rule();
  const std::int64_t macs = profile.total_macs();
  table.add({"total", "", "", "", fixed(total, 4), "100.0", fixed(profile.total_limit_ms(), 4),
             fixed(100 * profile.total_limit_ms() / total, 0), "", fixed(static_cast<double>(macs) / 1e6, 2),
             fixed(measure::gmac_per_second(macs, total), 1), "", ""});
  table.print(std::cout);
}

nlohmann::json limits_json(const measure::Profile& profile) {
  const measure::Limits& limits = profile.limits;
  return {{"gmac_per_s", limits.macs_per_second * 1e-9},
          {"activation_gb_per_s", limits.activation_bytes_per_second * 1e-9},
          {"activation_bytes", limits.activation_bytes},
          {"weight_gb_per_s", limits.weight_bytes_per_second * 1e-9},
          {"weight_bytes", limits.weight_bytes}};
}

nlohmann::json profile_json(const measure::Profile& profile) {
  const double total = std::max(profile.total_ms(), 1e-9);
  nlohmann::json steps = nlohmann::json::array();
  for (const measure::StepTime& time : profile.steps) {
    const plan::Step& step = *time.step;
    steps.push_back({{"name", step.name},
                     {"operation", step.operation},
                     {"kernel", step.kernel},
                     {"ms", time.ms},
                     {"share", time.ms / total},
                     {"limit_ms", time.limit_ms},
                     {"share_of_limit", time.share_of_limit()},
                     {"binds", binding(time)},
                     {"macs", step.macs},
                     {"gmac_per_s", measure::gmac_per_second(step.macs, time.ms)},
                     {"read_bytes", step.read_bytes},
                     {"write_bytes", step.write_bytes},
                     {"weight_bytes", step.weight_bytes}});
  }
  return steps;
}

void print_json(const BenchOptions& options, const run::Session& session, const measure::Statistics& time,
                const measure::Profile& profile) {
  const plan::Plan& plan = session.plan();
  const std::int64_t macs = macs_of(plan);
  nlohmann::json result = {{"model", file_name(options.model)},
                           {"inputs", tensors_json(plan.inputs)},
                           {"outputs", tensors_json(plan.outputs)},
                           {"isa", plan.kernels->isa},
                           {"precision", name_of(plan.precision)},
                           {"threads", session.threads()},
                           {"pinned", session.pinned()},
                           {"repeat", options.repeat},
                           {"warmup", options.warmup},
                           {"batch", options.batch},
                           {"macs", macs},
                           {"min_ms", time.min},
                           {"median_ms", time.median},
                           {"mean_ms", time.mean},
                           {"p95_ms", time.p95},
                           {"gmac_per_s", measure::gmac_per_second(macs, time.median)},
                           {"arena_bytes", plan.arena_bytes},
                           {"packed_bytes", plan.packed_bytes}};
  if (options.profile) {
    result["limits"] = limits_json(profile);
    result["steps_ms"] = profile.total_ms();
    result["steps_limit_ms"] = profile.total_limit_ms();
    result["steps"] = profile_json(profile);
  }
  std::cout << result.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_text(const BenchOptions& options, const run::Session& session, const measure::Statistics& time,
                const measure::Profile& profile) {
  const plan::Plan& plan = session.plan();
  const std::int64_t macs = macs_of(plan);
  if (options.profile) {
    print_limits(profile, plan);
    print_profile(profile);
    std::cout << '\n';
  }
  std::cout << file_name(options.model) << ", " << tensors_text("input", plan.inputs) << ", " << plan.kernels->isa
            << ", " << name_of(plan.precision) << ", " << threads_text(session.threads())
            << (session.pinned() ? " pinned" : "") << ", " << options.repeat
            << (options.batch == 1 ? " runs" : " runs of " + std::to_string(options.batch) + " images") << ": min "
            << fixed(time.min, 3) << " ms, median " << fixed(time.median, 3) << " ms, mean " << fixed(time.mean, 3)
            << " ms, p95 " << fixed(time.p95, 3) << " ms, " << fixed(measure::gmac_per_second(macs, time.median), 1)
            << " GMAC/s\n";
}

void bench(const BenchOptions& options) {
  require_another_file({"--svg", options.svg}, {{"MODEL", options.model}});
  require_another_file({"--trace", options.trace}, {{"MODEL", options.model}});
  const auto plan = make_plan(io::load_model(options.model, import_options(options.model, options.size)),
                              {.height = options.size.height,
                               .width = options.size.width,
                               .precision = options.precision,
                               .without = options.without});
  run::Session session = make_session(plan, options.threads, options.cores);
  measure::Tensors tensors(*plan, options.batch);
  tensors.fill_inputs();
  const measure::Statistics time = measure::summarise(time_runs(session, options, tensors));
  measure::Profile profile;
  if (options.profile) profile = time_steps(session, options, tensors);
  if (options.json) {
    print_json(options, session, time, profile);
  } else {
    print_text(options, session, time, profile);
  }
  const auto write = [&](const std::string& path, const std::string& content, const char* what) {
    write_file(path, {std::as_bytes(std::span(content))});
    if (!options.json) std::cout << path << ": " << what << '\n';
  };
  if (!options.svg.empty()) write(options.svg, draw::roofline_svg(*plan, profile), "the steps under their roofline");
  if (!options.trace.empty()) {
    std::vector<run::TraceSlice> slices(static_cast<std::size_t>(session.threads()) * plan->steps.size());
    warm_up(session, options, tensors);  // the workers have gone to sleep
    session.run_traced(tensors.inputs(), tensors.outputs(), slices.data());
    write(options.trace, trace_json(session, slices), "an inference, for chrome://tracing or Perfetto");
  }
}

}  // namespace

void add_bench(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("bench", "How long one inference takes");
  const auto options = std::make_shared<BenchOptions>();
  add_model(command, options->model);
  add_threads(command, options->threads);
  CLI::Option* cores = add_cores(command, options->cores);
  CLI::Option* repeat = add_number(command, "--repeat", options->repeat, 1, 1'000'000,
                                   "Timed runs; with --cold loads, of which there are 21 by default");
  CLI::Option* warmup = add_number(command, "--warmup", options->warmup, 0, 1'000'000,
                                   "Runs before the timed ones, which are not counted");
  CLI::Option* batch = add_number(command, "--batch", options->batch, 1, 1024, "Images a run; times are an image's");
  CLI::Option* profile = command.add_flag(
      "--profile", options->profile, "Time every step of a single image, too, and hold it against this CPU's limits");
  command.add_option("--svg", options->svg, "Draw the profile's roofline into this file")
      ->needs(profile)
      ->type_name("FILE");
  CLI::Option* trace =
      command
          .add_option("--trace", options->trace,
                      "Write into this file which worker was at which step when, of one image more, in Chrome's "
                      "trace-event format (chrome://tracing, Perfetto)")
          ->type_name("FILE.json");
  CLI::Option* cold = command.add_flag("--cold", options->cold,
                                       "Of a .riffle file, from it to the first answer instead: the phases of --repeat "
                                       "loads, each in a new process, and "
                                       "the memory that they take");
  for (CLI::Option* option : {cores, warmup, batch, profile, trace}) cold->excludes(option);
  command.add_flag("--json", options->json, "Print one JSON object; times are milliseconds");
  add_size(command, options->size, "; by default the model's own");
  for (CLI::Option* option : {add_precision(command, options->precision), add_without(command, options->without)}) {
    cold->excludes(option);
  }
  command.callback([options, repeat] {
    constexpr int cold_loads = 21;
    if (options->cold) {
      require_threads(options->threads);
      bench_cold({options->model, options->threads, repeat->empty() ? cold_loads : options->repeat,
                  options->size.height, options->size.width},
                 options->json);
    } else {
      bench(*options);
    }
  });
}

}  // namespace riffle::tools
