#include "tools/spec_options.hpp"

#include <algorithm>
#include <cmath>

namespace riffle::tools {

CLI::Option* add_spec(CLI::App& command, SpecOptions& options) {
  const CLI::Range any_extent(1, static_cast<int>(graph::max_extent));
  CLI::Option* network =
      command.add_option("NETWORK", options.network, "ShuffleNet v1 or v2")->check(CLI::IsMember({"v1", "v2"}));
  options.others = {
      network,
      command.add_option("--groups", options.groups, "Groups of v1: 1, 2, 3, 4 or 8")
          ->check(CLI::IsMember({1, 2, 3, 4, 8}))
          ->capture_default_str(),
      command.add_option("--width", options.width, "Width multiplier, above 0 and up to 8")
          ->check(CLI::Range(1.0 / 64, 8.0))
          ->capture_default_str(),
      command.add_option("--flavour", options.flavour, "As published (paper) or for one-channel images (note)")
          ->check(CLI::IsMember({"paper", "note"}))
          ->capture_default_str(),
      command.add_flag("--residual", options.residual, "v2: add the kept half to the right branch"),
      command.add_option("--in-channels", options.in_channels, "Input channels (3 paper, 1 note)")->check(any_extent),
      command.add_option("--classes", options.classes, "Classes (1000 paper, 10 note)")->check(any_extent)};
  options.size_option = add_size(command, options.size)->default_str("224x224");
  return network;
}

void check_spec(const SpecOptions& options) {
  const auto given = [&](const char* name) {
    return std::any_of(options.others.begin(), options.others.end(),
                       [name](const CLI::Option* option) { return option->check_name(name) && option->count() > 0; });
  };
  if (std::isnan(options.width)) throw Error("--width: not a number");  // which CLI::Range lets pass
  if (options.network == "v2" && given("--groups")) throw Error("--groups: ShuffleNet v2 has no groups");
  if (options.network == "v1" && given("--residual")) throw Error("--residual: belongs to ShuffleNet v2");
}

graph::Graph make_network(const SpecOptions& options, const models::WeightSource& weights) {
  const bool note = options.flavour == "note";
  const models::Flavour flavour = note ? models::Flavour::note : models::Flavour::paper;
  const std::int32_t in_channels = options.in_channels ? options.in_channels : note ? 1 : 3;
  const std::int32_t classes = options.classes ? options.classes : note ? 10 : 1000;
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

}  // namespace riffle::tools
