// Detectors that are common, by name: what descriptions begin with.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::io {

/// The name of an output that the description has to give.
inline constexpr const char* unnamed = "?";

struct Preset {
  std::string_view name;
  graph::Preprocessing preprocessing;
  graph::Detect detect;
  /// Of YOLOv5, where it gives its heads as they are, an output a level, and not one list of boxes.
  std::vector<graph::Level> heads = {};
  graph::Mapping head_position = {}, head_size = {};
};

std::span<const Preset> presets();

}  // namespace riffle::io
