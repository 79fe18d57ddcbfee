#include "models/builder.hpp"

#include <functional>
#include <numeric>
#include <utility>

#include "models/spec.hpp"

namespace riffle::models {

using graph::NodeId;

namespace {

void check_channels(const std::string& name, const char* which, std::int32_t channels, std::int32_t groups) {
  if (channels <= 0 || channels > graph::max_extent) {
    throw Error(name + ": " + std::to_string(channels) + " " + which + "; 1 to " + std::to_string(graph::max_extent) +
                " are possible");
  }
  if (groups <= 0) throw Error(name + ": " + std::to_string(groups) + " groups; at least 1 is needed");
  if (channels % groups != 0) {
    throw Error(name + ": " + std::to_string(channels) + " " + which + " do not divide by " + std::to_string(groups) +
                " groups");
  }
}

graph::Window window(std::int32_t kernel, std::int32_t stride, std::int32_t padding, std::int32_t dilation) {
  graph::Window window;
  window.kernel_h = window.kernel_w = kernel;
  window.stride_h = window.stride_w = stride;
  window.pad_top = window.pad_left = window.pad_bottom = window.pad_right = padding;
  window.dilation_h = window.dilation_w = dilation;
  return window;
}

}  // namespace

NodeId NetworkBuilder::convolution(NodeId input, const std::string& name, const Layer& layer) {
  check_channels(name, "input channels", layer.inputs, layer.groups);
  check_channels(name, "output channels", layer.outputs, layer.groups);
  check_extent(layer.kernel, name + ": kernel");
  check_extent(layer.stride, name + ": stride");
  check_extent(layer.dilation, name + ": dilation");
  const std::int64_t padding = std::int64_t{layer.dilation} * (layer.kernel / 2);
  if (padding > graph::max_extent) {
    throw Error(name + ": kernel " + std::to_string(layer.kernel) + " with dilation " + std::to_string(layer.dilation) +
                " is larger than any image");
  }

  graph::Convolution convolution;
  convolution.outputs = layer.outputs;
  convolution.groups = layer.groups;
  convolution.window = window(layer.kernel, layer.stride, static_cast<std::int32_t>(padding), layer.dilation);
  convolution.weights =
      parameter(name + ".weight", {layer.outputs, layer.inputs / layer.groups, layer.kernel, layer.kernel});
  if (layer.bias) convolution.bias = parameter(name + ".bias", {layer.outputs});
  return graph_.add(name, std::move(convolution), {input});
}

NodeId NetworkBuilder::conv_bn(NodeId input, const std::string& prefix, const Layer& layer) {
  const NodeId convolved = convolution(input, prefix + ".0", layer);
  const std::string name = prefix + ".1";
  graph::BatchNorm norm;
  norm.scale = parameter(name + ".weight", {layer.outputs});
  norm.shift = parameter(name + ".bias", {layer.outputs});
  norm.mean = parameter(name + ".running_mean", {layer.outputs});
  norm.variance = parameter(name + ".running_var", {layer.outputs});
  return graph_.add(name, std::move(norm), {convolved});
}

NodeId NetworkBuilder::conv_bn_relu(NodeId input, const std::string& prefix, const Layer& layer) {
  return relu(conv_bn(input, prefix, layer), prefix + ".2");
}

NodeId NetworkBuilder::relu(NodeId input, const std::string& name) {
  return graph_.add(name, graph::Activate{graph::Activation::relu}, {input});
}

NodeId NetworkBuilder::pool(NodeId input, const std::string& name, graph::PoolKind kind) {
  graph::Pool pool;
  pool.kind = kind;
  pool.window = window(3, 2, 1, 1);
  pool.count_padding = kind == graph::PoolKind::average;
  return graph_.add(name, pool, {input});
}

NodeId NetworkBuilder::shuffle(NodeId input, const std::string& name, std::int32_t channels, std::int32_t groups) {
  check_channels(name, "channels", channels, groups);
  return graph_.add(name, graph::Shuffle{groups}, {input});
}

NodeId NetworkBuilder::concat(NodeId first, NodeId second, const std::string& name) {
  return graph_.add(name, graph::Concat{}, {first, second});
}

NodeId NetworkBuilder::add(NodeId first, NodeId second, const std::string& name) {
  return graph_.add(name, graph::Binary{}, {first, second});
}

NodeId NetworkBuilder::slice(NodeId input, const std::string& name, std::int32_t first, std::int32_t count) {
  return graph_.add(name, graph::Slice{first, count}, {input});
}

NodeId NetworkBuilder::stem(const graph::Shape& image, std::int32_t outputs, bool bias) {
  NodeId y = graph_.add("input", graph::Input{image});
  y = conv_bn_relu(y, "stem.0", {.inputs = image.c, .outputs = outputs, .kernel = 3, .stride = 2, .bias = bias});
  return pool(y, "stem.1", graph::PoolKind::max);
}

NodeId NetworkBuilder::classifier(NodeId input, std::int32_t features, std::int32_t classes) {
  const NodeId pooled = graph_.add("mean", graph::GlobalAveragePool{}, {input});
  graph::FullyConnected layer;
  layer.outputs = classes;
  layer.weights = parameter("classifier.weight", {classes, features});
  layer.bias = parameter("classifier.bias", {classes});
  return graph_.add("classifier", std::move(layer), {pooled});
}

graph::Constant NetworkBuilder::parameter(const std::string& name, const std::vector<std::int64_t>& shape) {
  graph::Constant values = weights_(name, shape);
  const std::int64_t size = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  if (std::cmp_not_equal(values.size(), size)) {
    throw Error("parameter " + name + ": " + std::to_string(values.size()) + " values where " + std::to_string(size) +
                " are needed");
  }
  return values;
}

}  // namespace riffle::models
