// Arguments that several commands take.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace riffle::tools {

struct ImageSize {
  std::int32_t height = 0, width = 0;  ///< pixels; 0: the model's own
};

/// --size HxW, each within the limits of a graph.
CLI::Option* add_size(CLI::App& command, ImageSize& size);

/// --threads N, 1 to 256.
CLI::Option* add_threads(CLI::App& command, int& threads);

/// MODEL, a path.
CLI::Option* add_model(CLI::App& command, std::string& path);

}  // namespace riffle::tools
