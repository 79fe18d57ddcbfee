#include "engine/graph/graph.hpp"

#include <limits>
#include <mutex>

namespace riffle::graph {

Constant::Constant(std::vector<float> values) {
  auto shared = std::make_shared<const std::vector<float>>(std::move(values));
  values_ = *shared;
  owner_ = std::move(shared);
}

/// A row's factor, and the products once they are made.
struct Constant::Product {
  std::vector<double> row_scale;
  std::mutex making;
  std::vector<float> values;
};

Constant Constant::scaled(std::vector<double> row_scale) const {
  Constant result = *this;
  result.product_ = std::make_shared<Product>();
  if (product_ != nullptr) {
    for (std::size_t row = 0; row < row_scale.size(); ++row) row_scale[row] *= product_->row_scale[row];
  }
  result.product_->row_scale = std::move(row_scale);
  return result;
}

kernels::Weights Constant::factors() const {
  return {values_, product_ == nullptr ? std::span<const double>() : product_->row_scale};
}

std::span<const float> Constant::product() const {
  const std::lock_guard lock(product_->making);
  std::vector<float>& products = product_->values;
  if (products.empty() && !values_.empty()) {
    const std::size_t rows = product_->row_scale.size(), row_floats = values_.size() / rows;
    products.reserve(values_.size());
    for (std::size_t row = 0; row < rows; ++row) {
      for (const float value : values_.subspan(row * row_floats, row_floats)) {
        products.push_back(static_cast<float>(value * product_->row_scale[row]));
      }
    }
  }
  return products;
}

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
  const Node& n = graph.nodes[static_cast<std::size_t>(node)];
  Cost result;
  if (const auto* convolution = std::get_if<Convolution>(&n.operation)) {
    const auto weights = static_cast<std::int64_t>(convolution->weights.size());
    result.macs = shapes[static_cast<std::size_t>(node)].pixels() * weights;
    result.parameters = weights + static_cast<std::int64_t>(convolution->bias.size());
  } else if (const auto* dense = std::get_if<FullyConnected>(&n.operation)) {
    result.macs = static_cast<std::int64_t>(dense->weights.size());
    result.parameters = result.macs + static_cast<std::int64_t>(dense->bias.size());
  } else if (const auto* norm = std::get_if<BatchNorm>(&n.operation)) {
    result.parameters = 2 * static_cast<std::int64_t>(norm->scale.size());
  }
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
