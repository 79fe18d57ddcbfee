// riffle build: a network from its spec, with seeded random weights.
#include <cmath>
#include <iostream>
#include <memory>

#include "engine/format/format.hpp"
#include "engine/passes/passes.hpp"
#include "models/models.hpp"
#include "tools/commands.hpp"
#include "tools/files.hpp"
#include "tools/options.hpp"
#include "tools/text.hpp"

namespace riffle::tools {
namespace {

struct Options {
  std::string network;
  std::string output;
  std::int32_t groups = 3;
  double width = 1.0;
  std::string flavour = "paper";
  bool residual = false;
  std::int32_t in_channels = 0;  ///< 0: what the flavour has
  std::int32_t classes = 0;      ///< 0: what the flavour has
  ImageSize size = {224, 224};
  std::uint64_t seed = 0;
};

graph::Graph make(const Options& options) {
  const bool note = options.flavour == "note";
  const models::Flavour flavour = note ? models::Flavour::note : models::Flavour::paper;
  const std::int32_t in_channels = options.in_channels ? options.in_channels : note ? 1 : 3;
  const std::int32_t classes = options.classes ? options.classes : note ? 10 : 1000;
  const models::WeightSource weights = models::random_weights(options.seed);
  if (options.network == "v1") {
    return models::shufflenet_v1({.groups = options.groups,
                                  .width = options.width,
                                  .flavour = flavour,
                                  .in_channels = in_channels,
                                  .classes = classes,
                                  .height = options.size.height,
                                  .width_px = options.size.width},
                                 weights);
  }
  return models::shufflenet_v2({.width = options.width,
                                .flavour = flavour,
                                .residual = options.residual,
                                .in_channels = in_channels,
                                .classes = classes,
                                .height = options.size.height,
                                .width_px = options.size.width},
                               weights);
}

void build(const Options& options) {
  graph::Graph graph = make(options);
  const graph::Cost defined = graph::total_cost(graph);
  passes::optimise(graph);
  write_file(options.output, {format::save(graph)});
  std::cout << options.output << ": " << graph.name << ", input " << chw(graph.input_shape()) << ", "
            << millions(defined.macs) << " MAC, " << grouped(defined.parameters) << " parameters\n";
}

}  // namespace

void add_build(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("build", "A network from its spec with seeded random weights");
  const auto options = std::make_shared<Options>();
  command.add_option("NETWORK", options->network, "ShuffleNet v1 or v2")
      ->required()
      ->check(CLI::IsMember({"v1", "v2"}));
  command.add_option("OUT", options->output, "The .riffle file to write")->required();
  CLI::Option* groups = command.add_option("--groups", options->groups, "Groups of v1: 1, 2, 3, 4 or 8")
                            ->check(CLI::IsMember({1, 2, 3, 4, 8}))
                            ->capture_default_str();
  command.add_option("--width", options->width, "Width multiplier, above 0 and up to 8")
      ->check(CLI::Range(1.0 / 64, 8.0))
      ->capture_default_str();
  command.add_option("--flavour", options->flavour, "As published (paper) or for one-channel images (note)")
      ->check(CLI::IsMember({"paper", "note"}))
      ->capture_default_str();
  CLI::Option* residual =
      command.add_flag("--residual", options->residual, "v2: add the kept half to the right branch");
  const CLI::Range any_extent(1, static_cast<int>(graph::max_extent));
  command.add_option("--in-channels", options->in_channels, "Input channels (3 paper, 1 note)")->check(any_extent);
  command.add_option("--classes", options->classes, "Classes (1000 paper, 10 note)")->check(any_extent);
  add_size(command, options->size)->default_str("224x224");
  command.add_option("--seed", options->seed, "Seed of the random weights")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.callback([options, groups, residual] {
    if (std::isnan(options->width)) throw Error("--width: not a number");  // which CLI::Range lets pass
    if (options->network == "v2" && groups->count() > 0) throw Error("--groups: ShuffleNet v2 has no groups");
    if (options->network == "v1" && residual->count() > 0) throw Error("--residual: belongs to ShuffleNet v2");
    build(*options);
  });
}

}  // namespace riffle::tools
