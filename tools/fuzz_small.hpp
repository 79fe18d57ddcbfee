// Which graphs a fuzzer runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <variant>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::tools {

/// Small enough for hundreds of them a second: larger ones find nothing new. What counts is what a run reads, for a
/// window may be as large as an image and moves over it by a pixel, which no list of multiply-adds of pooling tells;
/// and what it writes. Throws Error as infer_shapes() does.
inline bool is_small(const graph::Graph& graph) {
  constexpr std::int64_t max_floats = 1 << 16, max_reads = 1 << 22, max_nodes = 64;
  if (std::ssize(graph.nodes) > max_nodes) return false;
  const std::vector<graph::Shape> shapes = graph::infer_shapes(graph);
  std::int64_t floats = 0, reads = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    floats += shapes[i].size();
    if (floats > max_floats) return false;
    reads += graph::cost(graph, shapes, static_cast<graph::NodeId>(i)).macs;
    if (const auto* pool = std::get_if<graph::Pool>(&graph.nodes[i].operation)) {
      // Of a window that reaches beyond the image, what lies on it.
      const graph::Shape& input = shapes[static_cast<std::size_t>(graph.nodes[i].inputs.front())];
      const std::int64_t rows = std::min(pool->window.kernel_h, input.h);
      reads += shapes[i].size() * rows * std::min(pool->window.kernel_w, input.w);
    }
    if (reads > max_reads) return false;
  }
  return true;
}

}  // namespace riffle::tools
