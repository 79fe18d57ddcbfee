#include "io/model_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "io/onnx/export.hpp"
#include "io/onnx/import.hpp"

namespace riffle::io {
namespace {

/// A FlatBuffer's identifier stands behind the four bytes of its root's offset.
constexpr std::array<std::byte, 4> riffle_identifier = {std::byte{'R'}, std::byte{'F'}, std::byte{'F'}, std::byte{'L'}};
constexpr std::size_t identifier_offset = 4;

bool ends_with(const std::string& path, std::string_view ending) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return path.size() >= ending.size() &&
         std::equal(path.end() - std::ssize(ending), path.end(), ending.begin(), ending.end(), same);
}

std::optional<ModelFormat> format_of_ending(const std::string& path) {
  if (ends_with(path, ".riffle")) return ModelFormat::riffle;
  if (ends_with(path, ".onnx")) return ModelFormat::onnx;
  return std::nullopt;
}

}  // namespace

ModelFormat format_of(const std::string& path) {
  const std::vector<std::byte> beginning = read_beginning(path, identifier_offset + riffle_identifier.size());
  const bool identified =
      beginning.size() == identifier_offset + riffle_identifier.size() &&
      std::equal(riffle_identifier.begin(), riffle_identifier.end(), beginning.begin() + identifier_offset);
  const auto format = identified ? ModelFormat::riffle : format_of_ending(path);
  if (!format) throw Error(path + ": neither a .riffle file nor one whose name ends in .onnx");
  return *format;
}

graph::Graph load_model(const std::string& path, const onnx::ImportOptions& options) {
  return format_of(path) == ModelFormat::onnx ? onnx::import_file(path, options) : format::load_file(path);
}

graph::Graph load_model_of_floats(const std::string& path, const onnx::ImportOptions& options) {
  graph::Graph graph = load_model(path, options);
  const auto widen = [](Type& type) {
    if (type == Type::f16 || type == Type::bf16) type = Type::f32;
  };
  for (std::size_t i = 0; i < graph.input_count(); ++i) {
    widen(std::get<graph::Input>(graph.nodes[static_cast<graph::NodeId>(i)].operation).type);
  }
  for (graph::Output& output : graph.outputs) widen(output.type);
  return graph;
}

ModelFormat format_to_save(const std::string& path) {
  const auto format = format_of_ending(path);
  if (!format) {
    throw Error(path + ": the name of the file to write ends in .riffle or .onnx, which says what it becomes");
  }
  return *format;
}

void save_model(const graph::Graph& graph, const std::string& path) {
  if (format_to_save(path) == ModelFormat::onnx) {
    const std::string bytes = onnx::export_model(graph);
    write_file(path, {std::as_bytes(std::span(bytes))});
  } else {
    write_file(path, {format::save(graph)});
  }
}

}  // namespace riffle::io
