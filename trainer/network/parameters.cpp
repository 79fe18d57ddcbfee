#include "trainer/network/parameters.hpp"

namespace riffle::trainer {

using graph::NodeId;

Parameters::Parameters(const graph::Graph& graph, const std::set<NodeId>& nodes, NodeId first_trained)
    : first_trained_(first_trained) {
  for (const NodeId id : nodes) {
    const graph::Operation& operation = graph.nodes[static_cast<std::size_t>(id)].operation;
    if (const auto* convolution = std::get_if<graph::Convolution>(&operation)) {
      const graph::Window& w = convolution->window;
      const std::int64_t taps = static_cast<std::int64_t>(w.kernel_h) * w.kernel_w;
      const std::int64_t inputs = static_cast<std::int64_t>(convolution->weights.size()) / convolution->outputs / taps;
      add_parameter(graph, id, "weight", ParameterKind::weight, convolution->weights,
                    {convolution->outputs, inputs, w.kernel_h, w.kernel_w});
      add_parameter(graph, id, "bias", ParameterKind::bias, convolution->bias, {convolution->outputs});
    } else if (const auto* dense = std::get_if<graph::FullyConnected>(&operation)) {
      add_parameter(graph, id, "weight", ParameterKind::weight, dense->weights,
                    {dense->outputs, static_cast<std::int64_t>(dense->weights.size()) / dense->outputs});
      add_parameter(graph, id, "bias", ParameterKind::bias, dense->bias, {dense->outputs});
    } else if (const auto* norm = std::get_if<graph::BatchNorm>(&operation)) {
      const auto channels = static_cast<std::int64_t>(norm->scale.size());
      add_parameter(graph, id, "weight", ParameterKind::norm_scale, norm->scale, {channels});
      add_parameter(graph, id, "bias", ParameterKind::norm_shift, norm->shift, {channels});
      add_statistic(graph, id, "running_mean", norm->mean);
      add_statistic(graph, id, "running_var", norm->variance);
    }
  }
}

std::string Parameters::name_of(const graph::Graph& graph, NodeId node, const std::string& word) {
  std::string name = graph.nodes[static_cast<std::size_t>(node)].name + "." + word;
  if (!names_.insert(name).second) names_.insert(name += "#" + std::to_string(node));
  return name;
}

void Parameters::add_parameter(const graph::Graph& graph, NodeId node, const std::string& word, ParameterKind kind,
                               const graph::Constant& constant, std::vector<std::int64_t> shape) {
  if (constant.empty()) return;
  Store& store = stores_[{node, word}];
  store.values.assign(constant.values().begin(), constant.values().end());
  const bool frozen = node < first_trained_;
  if (!frozen) store.gradient.resize(store.values.size(), 0.0F);
  parameters_.push_back({name_of(graph, node, word), kind, std::move(shape), store.values, store.gradient, frozen});
}

void Parameters::add_statistic(const graph::Graph& graph, NodeId node, const std::string& word,
                               const graph::Constant& constant) {
  Store& store = stores_[{node, word}];
  store.values.assign(constant.values().begin(), constant.values().end());
  statistics_.push_back({name_of(graph, node, word), store.values});
}

WeightParameters Parameters::weights(NodeId node) {
  WeightParameters result;
  const auto weight = stores_.find({node, "weight"});
  if (weight == stores_.end()) return result;
  result.weights = weight->second.values;
  result.weight_gradient = weight->second.gradient;
  if (const auto bias = stores_.find({node, "bias"}); bias != stores_.end()) {
    result.bias = bias->second.values;
    result.bias_gradient = bias->second.gradient;
  }
  return result;
}

NormParameters Parameters::norm(const graph::Graph& graph, NodeId node, float momentum) {
  NormParameters result;
  Store &scale = at(node, "weight"), &shift = at(node, "bias");
  result.scale = scale.values;
  result.shift = shift.values;
  result.scale_gradient = scale.gradient;
  result.shift_gradient = shift.gradient;
  result.running_mean = at(node, "running_mean").values;
  result.running_variance = at(node, "running_var").values;
  result.epsilon = std::get<graph::BatchNorm>(graph.nodes[static_cast<std::size_t>(node)].operation).epsilon;
  result.momentum = momentum;
  result.frozen = node < first_trained_;
  return result;
}

void Parameters::write(graph::Graph& graph, const ValuesOf& values) const {
  const auto constant = [&](NodeId id, const char* word, graph::Constant& target) {
    if (const auto found = stores_.find({id, word}); found != stores_.end()) {
      const std::span<const float> own = found->second.values, written = values ? values(own) : own;
      target = graph::Constant(std::vector<float>(written.begin(), written.end()));
    }
  };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    graph::Operation& operation = graph.nodes[i].operation;
    if (auto* convolution = std::get_if<graph::Convolution>(&operation)) {
      constant(id, "weight", convolution->weights);
      constant(id, "bias", convolution->bias);
    } else if (auto* dense = std::get_if<graph::FullyConnected>(&operation)) {
      constant(id, "weight", dense->weights);
      constant(id, "bias", dense->bias);
    } else if (auto* norm = std::get_if<graph::BatchNorm>(&operation)) {
      constant(id, "weight", norm->scale);
      constant(id, "bias", norm->shift);
      constant(id, "running_mean", norm->mean);
      constant(id, "running_var", norm->variance);
    }
  }
}

}  // namespace riffle::trainer
