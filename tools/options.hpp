// Arguments that several commands take.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/run/cores.hpp"
#include "engine/run/session.hpp"
#include "io/onnx/import.hpp"

namespace riffle::tools {

struct ImageSize {
  std::int32_t height = 0, width = 0;  ///< pixels; 0: the model's own
};

/// An option that takes one number from `low` to `high`, in decimal digits; of a whole one they are all there is,
/// others may have a point and an exponent. What is not such a number, or out of range, or not finite, ends the parsing
/// with an error that says what the option takes. The range is added to the option's words, and `value` is its default.
/// Number: std::int32_t, std::int64_t, std::uint64_t, float, double.
template <typename Number>
CLI::Option* add_number(CLI::App& command, const std::string& name, Number& value, std::type_identity_t<Number> low,
                        std::type_identity_t<Number> high, const std::string& words);

/// An option that takes one word: numbers with commas between them, as add_number() reads them.
CLI::Option* add_numbers(CLI::App& command, const std::string& name, std::vector<float>& values,
                         const std::string& words);

/// --size HxW, each within the limits of a graph. `words` is what is said of it beside that.
CLI::Option* add_size(CLI::App& command, ImageSize& size, const std::string& words);

/// --threads N, 1 to 256.
CLI::Option* add_threads(CLI::App& command, int& threads);

/// Throws Exhausted, which says what to do, where this process cannot have so many threads at a time: for what would
/// not say it by itself, as OpenMP, which ends the program, or a process that is started for a measurement.
void require_threads(int count);

/// --cores all|big|little; nothing where it is not given.
CLI::Option* add_cores(CLI::App& command, std::optional<run::Cores>& cores);

/// A session on those cores of this machine. Throws as the session does. Where the machine has none of that kind,
/// or does not let itself be pinned to them, it says so on the standard error and goes on.
run::Session make_session(std::shared_ptr<const plan::Plan> plan, int threads, std::optional<run::Cores> cores);

/// --precision, one of these names. `words` is what it says.
CLI::Option* add_precision(CLI::App& command, Type& precision, const std::map<std::string, Type>& names,
                           const std::string& words);
/// What a network is computed in.
CLI::Option* add_precision(CLI::App& command, Type& precision);

/// As plan::make; where this CPU does not compute in the precision that is asked for, it says so on the standard error.
std::shared_ptr<const plan::Plan> make_plan(graph::Graph graph, const plan::Options& options);

/// --without NAME,...: those of plan::refinements.
CLI::Option* add_without(CLI::App& command, plan::Without& without);

/// For io::load_model() and its like: a height or width that an .onnx file leaves open becomes that of `size`; where
/// there is none, the standard error says what is taken.
onnx::ImportOptions import_options(const std::string& path, const ImageSize& size = {});

/// MODEL, a path.
CLI::Option* add_model(CLI::App& command, std::string& path);

/// A file, and the argument that names it.
struct FileArgument {
  std::string argument;
  std::string path;  ///< empty: the argument was not given
};

/// Throws Error where the file that is to be written is one of those that are read, by whatever name or link.
void require_another_file(const FileArgument& output, std::initializer_list<FileArgument> inputs);

}  // namespace riffle::tools
