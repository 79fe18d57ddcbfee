// riffle build: a network from its spec, with seeded random weights.
#include <iostream>
#include <memory>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "engine/passes/passes.hpp"
#include "tools/commands.hpp"
#include "tools/spec_options.hpp"
#include "tools/text.hpp"

namespace riffle::tools {
namespace {

struct BuildOptions {
  SpecOptions spec;
  std::string output;
  std::uint64_t seed = 0;
};

void build(const BuildOptions& options) {
  graph::Graph graph = make_network(options.spec, models::random_weights(options.seed));
  const graph::Cost defined = graph::total_cost(graph);
  passes::optimise(graph);
  write_file(options.output, {format::save(graph)});
  std::cout << options.output << ": " << graph.name << ", input " << chw(graph.input_shape()) << ", "
            << millions(defined.macs) << " MAC, " << grouped(defined.parameters) << " parameters\n";
}

}  // namespace

void add_build(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("build", "A network from its spec with seeded random weights");
  const auto options = std::make_shared<BuildOptions>();
  add_spec(command, options->spec)->required();
  command.add_option("OUT", options->output, "The .riffle file to write")->required();
  command.add_option("--seed", options->seed, "Seed of the random weights")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.callback([options] {
    check_spec(options->spec);
    build(*options);
  });
}

}  // namespace riffle::tools
