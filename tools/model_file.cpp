#include "tools/model_file.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "tools/onnx/onnx_export.hpp"
#include "tools/onnx/onnx_import.hpp"

namespace riffle::tools {
namespace {

/// A FlatBuffer's identifier stands behind the four bytes of its root's offset.
constexpr std::array<std::byte, 4> riffle_identifier = {std::byte{'R'}, std::byte{'F'}, std::byte{'F'}, std::byte{'L'}};
constexpr std::size_t identifier_offset = 4;

}  // namespace

graph::Graph load_model(const std::string& path) {
  const std::vector<std::byte> beginning = read_beginning(path, identifier_offset + riffle_identifier.size());
  const bool identified =
      beginning.size() == identifier_offset + riffle_identifier.size() &&
      std::equal(riffle_identifier.begin(), riffle_identifier.end(), beginning.begin() + identifier_offset);
  if (identified || path.ends_with(".riffle")) return format::load_file(path);
  if (path.ends_with(".onnx")) return onnx::import_file(path);
  throw Error(path + ": neither a .riffle nor an .onnx file");
}

void save_model(const graph::Graph& graph, const std::string& path) {
  if (path.ends_with(".onnx")) {
    const std::string bytes = onnx::export_model(graph);
    write_file(path, {std::as_bytes(std::span(bytes))});
  } else {
    write_file(path, {format::save(graph)});
  }
}

}  // namespace riffle::tools
