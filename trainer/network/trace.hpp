// From a graph to layers: what training computes, in order.
//
//   graph nodes                                        a layer
//   convolution -> batch norm -> relu          ---->   convolution, whose result is read through norm and relu
//   slice, concat, shuffle, gather             ---->   nothing: operands are lists of channels by name
//   convolution with a fused residual          ---->   convolution, add
//   fully connected                            ---->   convolution as large as its operand
//   first convolution -> norm, relu -> max     ---->   convolution, of whose results only the largest are kept
//
// A batch norm or an activation that alone reads whole results becomes a property of those results; one that does not
// (its operand is also read as it is) becomes a layer that copies.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/lower_channels.hpp"

namespace riffle::trainer {

/// Channel `index` of what layer `node` computes: passes::Channel, in which a layer is the node.
using passes::Channel;
using passes::ChannelList;

/// The operand itself, for a batch norm or an activation that cannot be read into.
struct Copy {};
/// Two operands of one shape.
struct Sum {};

using LayerOperation = std::variant<graph::Input, graph::Convolution, graph::Pool, graph::GlobalAveragePool, Sum, Copy>;

/// Max pooling behind a layer, before its batch norm and activation.
struct Pooled {
  kernels::Window window;
  kernels::Extent extent;  ///< from what the layer's operation computes to what is kept
};

struct Layer {
  graph::NodeId node = -1;  ///< of the graph: where it comes from, and whose parameters it has
  std::string name;         ///< the node's
  LayerOperation operation;
  kernels::Window window;  ///< of a convolution or pooling
  graph::Shape in, out;
  std::optional<Pooled> pooled;            ///< the network's first convolution may have it
  graph::NodeId norm = -1;                 ///< the batch norm through which the result is read, or -1
  std::vector<std::int32_t> norm_channel;  ///< by channel: which of the batch norm's it is
  kernels::Clamp clamp;                    ///< then the activation
};

struct Trace {
  graph::ById<Layer> layers;         ///< the first is the input; each behind those that it reads
  passes::LoweredChannels channels;  ///< of the layers: all of them compute
};

/// Is it a depthwise 3x3 convolution for which there is an operation of its own?
bool is_depthwise(const Layer& layer);
/// Is layer i a dense convolution of the input's 1 to 4 channels, as they come? One filter of one plane is depthwise,
/// too, and counts as that.
bool is_stem(const Trace& trace, graph::NodeId i);

/// Is it a sum or a copy?
bool is_sum(const Layer& layer);
/// Is it one without batch norm, which needs nothing but the same pixel of its operands?
bool is_pixel_wise(const Layer& layer);
/// Is layer i one that works pixel by pixel and is read, whole, by the layer behind it, before anybody else?
bool is_fused_into_reader(const Trace& trace, graph::NodeId i);

/// `graph` verifies, has `shapes`, and ends in one value a class, without softmax. Dead nodes make no layer.
Trace trace(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes);

}  // namespace riffle::trainer
