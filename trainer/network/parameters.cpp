#include "trainer/network/parameters.hpp"

#include <algorithm>

namespace riffle::trainer {

using graph::NodeId;

Parameters::Parameters(const graph::Graph& graph, const std::set<NodeId>& nodes, NodeId first_trained)
    : first_trained_(first_trained) {
  for (const NodeId id : nodes) {
    const graph::Operation& operation = graph.nodes[id].operation;
    const bool is_norm = std::holds_alternative<graph::BatchNorm>(operation);
    graph::for_each_constant(operation,
                             [&](const std::string& word, const graph::Constant& constant, graph::Extents extents) {
                               if (word == "weight") {
                                 const ParameterKind kind = is_norm ? ParameterKind::norm_scale : ParameterKind::weight;
                                 add_parameter(graph, id, word, kind, constant, std::move(extents));
                               } else if (word == "bias") {
                                 const ParameterKind kind = is_norm ? ParameterKind::norm_shift : ParameterKind::bias;
                                 add_parameter(graph, id, word, kind, constant, std::move(extents));
                               } else {
                                 add_statistic(graph, id, word, constant);
                               }
                             });
  }
  place_gradients();
}

void Parameters::place_gradients() {
  std::size_t floats = 0;
  for (const Parameter& parameter : parameters_) floats += parameter.frozen ? 0 : parameter.values.size();
  gradients_.resize(floats, 0.0F);
  std::span<float> rest = gradients_;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].frozen) continue;
    const std::size_t size = parameters_[i].values.size();
    parameters_[i].gradient = parameter_stores_[i]->gradient = rest.first(size);
    rest = rest.subspan(size);
  }
}

std::size_t Parameters::gradients_end(NodeId node) const {
  std::size_t end = 0;
  for (const char* word : {"weight", "bias"}) {
    const auto store = stores_.find({node, word});
    if (store == stores_.end() || store->second.gradient.empty()) continue;
    const std::span<float> gradient = store->second.gradient;
    end = std::max(end, static_cast<std::size_t>(gradient.data() - gradients_.data()) + gradient.size());
  }
  return end;
}

std::string Parameters::name_of(const graph::Graph& graph, NodeId node, const std::string& word) {
  std::string name = graph.nodes[node].name + "." + word;
  if (!names_.insert(name).second) names_.insert(name += "#" + std::to_string(node));
  return name;
}

void Parameters::add_parameter(const graph::Graph& graph, NodeId node, const std::string& word, ParameterKind kind,
                               const graph::Constant& constant, std::vector<std::int64_t> shape) {
  if (constant.empty()) return;
  Store& store = stores_[{node, word}];
  store.values.assign(constant.values().begin(), constant.values().end());
  const bool frozen = node < first_trained_;
  parameters_.push_back({name_of(graph, node, word), kind, std::move(shape), store.values, {}, frozen});
  parameter_stores_.push_back(&store);
}

void Parameters::add_statistic(const graph::Graph& graph, NodeId node, const std::string& word,
                               const graph::Constant& constant) {
  Store& store = stores_[{node, word}];
  store.values.assign(constant.values().begin(), constant.values().end());
  statistics_.push_back({name_of(graph, node, word), store.values});
  if (node < first_trained_) ++frozen_statistics_;
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
  result.epsilon = std::get<graph::BatchNorm>(graph.nodes[node].operation).epsilon;
  result.momentum = momentum;
  result.frozen = node < first_trained_;
  return result;
}

void Parameters::write(graph::Graph& graph, const ValuesOf& values) const {
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    graph::for_each_constant(graph.nodes[id].operation,
                             [&](const std::string& word, graph::Constant& constant, const graph::Extents&) {
                               const auto found = stores_.find({id, word});
                               if (found == stores_.end()) return;
                               const std::span<const float> own = found->second.values;
                               const std::span<const float> written = values ? values(own) : own;
                               constant = graph::Constant(std::vector<float>(written.begin(), written.end()));
                             });
  }
}

}  // namespace riffle::trainer
