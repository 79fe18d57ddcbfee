#include "engine/plan/convolution_kind.hpp"

namespace riffle::plan {

bool is_whole(const passes::ChannelList& list, graph::NodeId node, std::int32_t channels) {
  if (static_cast<std::int32_t>(list.size()) != channels) return false;
  for (std::size_t c = 0; c < list.size(); ++c) {
    if (list[c] != passes::Channel{node, static_cast<std::int32_t>(c)}) return false;
  }
  return true;
}

namespace {

/// The stem reads rows of a few taps, that of bytes of neighbours, and makes bytes.
bool may_be_stem(const graph::Node& node, const graph::Node& input, const graph::Convolution& convolution,
                 std::int32_t channels) {
  const graph::Window& w = convolution.window;
  const std::int64_t reach = std::int64_t{w.kernel_w - 1} * w.dilation_w + 1;
  if (w.kernel_h * channels > kernels::StemKernel::most_rows || reach > kernels::StemKernel::most_columns) return false;
  return !input.quantization || (node.quantization && w.dilation_h == 1 && w.dilation_w == 1);
}

}  // namespace

ConvolutionKind convolution_kind(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes,
                                 const passes::LoweredChannels& lowered, graph::NodeId id, const Without& without) {
  const graph::Node& node = graph.nodes[id];
  const auto& convolution = std::get<graph::Convolution>(node.operation);
  const passes::ChannelList& operand = lowered.operands[id][0];
  const bool alone = node.inputs.size() == 1;  // no residual, which neither the stem's nor the depthwise kernel takes
  if (alone && graph::is_depthwise(convolution, static_cast<std::int32_t>(operand.size()))) {
    return ConvolutionKind::depthwise;
  }
  const graph::NodeId read = operand[0].node;
  const std::int32_t channels = shapes[read].c;
  const bool is_input = std::holds_alternative<graph::Input>(graph.nodes[read].operation);
  if (!without.stem && alone && convolution.groups == 1 && is_input && channels <= 4 &&
      is_whole(operand, read, channels) && may_be_stem(node, graph.nodes[read], convolution, channels)) {
    return ConvolutionKind::stem;
  }
  return graph::is_pointwise(convolution) ? ConvolutionKind::pointwise : ConvolutionKind::general;
}

}  // namespace riffle::plan
