#include "trainer/network/trace.hpp"

#include <algorithm>
#include <optional>

#include "engine/graph/quantization.hpp"
#include "engine/passes/passes.hpp"
#include "engine/plan/convolution_kind.hpp"

namespace riffle::trainer {
namespace {

using graph::NodeId;

/// The window over `in`, of an operation that has one.
kernels::Window window_of(const LayerOperation& operation, const graph::Shape& in) {
  if (const auto* convolution = std::get_if<graph::Convolution>(&operation)) {
    return graph::resolve(convolution->window, in).window;
  }
  if (const auto* pool = std::get_if<graph::Pool>(&operation)) return graph::resolve(pool->window, in).window;
  return {};
}

bool is_open(const kernels::Clamp& clamp) { return clamp.lower < 0.0F; }

class Tracer {
 public:
  Tracer(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes)
      : graph_(graph), shapes_(shapes), lowered_(passes::lower_channels(graph, shapes)), names_(graph.nodes.size()) {
    find_live();
    count_reads();
  }

  Trace run() {
    for (NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
      if (!live_[id]) continue;
      std::vector<ChannelList> operands;
      for (const ChannelList& operand : lowered_.operands[id]) operands.push_back(resolve(operand));
      names_[id] = add_node(id, std::move(operands));
    }
    trace_.channels.outputs = {resolve(lowered_.outputs[0])};
    return std::move(trace_);
  }

 private:
  [[nodiscard]] const graph::Node& node(NodeId id) const { return graph_.nodes[id]; }

  void find_live() {
    live_.resize(graph_.nodes.size(), false);
    live_[0] = true;
    const auto mark = [&](const ChannelList& list) {
      for (const Channel& channel : list) live_[channel.node] = true;
    };
    mark(lowered_.outputs[0]);
    for (NodeId id = graph_.nodes.end_id(); id-- > 0;) {
      if (!live_[id]) continue;
      for (const ChannelList& operand : lowered_.operands[id]) mark(operand);
    }
  }

  /// How many times each channel of each node is read.
  void count_reads() {
    for (const graph::Shape& shape : shapes_) reads_.emplace_back(static_cast<std::size_t>(shape.c), 0);
    const auto count = [&](const ChannelList& list) {
      for (const Channel& channel : list) {
        ++reads_[channel.node][static_cast<std::size_t>(channel.index)];
      }
    };
    count(lowered_.outputs[0]);
    for (NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
      if (!live_[id]) continue;
      for (const ChannelList& operand : lowered_.operands[id]) count(operand);
    }
  }

  ChannelList resolve(const ChannelList& list) const {
    ChannelList resolved;
    resolved.reserve(list.size());
    for (const Channel& channel : list) {
      resolved.push_back(names_[channel.node][static_cast<std::size_t>(channel.index)]);
    }
    return resolved;
  }

  /// The layers that node `id` alone reads through its only operand, once, every channel; none if there are others.
  std::optional<std::vector<NodeId>> read_alone(NodeId id, const ChannelList& operand) const {
    for (const Channel& channel : lowered_.operands[id][0]) {
      if (reads_[channel.node][static_cast<std::size_t>(channel.index)] != 1) return {};
    }
    graph::ById<std::int32_t> channels(trace_.layers.size(), 0);
    for (const Channel& channel : operand) ++channels[channel.node];
    std::vector<NodeId> whole;
    for (NodeId layer = 0; layer < channels.end_id(); ++layer) {
      if (channels[layer] == 0) continue;
      if (layer == 0 || channels[layer] != trace_.layers[layer].out.c) return {};
      whole.push_back(layer);
    }
    return whole;
  }

  /// Throws Error where a function stands behind the bounds: there is no backward pass for any.
  [[nodiscard]] const kernels::Clamp& bounds_of(NodeId id, const graph::Activation& activation) const {
    if (activation.function != kernels::Function::none) {
      throw Error(node(id).name + ": the activation " + to_text(activation) + " cannot be trained; ReLU and clip can");
    }
    return activation.bounds;
  }

  ChannelList add_operation(NodeId id, LayerOperation operation, std::vector<ChannelList> operands,
                            graph::Activation activation) {
    Layer layer;
    layer.node = id;
    layer.name = node(id).name;
    layer.operation = std::move(operation);
    layer.out = shapes_[id];
    if (!operands.empty()) {
      layer.in = trace_.layers[operands[0][0].node].out;
      layer.in.c = static_cast<std::int32_t>(operands[0].size());
      layer.window = window_of(layer.operation, layer.in);
    }
    layer.clamp = bounds_of(id, activation);
    ChannelList names;
    for (std::int32_t c = 0; c < layer.out.c; ++c) names.push_back({trace_.layers.end_id(), c});
    trace_.layers.push_back(std::move(layer));
    trace_.channels.computes.push_back(true);
    trace_.channels.operands.push_back(std::move(operands));
    return names;
  }

  ChannelList add_batch_norm(NodeId id, ChannelList operand) {
    const std::optional<std::vector<NodeId>> alone = read_alone(id, operand);
    const Layer* const read = alone && alone->size() == 1 ? &trace_.layers[(*alone)[0]] : nullptr;
    if (read == nullptr || read->norm >= 0 || !is_open(read->clamp) || read->pooled) {
      operand = add_operation(id, Copy{}, {std::move(operand)}, graph::Activation::none);
    }
    Layer& of = trace_.layers[operand[0].node];
    of.norm = id;
    of.norm_channel.resize(operand.size());
    for (std::size_t c = 0; c < operand.size(); ++c) {
      of.norm_channel[static_cast<std::size_t>(operand[c].index)] = static_cast<std::int32_t>(c);
    }
    return operand;
  }

  ChannelList add_activation(NodeId id, graph::Activation activation, ChannelList operand) {
    const std::optional<std::vector<NodeId>> alone = read_alone(id, operand);
    bool open = alone.has_value();
    if (alone) {
      for (const NodeId layer : *alone) open = open && is_open(trace_.layers[layer].clamp);
    }
    if (!open) return add_operation(id, Copy{}, {std::move(operand)}, activation);
    for (const NodeId layer : *alone) trace_.layers[layer].clamp = bounds_of(id, activation);
    return operand;
  }

  /// Max pooling becomes part of the first convolution if it alone reads that, and that alone reads the input.
  ChannelList add_pool(NodeId id, const graph::Pool& pool, ChannelList operand) {
    const std::optional<std::vector<NodeId>> alone = read_alone(id, operand);
    const auto is_read_once = [](std::int32_t reads) { return reads == 1; };
    if (pool.kind != graph::PoolKind::max || !alone || alone->size() != 1 || !is_stem(trace_, (*alone)[0]) ||
        trace_.layers[(*alone)[0]].pooled || !std::all_of(reads_[0].begin(), reads_[0].end(), is_read_once)) {
      return add_operation(id, pool, {std::move(operand)}, pool.activation);
    }
    Layer& layer = trace_.layers[(*alone)[0]];
    const graph::ResolvedWindow resolved = graph::resolve(pool.window, layer.out);
    layer.pooled = {resolved.window, resolved.extent};
    layer.out = shapes_[id];
    return pool.activation == graph::Activation::none ? operand
                                                      : add_activation(id, pool.activation, std::move(operand));
  }

  ChannelList add_node(NodeId id, std::vector<ChannelList> operands) {
    const graph::Operation& operation = node(id).operation;
    if (const auto* input = std::get_if<graph::Input>(&operation)) {
      return add_operation(id, *input, {}, graph::Activation::none);
    }
    if (const auto* convolution = std::get_if<graph::Convolution>(&operation)) {
      if (operands.size() == 1) return add_operation(id, *convolution, std::move(operands), convolution->activation);
      ChannelList residual = std::move(operands[1]);
      operands.pop_back();
      ChannelList sum = add_operation(id, *convolution, std::move(operands), graph::Activation::none);
      return add_operation(id, Sum{}, {std::move(sum), std::move(residual)}, convolution->activation);
    }
    if (std::holds_alternative<graph::BatchNorm>(operation)) return add_batch_norm(id, std::move(operands[0]));
    if (const auto* activate = std::get_if<graph::Activate>(&operation)) {
      return add_activation(id, activate->kind, std::move(operands[0]));
    }
    if (const auto* pool = std::get_if<graph::Pool>(&operation)) {
      return add_pool(id, *pool, std::move(operands[0]));
    }
    if (const auto* pool = std::get_if<graph::GlobalAveragePool>(&operation)) {
      return add_operation(id, *pool, std::move(operands), pool->activation);
    }
    const auto* add = graph::as_sum(operation);
    if (add != nullptr && shapes_[node(id).inputs[0]] == shapes_[node(id).inputs[1]]) {
      return add_operation(id, Sum{}, std::move(operands), add->activation);
    }
    if (const auto* dense = std::get_if<graph::FullyConnected>(&operation)) {
      return add_operation(id, passes::as_convolution(*dense), std::move(operands), dense->activation);
    }
    const std::string what = node(id).name + ": " + std::string(graph::operation_name(operation));
    if (add != nullptr) throw Error(what + " of tensors of two shapes cannot be trained");
    if (!std::holds_alternative<graph::Softmax>(operation)) throw Error(what + " cannot be trained");
    throw Error(what + " can be trained only at the network's end");
  }

  const graph::Graph& graph_;
  const graph::ById<graph::Shape>& shapes_;
  passes::LoweredChannels lowered_;
  graph::ById<bool> live_;
  graph::ById<std::vector<std::int32_t>> reads_;
  graph::ById<ChannelList> names_;  // a node's results, in layers
  Trace trace_;
};

}  // namespace

bool is_depthwise(const Layer& layer) {
  const auto* convolution = std::get_if<graph::Convolution>(&layer.operation);
  if (convolution == nullptr || !graph::is_depthwise(*convolution, layer.in.c)) return false;
  const kernels::Window& w = layer.window;
  return w.kernel_h == 3 && w.kernel_w == 3 && w.dilation_h == 1 && w.dilation_w == 1 && w.stride_w <= 2;
}

bool is_stem(const Trace& trace, NodeId i) {
  const std::int32_t planes = trace.layers[0].out.c;
  const auto* const convolution = std::get_if<graph::Convolution>(&trace.layers[i].operation);
  return convolution != nullptr && convolution->groups == 1 && !is_depthwise(trace.layers[i]) && planes <= 4 &&
         plan::is_whole(trace.channels.operands[i][0], 0, planes);
}

bool is_sum(const Layer& layer) {
  return std::holds_alternative<Sum>(layer.operation) || std::holds_alternative<Copy>(layer.operation);
}
bool is_pixel_wise(const Layer& layer) { return is_sum(layer) && layer.norm < 0; }

bool is_fused_into_reader(const Trace& trace, NodeId i) {
  if (i + 1 >= trace.layers.end_id() || !is_pixel_wise(trace.layers[i])) return false;
  const std::vector<ChannelList>& operands = trace.channels.operands[i + 1];
  if (is_sum(trace.layers[i + 1]) || operands.size() != 1) return false;
  std::vector<bool> read(static_cast<std::size_t>(trace.layers[i].out.c), false);
  for (const Channel& channel : operands[0]) {
    if (channel.node == i) read[static_cast<std::size_t>(channel.index)] = true;
  }
  return std::all_of(read.begin(), read.end(), [](bool is_read) { return is_read; });
}

Trace trace(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes) {
  if (graph::is_quantised(graph)) {
    throw Error({"graph '", graph.name, "': it is quantised; train the network of floats that it was made of"});
  }
  return Tracer(graph, shapes).run();
}

}  // namespace riffle::trainer
