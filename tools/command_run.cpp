// riffle run: tensors through a model.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "engine/run/session.hpp"
#include "io/npy.hpp"
#include "io/npz.hpp"
#include "measure/statistics.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"
#include "tools/tensor_files.hpp"

namespace riffle::tools {
namespace {

struct RunOptions {
  std::string model;
  std::string input;
  std::string output;
  std::string all;
  int threads = 1;
  std::optional<run::Cores> cores;
  int repeat = 1;
  Type precision = Type::f32;
  plan::Without without;
};

void run_model(const RunOptions& options) {
  if (options.output.empty() && options.all.empty()) throw CLI::RequiredError("--output, or --all,");
  const bool all = !options.all.empty();
  const std::string& to = all ? options.all : options.output;
  require_another_file({all ? "--all" : "--output", to}, {{"--input", options.input}, {"MODEL", options.model}});
  if (all && !is_archive(to)) throw Error(to + ": every tensor of a model goes into an .npz file");
  Loaded loaded = load_with_inputs(options.model, options.input, all ? Wanted::every_tensor : Wanted::outputs);
  if (loaded.graph.outputs.size() > 1 && !is_archive(to)) {
    throw Error(to + ": holds one tensor; the model gives " + std::to_string(loaded.graph.outputs.size()) +
                ", which an .npz file takes under their names: " + output_names(loaded.graph));
  }
  if (loaded.unread > 0) {
    std::cerr << "riffle: " << printable(options.input) << ": " << loaded.unread
              << " of its tensors ignored; the model takes " << printable(input_names(loaded.graph)) << '\n';
  }
  const auto plan = make_plan(loaded.graph, {.precision = options.precision, .without = options.without});
  run::Session session = make_session(plan, options.threads, options.cores);
  Batch batch(loaded, *plan, options.input);

  std::vector<double> milliseconds;
  for (int i = 0; i < options.repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    batch.run(session);
    milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::vector<io::NamedTensor>& tensors = batch.outputs();
  std::string written;
  if (all) {
    for (std::size_t i = 0; i < loaded.inputs.size(); ++i) {
      const std::string& name = plan->inputs[i].name;
      if (std::ranges::find(tensors, name, &io::NamedTensor::name) != tensors.end()) continue;
      tensors.push_back({name, std::move(loaded.inputs[i])});
    }
    written = std::to_string(tensors.size()) + " tensors";
  } else {
    for (const auto& [name, tensor] : tensors) {
      written += (written.empty() ? "" : ", ") + (is_archive(to) ? name + " " : "") + io::shape_text(tensor.shape);
    }
  }
  if (is_archive(to)) {
    io::write_npz(to, tensors);
  } else {
    io::write_npy(to, tensors[0].tensor);
  }

  const measure::Statistics time = measure::summarise(milliseconds);
  std::cout << to << ": " << printable(written) << " in " << fixed(time.median, 3) << " ms";
  if (options.repeat > 1) std::cout << " (median of " << options.repeat << ", min " << fixed(time.min, 3) << " ms)";
  std::cout << '\n';
}

}  // namespace

void add_run(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("run", "Tensors through a model");
  const auto options = std::make_shared<RunOptions>();
  add_model(command, options->model);
  command
      .add_option("--input", options->input,
                  "The model's input, as it declares it, such as (N, C, H, W), in a .npy file; of one image the batch "
                  "may be left out. Or all of its inputs, by their names, in an .npz file. Of the types that the model "
                  "takes; bfloat16 as uint16, by its bits")
      ->required()
      ->type_name("X.npy|X.npz");
  CLI::Option* const output =
      command
          .add_option("--output", options->output,
                      "The file to write, its output or outputs alike, of the shapes and types that the model gives")
          ->type_name("Y.npy|Y.npz");
  command
      .add_option("--all", options->all,
                  "In its place: every tensor, from the inputs to the outputs, by its name, to be compared with those "
                  "of another runtime; of an .onnx file as the file has them, of a .riffle file each node's result. "
                  "What is otherwise fused is computed one by one")
      ->type_name("OUT.npz")
      ->excludes(output);
  add_threads(command, options->threads);
  add_precision(command, options->precision);
  add_without(command, options->without);
  add_cores(command, options->cores);
  add_number(command, "--repeat", options->repeat, 1, 1'000'000, "Run so many times; the time is the median");
  command.callback([options] { run_model(*options); });
}

}  // namespace riffle::tools
