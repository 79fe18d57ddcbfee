// Arguments that several commands take.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/run/cores.hpp"
#include "engine/run/session.hpp"

namespace riffle::tools {

struct ImageSize {
  std::int32_t height = 0, width = 0;  ///< pixels; 0: the model's own
};

/// --size HxW, each within the limits of a graph.
CLI::Option* add_size(CLI::App& command, ImageSize& size);

/// --threads N, 1 to 256.
CLI::Option* add_threads(CLI::App& command, int& threads);

/// --cores all|big|little; nothing where it is not given.
CLI::Option* add_cores(CLI::App& command, std::optional<run::Cores>& cores);

/// A session on those cores of this machine. Where it has none of that kind, or does not let itself be pinned to them,
/// it says so on the standard error and goes on.
run::Session make_session(std::shared_ptr<const plan::Plan> plan, int threads, std::optional<run::Cores> cores);

/// MODEL, a path.
CLI::Option* add_model(CLI::App& command, std::string& path);

}  // namespace riffle::tools
