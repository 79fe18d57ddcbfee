// The floats of a graph that training moves, by node and by PyTorch's word for them ("weight", "running_mean" ...).
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/graph.hpp"
#include "trainer/network/network.hpp"
#include "trainer/network/norm.hpp"
#include "trainer/network/operation.hpp"

namespace riffle::trainer {

class Parameters {
 public:
  /// Those of `nodes`; frozen where the node comes before `first_trained`.
  Parameters(const graph::Graph& graph, const std::set<graph::NodeId>& nodes, graph::NodeId first_trained);
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  [[nodiscard]] std::span<const Parameter> moved() const { return parameters_; }
  [[nodiscard]] std::span<const Statistic> statistics() const { return statistics_; }

  /// Of a convolution or a fully connected layer; empty for other nodes.
  WeightParameters weights(graph::NodeId node);
  /// Of a batch norm.
  NormParameters norm(const graph::Graph& graph, graph::NodeId node, float momentum);

  /// Copies the values into the graph's constants, each as `values` has it.
  void write(graph::Graph& graph, const ValuesOf& values) const;

 private:
  /// One of the graph's constants; no gradient if it is frozen or a statistic.
  struct Store {
    std::vector<float> values, gradient;
  };

  [[nodiscard]] std::string name_of(const graph::Graph& graph, graph::NodeId node, const std::string& word);
  void add_parameter(const graph::Graph& graph, graph::NodeId node, const std::string& word, ParameterKind kind,
                     const graph::Constant& constant, std::vector<std::int64_t> shape);
  void add_statistic(const graph::Graph& graph, graph::NodeId node, const std::string& word,
                     const graph::Constant& constant);
  Store& at(graph::NodeId node, const std::string& word) { return stores_.at({node, word}); }

  graph::NodeId first_trained_;
  std::map<std::pair<graph::NodeId, std::string>, Store> stores_;
  std::set<std::string> names_;
  std::vector<Parameter> parameters_;
  std::vector<Statistic> statistics_;
};

}  // namespace riffle::trainer
