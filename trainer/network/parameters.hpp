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
  /// Those that move: of norms that are not frozen.
  [[nodiscard]] std::span<const Statistic> moved_statistics() const {
    return std::span(statistics_).subspan(frozen_statistics_);
  }

  /// The gradients of all that is not frozen, in one piece, in the order of the nodes.
  [[nodiscard]] std::span<float> gradients() { return gradients_; }
  /// Where in gradients() the node's end; 0 where it has none.
  [[nodiscard]] std::size_t gradients_end(graph::NodeId node) const;

  /// Of a convolution or a fully connected layer; empty for other nodes.
  WeightParameters weights(graph::NodeId node);
  /// Of a batch norm.
  NormParameters norm(const graph::Graph& graph, graph::NodeId node, float momentum);

  /// Copies the values into the graph's constants, each as `values` has it.
  void write(graph::Graph& graph, const ValuesOf& values) const;

 private:
  /// One of the graph's constants; no gradient if it is frozen or a statistic.
  struct Store {
    std::vector<float> values;
    std::span<float> gradient;
  };

  [[nodiscard]] std::string name_of(const graph::Graph& graph, graph::NodeId node, const std::string& word);
  void add_parameter(const graph::Graph& graph, graph::NodeId node, const std::string& word, ParameterKind kind,
                     const graph::Constant& constant, std::vector<std::int64_t> shape);
  void add_statistic(const graph::Graph& graph, graph::NodeId node, const std::string& word,
                     const graph::Constant& constant);
  /// Gives each parameter that moves its part of the gradients.
  void place_gradients();
  Store& at(graph::NodeId node, const std::string& word) { return stores_.at({node, word}); }

  graph::NodeId first_trained_;
  std::map<std::pair<graph::NodeId, std::string>, Store> stores_;
  std::set<std::string> names_;
  std::vector<float> gradients_;
  std::vector<Parameter> parameters_;
  std::vector<Store*> parameter_stores_;  ///< by parameter
  std::vector<Statistic> statistics_;
  std::size_t frozen_statistics_ = 0;  ///< the first ones
};

}  // namespace riffle::trainer
