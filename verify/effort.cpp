#include "verify/effort.hpp"

#include <algorithm>

namespace riffle::verify {

std::int64_t elements_read(const graph::Graph& graph) {
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  std::int64_t sum = 0;
  for (const graph::Output& output : graph.outputs) sum += shapes[output.node].size();
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const graph::Node& node = graph.nodes[id];
    sum += graph::cost(graph, shapes, id).macs + shapes[id].size();
    for (const graph::NodeId input : node.inputs) sum += shapes[input].size();
    if (std::holds_alternative<graph::Resize>(node.operation)) sum += 3 * shapes[id].size();
    if (const auto* pool = std::get_if<graph::Pool>(&node.operation)) {
      // Of a window that reaches beyond the image, what lies on it.
      const graph::Shape& input = shapes[node.inputs[0]];
      const kernels::Window window = graph::resolve(pool->window, input).window;
      sum += shapes[id].size() * std::min(window.kernel_h, input.h) * std::min(window.kernel_w, input.w);
    }
  }
  return sum;
}

bool is_small(const graph::Graph& graph) {
  constexpr std::size_t max_nodes = 64;
  constexpr std::int64_t max_elements = 1 << 17;
  return graph.nodes.size() <= max_nodes && elements_read(graph) <= max_elements;
}

}  // namespace riffle::verify
