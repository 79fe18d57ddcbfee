// riffle run: a tensor through a model.
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "base/text.hpp"
#include "engine/run/session.hpp"
#include "io/model_file.hpp"
#include "io/npy.hpp"
#include "measure/statistics.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"

namespace riffle::tools {
namespace {

constexpr std::int64_t max_output_floats = std::int64_t{1} << 30;

struct RunOptions {
  std::string model;
  std::string input;
  std::string output;
  int threads = 1;
  std::optional<run::Cores> cores;
  int repeat = 1;
};

/// The tensor with a batch in front, checked against what the model takes.
io::Tensor read_input(const std::string& path, const graph::Shape& model) {
  io::Tensor tensor = io::read_npy(path);
  const std::string given = io::shape_text(tensor.shape);
  if (tensor.shape.size() == 3) tensor.shape.insert(tensor.shape.begin(), 1);
  const bool fits = tensor.shape.size() == 4 && tensor.shape[0] >= 1 && tensor.shape[1] == model.c &&
                    tensor.shape[2] >= 1 && tensor.shape[2] <= graph::max_extent && tensor.shape[3] >= 1 &&
                    tensor.shape[3] <= graph::max_extent;
  if (!fits) {
    throw Error(path + ": shape " + given + "; the model takes (N, " + std::to_string(model.c) +
                ", H, W), by default " + io::shape_text(std::vector<std::int64_t>{1, model.c, model.h, model.w}));
  }
  return tensor;
}

void run_model(const RunOptions& options) {
  require_another_file({"--output", options.output}, {{"--input", options.input}, {"MODEL", options.model}});
  graph::Graph graph = io::load_model(options.model);
  const io::Tensor input = read_input(options.input, graph.input_shape());
  const auto plan = plan::make(std::move(graph), {.height = static_cast<std::int32_t>(input.shape[2]),
                                                  .width = static_cast<std::int32_t>(input.shape[3])});
  const std::int64_t batch = input.shape[0];
  if (batch > max_output_floats / plan->outputs[0].shape.size()) {
    throw Error(options.input + ": a batch of " + std::to_string(batch) + " gives more output than is held");
  }
  run::Session session = make_session(plan, options.threads, options.cores);
  io::Tensor output;
  output.shape = {batch, plan->outputs[0].shape.c};
  if (plan->outputs[0].shape.pixels() != 1)
    output.shape.insert(output.shape.end(), {plan->outputs[0].shape.h, plan->outputs[0].shape.w});
  output.values.resize(static_cast<std::size_t>(batch * plan->outputs[0].shape.size()));

  std::vector<double> milliseconds;
  for (int i = 0; i < options.repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    session.run(input.values.data(), output.values.data(), batch);
    milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  io::write_npy(options.output, output.shape, output.values);

  const measure::Statistics time = measure::summarise(milliseconds);
  std::cout << options.output << ": " << io::shape_text(output.shape) << " in " << fixed(time.median, 3) << " ms";
  if (options.repeat > 1) std::cout << " (median of " << options.repeat << ", min " << fixed(time.min, 3) << " ms)";
  std::cout << '\n';
}

}  // namespace

void add_run(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("run", "A tensor through a model");
  const auto options = std::make_shared<RunOptions>();
  add_model(command, options->model);
  command.add_option("--input", options->input, "A .npy file of float32, (N, C, H, W) or (C, H, W)")
      ->required()
      ->type_name("X.npy");
  command.add_option("--output", options->output, "The .npy file to write: float32, (N, C) or (N, C, H, W)")
      ->required()
      ->type_name("Y.npy");
  add_threads(command, options->threads);
  add_cores(command, options->cores);
  add_number(command, "--repeat", options->repeat, 1, 1'000'000, "Run so many times; the time is the median");
  command.callback([options] { run_model(*options); });
}

}  // namespace riffle::tools
