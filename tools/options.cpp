#include "tools/options.hpp"

#include <charconv>
#include <optional>
#include <string_view>

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

CLI::Option* add_model(CLI::App& command, std::string& path) {
  return command.add_option("MODEL", path, "A .riffle or .onnx file")->required();
}

}  // namespace riffle::tools
