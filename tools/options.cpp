#include "tools/options.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <latch>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/text.hpp"
#include "engine/graph/graph.hpp"

namespace riffle::tools {
namespace {

template <typename Number>
constexpr bool is_whole = std::is_integral_v<Number>;

/// The number that the whole text is; nothing where it is none from `low` to `high`.
template <typename Number>
std::optional<Number> parse(const std::string& text, Number low, Number high) {
  Number value = 0;
  if constexpr (is_whole<Number>) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  } else {
    // Left to itself, strtod would take spaces, hexadecimal digits, "nan" and "infinity".
    if (text.empty() || text.find_first_not_of("0123456789.eE+-") != std::string::npos) return std::nullopt;
    char* end = nullptr;
    value = static_cast<Number>(std::strtod(text.c_str(), &end));
    if (end != text.c_str() + text.size() || !std::isfinite(value)) return std::nullopt;
  }
  if (value < low || value > high) return std::nullopt;
  return value;
}

template <typename Number>
std::string range_text(Number low, Number high) {
  return CLI::detail::to_string(low) + " to " + CLI::detail::to_string(high);
}

template <typename Number>
Number parse_or_throw(const std::string& name, const std::string& text, Number low, Number high) {
  const auto value = parse(text, low, high);
  if (!value) {
    throw CLI::ValidationError(
        name, "'" + text + "' is not a " + (is_whole<Number> ? "whole " : "") + "number from " + range_text(low, high));
  }
  return *value;
}

std::optional<ImageSize> parse_size(const std::string& text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string::npos) return std::nullopt;
  const auto height = parse<std::int32_t>(text.substr(0, cross), 1, graph::max_extent);
  const auto width = parse<std::int32_t>(text.substr(cross + 1), 1, graph::max_extent);
  if (!height || !width) return std::nullopt;
  return ImageSize{*height, *width};
}

}  // namespace

template <typename Number>
CLI::Option* add_number(CLI::App& command, const std::string& name, Number& value, std::type_identity_t<Number> low,
                        std::type_identity_t<Number> high, const std::string& words) {
  return command
      .add_option_function<std::string>(
          name, [=, &value](const std::string& text) { value = parse_or_throw<Number>(name, text, low, high); },
          words + " (" + range_text<Number>(low, high) + ")")
      ->default_str(CLI::detail::to_string(value))
      ->type_name(is_whole<Number> ? "N" : "X");
}

template CLI::Option* add_number(CLI::App&, const std::string&, std::int32_t&, std::int32_t, std::int32_t,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, std::int64_t&, std::int64_t, std::int64_t,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, std::uint64_t&, std::uint64_t, std::uint64_t,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, float&, float, float, const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, double&, double, double, const std::string&);

CLI::Option* add_numbers(CLI::App& command, const std::string& name, std::vector<float>& values,
                         const std::string& words) {
  constexpr float most = 1e9F;
  std::string otherwise;
  for (const float value : values) otherwise += (otherwise.empty() ? "" : ",") + CLI::detail::to_string(value);
  return command
      .add_option_function<std::string>(
          name,
          [&values, name](const std::string& text) {
            values.clear();
            for (const std::string& word : CLI::detail::split(text, ',')) {
              values.push_back(parse_or_throw(name, word, -most, most));
            }
          },
          words)
      ->default_str(otherwise)
      ->type_name("X,...");
}

CLI::Option* add_precision(CLI::App& command, Type& precision, const std::map<std::string, Type>& names,
                           const std::string& words) {
  return command
      .add_option_function<std::string>(
          "--precision", [&precision, names](const std::string& name) { precision = names.at(name); }, words)
      ->check(CLI::IsMember(names));
}

CLI::Option* add_precision(CLI::App& command, Type& precision) {
  return add_precision(command, precision, {{"fp32", Type::f32}, {"fp16", Type::f16}, {"bf16", Type::bf16}},
                       "What the network is computed in: fp32, or fp16 or bf16 where this CPU has its arithmetic, and "
                       "fp32 elsewhere");
}

std::shared_ptr<const plan::Plan> make_plan(graph::Graph graph, const plan::Options& options) {
  auto plan = plan::make(std::move(graph), options);
  if (plan->precision == Type::f32 && options.precision != Type::f32) {
    std::cerr << "riffle: --precision: this CPU has no arithmetic of "
              << (options.precision == Type::f16 ? "half precision" : "bf16") << " that is used; fp32 is computed\n";
  }
  return plan;
}

CLI::Option* add_without(CLI::App& command, plan::Without& without) {
  std::string words = "Leave these out of the plan, to find out what a result comes from:";
  std::string names;
  for (const plan::Refinement& one : plan::refinements) {
    names += (names.empty() ? "" : ", ") + std::string(one.name);
    words += (names.size() == one.name.size() ? " " : "; ") + std::string(one.name) + ", " + std::string(one.what);
  }
  return command
      .add_option_function<std::string>(
          "--without",
          [&without, names](const std::string& text) {
            for (const std::string& word : CLI::detail::split(text, ',')) {
              const auto found = std::find_if(std::begin(plan::refinements), std::end(plan::refinements),
                                              [&](const plan::Refinement& one) { return one.name == word; });
              if (found == std::end(plan::refinements)) {
                throw CLI::ValidationError("--without", "'" + word + "' is none of " + names);
              }
              without.*found->left_out = true;
            }
          },
          words)
      ->type_name("NAME,...");
}

CLI::Option* add_size(CLI::App& command, ImageSize& size, const std::string& words) {
  return command
      .add_option_function<std::string>(
          "--size",
          [&size](const std::string& text) {
            const auto parsed = parse_size(text);
            if (!parsed) {
              throw CLI::ValidationError(
                  "--size", "'" + text + "' is not HxW with both from 1 to " + std::to_string(graph::max_extent));
            }
            size = *parsed;
          },
          "Height and width of the input in pixels" + words + " (each 1 to " + std::to_string(graph::max_extent) + ")")
      ->type_name("HxW");
}

CLI::Option* add_threads(CLI::App& command, int& threads) {
  return add_number(command, "--threads", threads, 1, 256, "Threads that compute");
}

void require_threads(int count) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  std::latch over(1);
  std::string fault;
  try {
    while (std::ssize(threads) + 1 < count) threads.emplace_back([&over] { over.wait(); });
  } catch (const std::system_error& error) {
    fault = error.what();
  }
  over.count_down();
  for (std::thread& thread : threads) thread.join();
  if (fault.empty()) return;
  throw Exhausted("thread " + std::to_string(threads.size() + 2) + " of " + std::to_string(count) +
                  " does not start: " + fault + "; ask for fewer, or raise the system's limit (ulimit -u)");
}

CLI::Option* add_cores(CLI::App& command, std::optional<run::Cores>& cores) {
  static const std::map<std::string, run::Cores> names = {
      {"all", run::Cores::all}, {"big", run::Cores::big}, {"little", run::Cores::little}};
  return command
      .add_option_function<std::string>(
          "--cores", [&cores](const std::string& name) { cores = names.at(name); },
          "Threads of one's own on all, the big or the little cores (by default they run wherever the system puts "
          "them)")
      ->check(CLI::IsMember(names));
}

run::Session make_session(std::shared_ptr<const plan::Plan> plan, int threads, std::optional<run::Cores> cores) {
  if (!cores) return run::Session(std::move(plan), threads);
  const run::Topology machine = run::this_machine();
  if (!run::has(machine, *cores)) {
    std::cerr << "riffle: --cores " << (*cores == run::Cores::big ? "big" : "little")
              << ": this machine has no big and little cores, or does not tell which are which; all of them are used\n";
  }
  run::Session session(std::move(plan), {.threads = threads, .cores = run::choose(machine, *cores)});
  if (!session.pinned()) {
    std::cerr << "riffle: --cores: this system does not let threads be pinned to cores; they run wherever it puts "
                 "them\n";
  }
  return session;
}

onnx::ImportOptions import_options(const std::string& path, const ImageSize& size) {
  return {size.height, size.width, [path](const std::string& words) {
            std::cerr << "riffle: " << printable(joined({path, ": ", words})) << '\n';
          }};
}

CLI::Option* add_model(CLI::App& command, std::string& path) {
  return command.add_option("MODEL", path, "A .riffle or .onnx file")->required();
}

void require_another_file(const FileArgument& output, std::initializer_list<FileArgument> inputs) {
  for (const FileArgument& input : inputs) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(input.path, ignored) &&
        std::filesystem::equivalent(output.path, input.path, ignored)) {
      throw Error(output.argument + ": " + output.path + " is the file of " + input.argument +
                  ", which would be written over; name another one");
    }
  }
}

}  // namespace riffle::tools
