// riffle verify: is what the plans of a model compute what the model means?
#include <iostream>
#include <memory>
#include <string>

#include "base/text.hpp"
#include "io/model_file.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"
#include "verify/check_model.hpp"
#include "verify/random_graph.hpp"

namespace riffle::tools {
namespace {

struct VerifyOptions {
  std::string model;
  ImageSize size;
  std::uint64_t seed = 1;
  double tolerance = 1e-4;
};

std::string text(const verify::Deviation& deviation) {
  return "'" + deviation.tensor + "' is off by " + shortest(static_cast<float>(deviation.difference)) +
         " where numbers are up to " + shortest(static_cast<float>(deviation.largest));
}

void verify_model(const VerifyOptions& options) {
  graph::Graph graph = io::load_model(options.model, import_options(options.model, options.size));
  if (options.size.height > 0) graph.set_input_size(options.size.height, options.size.width);
  std::string wrong;
  verify::check_model(graph, verify::random_inputs(graph, 1, options.seed), options.tolerance,
                      [&](const verify::CheckedWay& way) {
                        std::cout << printable(way.way) << ": ";
                        if (!way.output) {
                          std::cout << "right, within " << shortest(static_cast<float>(way.difference)) << std::endl;
                          return;
                        }
                        std::string what = "the output " + text(*way.output);
                        what += way.first_node ? "; the first node that differs: " + text(*way.first_node)
                                               : "; every node is right where all are outputs, so that it is what the "
                                                 "plan does between them";
                        std::cout << printable(what) << std::endl;
                        if (wrong.empty()) wrong = way.way + ": " + what;
                      });
  if (!wrong.empty()) throw Error(options.model + ": " + wrong);
}

}  // namespace

void add_verify(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("verify", "Whether every instruction set computes what a model means");
  const auto options = std::make_shared<VerifyOptions>();
  add_model(command, options->model);
  add_size(command, options->size, "; by default the model's own");
  add_number(command, "--seed", options->seed, 0, 1'000'000'000, "Of the random numbers that the inputs are");
  add_number(command, "--tolerance", options->tolerance, 0, 1,
             "How far a number may be from the right one, as a part of its tensor's largest one, or of 1 if that is "
             "less");
  command.footer(
      "The model runs node by node, unoptimised, in double, and as a plan on every instruction set that this CPU has. "
      "Where an output differs, the first node that does is named, and the exit code is 1.");
  command.callback([options] { verify_model(*options); });
}

}  // namespace riffle::tools
