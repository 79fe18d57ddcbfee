#include "tools/spec_options.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace riffle::tools {
namespace {

constexpr double least_width = 1.0 / 64, most_width = 8;

graph::Graph network_of_width(const SpecOptions& options, double width, const models::WeightSource& weights) {
  const bool note = options.flavour == "note";
  const models::Flavour flavour = note ? models::Flavour::study_note : models::Flavour::paper;
  const std::int32_t in_channels = options.in_channels ? options.in_channels : note ? 1 : 3;
  const std::int32_t classes = options.classes ? options.classes : note ? 10 : 1000;
  if (options.network == "v1") {
    return models::shufflenet_v1({.groups = options.groups,
                                  .width_multiplier = width,
                                  .flavour = flavour,
                                  .in_channels = in_channels,
                                  .classes = classes,
                                  .height = options.size.height,
                                  .width = options.size.width},
                                 weights);
  }
  return models::shufflenet_v2({.width_multiplier = width,
                                .flavour = flavour,
                                .residual = options.residual,
                                .in_channels = in_channels,
                                .classes = classes,
                                .height = options.size.height,
                                .width = options.size.width},
                               weights);
}

bool is_defined(const SpecOptions& options, double width) {
  const auto zeros = [](const std::string&, std::span<const std::int64_t> shape) {
    std::size_t size = 1;
    for (const std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
    return graph::Constant(std::vector<float>(size));
  };
  try {
    (void)network_of_width(options, width, zeros);
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// "0.5 and 1": of the widths with two digits behind the point that make a network, the next one below and above.
std::string widths_near(const SpecOptions& options) {
  constexpr int one = 100;
  std::string text;
  const auto add_first = [&](int from, int step) {
    for (int hundredths = from; hundredths >= least_width * one && hundredths <= most_width * one; hundredths += step) {
      const double width = static_cast<double>(hundredths) / one;
      if (width == options.width || !is_defined(options, width)) continue;
      text += (text.empty() ? "" : " and ") + CLI::detail::to_string(width);
      return;
    }
  };
  const int near = static_cast<int>(options.width * one);
  add_first(near, -1);
  add_first(near + 1, 1);
  return text;
}

}  // namespace

CLI::Option* add_spec(CLI::App& command, SpecOptions& options) {
  CLI::Option* network = command.add_option("NETWORK", options.network, "ShuffleNet v1 or v2")->type_name("v1|v2");
  options.others = {
      network,
      add_number(command, "--groups", options.groups, 1, 8,
                 "v1: groups of its convolutions; of 5, 6, 7 there are none"),
      add_number(command, "--width", options.width, least_width, most_width,
                 "Multiplies the channels; v2 as published has 0.5, 1, 1.5 and 2"),
      command.add_option("--flavour", options.flavour, "As published (paper) or for one-channel images (note)")
          ->check(CLI::IsMember({"paper", "note"}))
          ->capture_default_str(),
      command.add_flag("--residual", options.residual, "v2: add the kept half to the right branch"),
      add_number(command, "--in-channels", options.in_channels, 1, graph::max_extent,
                 "Channels of the input; by default 3, with --flavour note 1")
          ->default_str(""),
      add_number(command, "--classes", options.classes, 1, graph::max_extent,
                 "Classes that are told apart; by default 1000, with --flavour note 10")
          ->default_str("")};
  options.size_option = add_size(command, options.size, "")->default_str("224x224");
  return network;
}

void check_spec(const SpecOptions& options) {
  const auto given = [&](const char* name) {
    return std::any_of(options.others.begin(), options.others.end(),
                       [name](const CLI::Option* option) { return option->check_name(name) && option->count() > 0; });
  };
  if (options.network != "v1" && options.network != "v2") {
    throw Error("NETWORK: '" + options.network + "' is neither v1 nor v2");
  }
  if (options.network == "v2" && given("--groups")) throw Error("--groups: ShuffleNet v2 has no groups");
  if (options.network == "v1" && given("--residual")) throw Error("--residual: belongs to ShuffleNet v2");
  if (options.groups > 4 && options.groups < 8) {
    throw Error("--groups: " + std::to_string(options.groups) + "; 1, 2, 3, 4 and 8 are defined");
  }
}

graph::Graph make_network(const SpecOptions& options, const models::WeightSource& weights) {
  try {
    return network_of_width(options, options.width, weights);
  } catch (const Error& error) {
    const std::string others = widths_near(options);
    if (others.empty()) throw;
    throw Error("--width " + CLI::detail::to_string(options.width) + ": " + error.what() + "; " + others +
                " can be had");
  }
}
}  // namespace riffle::tools
