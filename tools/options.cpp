#include "tools/options.hpp"

#include <charconv>
#include <iostream>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/graph/graph.hpp"

namespace riffle::tools {
namespace {

std::optional<ImageSize> parse_size(std::string_view text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return std::nullopt;
  const auto extent = [](std::string_view digits) -> std::optional<std::int32_t> {
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (value < 1 || value > graph::max_extent) return std::nullopt;
    return value;
  };
  const auto height = extent(text.substr(0, cross));
  const auto width = extent(text.substr(cross + 1));
  if (!height || !width) return std::nullopt;
  return ImageSize{*height, *width};
}

}  // namespace

CLI::Option* add_size(CLI::App& command, ImageSize& size) {
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
          "Height and width in pixels")
      ->type_name("HxW");
}

CLI::Option* add_threads(CLI::App& command, int& threads) {
  return command.add_option("--threads", threads, "Threads")->check(CLI::Range(1, 256))->capture_default_str();
}

CLI::Option* add_cores(CLI::App& command, std::optional<run::Cores>& cores) {
  static const std::map<std::string, run::Cores> names = {
      {"all", run::Cores::all}, {"big", run::Cores::big}, {"little", run::Cores::little}};
  return command
      .add_option_function<std::string>(
          "--cores", [&cores](const std::string& name) { cores = names.at(name); },
          "Threads of one's own on all, the big or the little cores; without it they run wherever the system puts them")
      ->check(CLI::IsMember(names))
      ->type_name("all|big|little");
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

CLI::Option* add_model(CLI::App& command, std::string& path) {
  return command.add_option("MODEL", path, "A .riffle or .onnx file")->required();
}

}  // namespace riffle::tools
