#include "engine/graph/graph.hpp"

#include <limits>

namespace riffle::graph {

NodeId Graph::add(std::string node_name, Operation operation, std::vector<NodeId> inputs) {
  nodes.push_back({std::move(node_name), std::move(operation), std::move(inputs)});
  return static_cast<NodeId>(nodes.size()) - 1;
}

Shape Graph::input_shape() const {
  if (nodes.empty() || !std::holds_alternative<Input>(nodes[0].operation)) {
    throw Error("graph '" + name + "': the first node is not an input");
  }
  return std::get<Input>(nodes[0].operation).shape;
}

void Graph::set_input_size(std::int32_t h, std::int32_t w) {
  (void)input_shape();  // throws if there is no input
  auto& input = std::get<Input>(nodes[0].operation);
  if (!input.only_size.empty() && (h != input.shape.h || w != input.shape.w)) {
    const auto text = [](std::int32_t height, std::int32_t width) {
      return std::to_string(height) + " x " + std::to_string(width);
    };
    throw Error("graph '" + name + "': it holds for an input of " + text(input.shape.h, input.shape.w) +
                " (height x width) alone, not of " + text(h, w) + ": " + input.only_size);
  }
  input.shape.h = h;
  input.shape.w = w;
}

std::string_view operation_name(const Operation& operation) {
  return std::visit([](const auto& o) { return o.word; }, operation);
}

bool is_channelwise(const Operation& operation) {
  return std::visit(
      [](const auto& o) {
        return requires { o.is_channelwise; };
      },
      operation);
}

bool moves_channels(const Operation& operation) {
  return std::visit(
      [](const auto& o) {
        return requires { o.moves_channels; };
      },
      operation);
}

kernels::Clamp clamp_of(Activation activation) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  switch (activation) {
    case Activation::none:
      return {};
    case Activation::relu:
      return {0.0F, infinity};
    case Activation::relu6:
      return {0.0F, 6.0F};
  }
  return {};
}

Activation* fused_activation(Operation& operation) {
  return std::visit(
      [](auto& o) -> Activation* {
        if constexpr (requires { o.activation; }) {
          return &o.activation;
        } else if constexpr (std::is_same_v<decltype(o), Activate&>) {
          return &o.kind;
        } else {
          return nullptr;
        }
      },
      operation);
}

bool is_pointwise(const Convolution& convolution) {
  Window unit;                                      // 1x1, stride 1, no padding
  unit.dilation_h = convolution.window.dilation_h;  // of one tap, any dilation is none
  unit.dilation_w = convolution.window.dilation_w;
  unit.auto_pad = convolution.window.auto_pad;  // with a stride of 1, as large as the operand it is without padding
  return convolution.window == unit;
}

bool is_depthwise(const Convolution& convolution, std::int32_t channels) {
  return convolution.groups == channels && convolution.outputs == channels;
}

std::vector<std::vector<NodeId>> readers(const Graph& graph) {
  std::vector<std::vector<NodeId>> all(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const NodeId input : graph.nodes[i].inputs) {
      std::vector<NodeId>& of_input = all[static_cast<std::size_t>(input)];
      const auto reader = static_cast<NodeId>(i);
      if (of_input.empty() || of_input.back() != reader) of_input.push_back(reader);
    }
  }
  return all;
}

Cost cost(const Graph& graph, const std::vector<Shape>& shapes, NodeId node) {
  const Operation& operation = graph.nodes[static_cast<std::size_t>(node)].operation;
  Cost result;
  for_each_constant(operation, [&](std::string_view word, const Constant& constant, const Extents&) {
    const auto size = static_cast<std::int64_t>(constant.size());
    if (word == "weight" || word == "bias") result.parameters += size;
    if (word == "weight" && !std::holds_alternative<BatchNorm>(operation)) {
      result.macs =
          size * (std::holds_alternative<Convolution>(operation) ? shapes[static_cast<std::size_t>(node)].pixels() : 1);
    }
  });
  return result;
}

Cost total_cost(const Graph& graph) {
  const std::vector<Shape> shapes = infer_shapes(graph);
  Cost total;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Cost one = cost(graph, shapes, static_cast<NodeId>(i));
    total.macs += one.macs;
    total.parameters += one.parameters;
  }
  return total;
}

}  // namespace riffle::graph
