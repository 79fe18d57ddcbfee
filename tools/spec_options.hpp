// The networks of the family, as the command line names them.
#pragma once

#include <vector>

#include "models/models.hpp"
#include "tools/options.hpp"

namespace riffle::tools {

struct SpecOptions {
  std::string network;  ///< "v1", "v2"; empty if it was not given
  std::int32_t groups = 3;
  double width = 1.0;
  std::string flavour = "paper";
  bool residual = false;
  std::int32_t in_channels = 0;  ///< 0: what the flavour has
  std::int32_t classes = 0;      ///< 0: what the flavour has
  ImageSize size = {224, 224};

  CLI::Option* size_option = nullptr;
  std::vector<CLI::Option*> others;  ///< NETWORK first
};

/// NETWORK, --groups, --width, --flavour, --residual, --in-channels, --classes, --size. Returns NETWORK's option.
CLI::Option* add_spec(CLI::App& command, SpecOptions& options);

/// Throws Error for what is no network of the family, and naming the option that does not belong to the network.
void check_spec(const SpecOptions& options);

/// Throws Error as models:: does, with the widths that would do.
graph::Graph make_network(const SpecOptions& options, const models::WeightSource& weights);

}  // namespace riffle::tools
