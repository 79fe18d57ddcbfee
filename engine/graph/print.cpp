#include <sstream>

#include "engine/graph/graph.hpp"

namespace riffle::graph {

std::string chw(const Shape& shape) { return joined({shape.c, " x ", hw(shape)}); }

std::string hw(const Shape& shape) { return joined({shape.h, " x ", shape.w}); }

std::string to_text(const Activation& activation) {
  const kernels::Clamp& bounds = activation.bounds;
  const auto& [function, word, parameters] = kernels::facts_of(activation.function);
  std::ostringstream text;
  if (bounds == Activation::relu.bounds) {
    text << "ReLU";
  } else if (bounds == Activation::relu6.bounds) {
    text << "ReLU6";
  } else if (bounds.has_bounds()) {
    text << "clip from " << bounds.lower << " to " << bounds.upper;
  }
  if (function == kernels::Function::none) return text.str();
  text << (bounds.has_bounds() ? ", " : "") << word;
  if (parameters > 0) text << ' ' << activation.a;
  if (parameters > 1) text << ' ' << activation.b;
  return text.str();
}

std::string to_text(const Graph& graph) {
  const ById<Shape> shapes = infer_shapes(graph);
  std::ostringstream out;
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const Node& node = graph.nodes[id];
    out << '%' << id << " = " << operation_name(node.operation) << '(';
    for (std::size_t k = 0; k < node.inputs.size(); ++k) out << (k == 0 ? "%" : ", %") << node.inputs[k];
    out << ")  " << shapes[id].c << 'x' << shapes[id].h << 'x' << shapes[id].w << "  " << node.name;
    if (node.quantization) {
      out << "  u8 (scale " << node.quantization->scale << ", zero point " << node.quantization->zero_point << ')';
    }
    for (const Output& output : graph.outputs) {
      if (output.node != id) continue;
      out << "  -> output";
      if (!output.name.empty()) out << ' ' << output.name;
      if (output.type != Type::f32) out << ' ' << name_of(output.type);
    }
    out << '\n';
  }
  return out.str();
}

}  // namespace riffle::graph
