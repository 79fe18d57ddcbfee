// How pictures become a network's input, as several commands ask for it.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::tools {

struct PreprocessingOptions {
  graph::Preprocessing values;
  CLI::Option *resize = nullptr, *resize_size = nullptr, *antialias = nullptr, *mean = nullptr, *deviation = nullptr;

  /// Those that were given, in the order above.
  [[nodiscard]] std::vector<const CLI::Option*> given() const;
};

/// --resize, --resize-size, --[no-]antialias, --mean, --std. The options outlive the command.
void add_preprocessing(CLI::App& command, PreprocessingOptions& options);

/// What the model carries, else the default (graph::preprocessing_of()); over it what was given. A size to crop from
/// goes with --resize crop alone. Throws Error for one that is given without it.
graph::Preprocessing choose(const PreprocessingOptions& options, const graph::Preprocessing& carried);

/// Where that comes from: "from the model", "by default, but for --mean, --std".
std::string origin(const PreprocessingOptions& options, const std::optional<graph::Preprocessing>& carried);

}  // namespace riffle::tools
