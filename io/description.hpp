// What a network reads and what its answers mean, as JSON: docs/description.md has the fields.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::io {

/// What of it is said.
struct Description {
  std::optional<graph::Preprocessing> preprocessing = {};
  std::optional<graph::Task> task = {};
  std::vector<std::string> labels = {};
};

/// Of a network with outputs of these names. Throws Error with the path of the field that is wrong:
/// "levels[1].boxes.first: it is not in 0 to 32768". What depends on shapes is not looked at.
Description parse_description(std::string_view json, std::span<const std::string> outputs);

/// Into a graph that has passed infer_shapes(); what is not said stays as it is. Throws Error for what
/// parse_description() and graph::check_metadata() refuse.
void describe(graph::Graph& graph, std::string_view json);

/// In one line; what is its default is left out. parse_description() makes the same of it.
std::string description_json(const Description& description);

/// For people, of a graph that has a task and has passed check_metadata(): "detects objects of 80 classes; 3 levels of
/// strides 8, 16, 32; scores above 0.35; suppressed above an iou of 0.6".
std::string task_text(const graph::Graph& graph);

}  // namespace riffle::io
