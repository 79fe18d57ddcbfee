#include "models/builder.hpp"

namespace riffle::models {

using graph::NodeId;

NodeId separable_convolution(graph::Graph& graph, NodeId input, const std::string& prefix, std::int32_t inputs,
                             std::int32_t outputs, std::int32_t kernel, std::int32_t stride, std::int32_t dilation,
                             const WeightSource& weights) {
  NetworkBuilder build(graph, weights);
  const NodeId filtered = build.convolution(input, prefix + ".depthwise",
                                            {.inputs = inputs,
                                             .outputs = inputs,
                                             .kernel = kernel,
                                             .stride = stride,
                                             .groups = inputs,
                                             .dilation = dilation});
  return build.convolution(filtered, prefix + ".pointwise", {.inputs = inputs, .outputs = outputs});
}

NodeId resnext_block(graph::Graph& graph, NodeId input, const std::string& prefix, std::int32_t inputs,
                     std::int32_t middle, std::int32_t outputs, std::int32_t kernel, std::int32_t groups,
                     std::int32_t stride, const WeightSource& weights) {
  NetworkBuilder build(graph, weights);
  NodeId y = build.conv_bn_relu(input, prefix + ".reduce", {.inputs = inputs, .outputs = middle});
  y = build.conv_bn_relu(y, prefix + ".grouped",
                         {.inputs = middle, .outputs = middle, .kernel = kernel, .stride = stride, .groups = groups});
  y = build.conv_bn(y, prefix + ".expand", {.inputs = middle, .outputs = outputs});
  const bool same_shape = inputs == outputs && stride == 1;
  const NodeId shortcut =
      same_shape ? input
                 : build.conv_bn(input, prefix + ".shortcut", {.inputs = inputs, .outputs = outputs, .stride = stride});
  return build.relu(build.add(y, shortcut, prefix + ".add"), prefix + ".relu");
}

}  // namespace riffle::models
