// riffle build: a network from its spec, with seeded random weights.
#include <iostream>
#include <memory>

#include "base/text.hpp"
#include "engine/passes/passes.hpp"
#include "io/model_file.hpp"
#include "tools/commands.hpp"
#include "tools/spec_options.hpp"
#include "tools/tensors.hpp"

namespace riffle::tools {
namespace {

struct BuildOptions {
  SpecOptions spec;
  std::string output;
  std::uint64_t seed = 0;
};

void build(const BuildOptions& options) {
  const io::ModelFormat format = io::format_to_save(options.output);  // before much is made
  graph::Graph graph = make_network(options.spec, models::random_weights(options.seed));
  const graph::Cost defined = graph::total_cost(graph);
  // A .riffle file is for riffle alone; ONNX is for others, and gets the graph as it is.
  if (format == io::ModelFormat::riffle) passes::optimise(graph);
  io::save_model(graph, options.output);
  std::cout << options.output << ": " << graph.name << ", "
            << tensors_text("input", plan::signature_of(graph, graph::infer_shapes(graph)).inputs) << ", "
            << millions(defined.macs) << " MAC, " << grouped(defined.parameters) << " parameters\n";
}

}  // namespace

void add_build(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("build", "A network from its spec with seeded random weights");
  const auto options = std::make_shared<BuildOptions>();
  add_spec(command, options->spec)->required();
  command.add_option("OUT", options->output, "The file to write; its name ends in .riffle or .onnx")->required();
  add_number(command, "--seed", options->seed, 0, UINT64_MAX, "Seed of the random weights");
  command.callback([options] {
    check_spec(options->spec);
    build(*options);
  });
}

}  // namespace riffle::tools
