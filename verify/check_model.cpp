#include "verify/check_model.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "engine/graph/quantization.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "kernels/kernels.hpp"
#include "verify/interpret.hpp"
#include "verify/numbers.hpp"

namespace riffle::verify {
namespace {

using Buffers = std::vector<std::vector<std::byte>>;

Buffers run(const std::shared_ptr<const plan::Plan>& plan, const Buffers& inputs) {
  Buffers outputs;
  for (const plan::Tensor& output : plan->outputs) outputs.emplace_back(static_cast<std::size_t>(output.bytes()));
  std::vector<const void*> from;
  for (const auto& input : inputs) from.push_back(input.data());
  std::vector<void*> to;
  for (auto& output : outputs) to.push_back(output.data());
  run::Session(plan, 1).run(from.data(), to.data(), 1);
  return outputs;
}

/// How far the numbers are from what they should be.
Deviation deviation_of(const std::string& name, const std::vector<float>& numbers, const std::vector<double>& right) {
  Deviation result{name};
  for (std::size_t i = 0; i < right.size(); ++i) {
    result.largest = std::max(result.largest, std::abs(right[i]));
    const auto number = static_cast<double>(numbers[i]);
    const bool both_nan = std::isnan(number) && std::isnan(right[i]);
    const double difference = number == right[i] || both_nan ? 0.0 : std::abs(number - right[i]);
    if (!(difference <= result.difference)) result.difference = difference;  // a NaN stays
  }
  return result;
}

class Checker {
 public:
  Checker(const graph::Graph& graph, const Buffers& inputs, double tolerance)
      : graph_(graph), inputs_(inputs), tolerance_(tolerance), every_(with_every_node(graph)) {
    std::vector<std::vector<float>> numbers;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      numbers.push_back(decode(inputs[i], graph.input(i).type, graph.input(i).quantization));
    }
    right_ = interpret(graph, numbers, 1);
  }

  CheckedWay operator()(const kernels::Kernels& kernels) const {
    CheckedWay result{std::string(kernels.isa)};
    const auto compare = [&](const graph::Graph& graph, auto&& note) {
      const auto plan = plan::make(graph, {.kernels = &kernels});
      const Buffers outputs = run(plan, inputs_);
      for (std::size_t o = 0; o < outputs.size(); ++o) {
        const graph::Output& output = graph.outputs[o];
        const Deviation found =
            deviation_of(graph.output_name(output), decode(outputs[o], output.type, output.quantization),
                         planes(right_[output.node]));
        note(found, is_right(found, output.node));
      }
    };
    compare(graph_, [&](const Deviation& found, bool right) {
      const double part = found.difference / std::max(found.largest, 1.0);
      if (!(part <= result.difference)) result.difference = part;
      if (!right && !result.output) result.output = found;
    });
    if (!result.output) return result;
    compare(every_, [&](const Deviation& found, bool right) {
      if (!right && !result.first_node) result.first_node = found;
    });
    return result;
  }

 private:
  [[nodiscard]] bool is_right(const Deviation& found, graph::NodeId node) const {
    const double allowed = graph_.nodes[node].quantization ? 0.0 : tolerance_ * std::max(found.largest, 1.0);
    return found.difference <= allowed;
  }

  const graph::Graph& graph_;
  const Buffers& inputs_;
  double tolerance_;
  graph::Graph every_;
  graph::ById<Tensor> right_;
};

}  // namespace

graph::Graph with_every_node(graph::Graph graph) {
  graph.outputs.clear();
  graph.labels.clear();
  std::set<std::string> taken;
  for (graph::NodeId id = 0; id < graph.nodes.end_id() && graph.outputs.size() < graph::max_tensors; ++id) {
    const graph::Node& node = graph.nodes[id];
    if (std::holds_alternative<graph::Input>(node.operation)) continue;
    std::string name = node.name;
    for (int i = 2; !taken.insert(name).second; ++i) name = node.name + "." + std::to_string(i);
    graph.outputs.push_back({.node = id, .name = std::move(name)});
  }
  return graph;
}

std::vector<CheckedWay> check_model(const graph::Graph& graph, const std::vector<std::vector<std::byte>>& inputs,
                                    double tolerance, const std::function<void(const CheckedWay&)>& done) {
  const Checker check(graph, inputs, tolerance);
  std::vector<CheckedWay> ways;
  for (const kernels::Kernels* table : kernels::all_kernels()) {
    if (!table->supported() || table->type != Type::f32) continue;
    ways.push_back(check(*table));
    if (done) done(ways.back());
  }
  return ways;
}

}  // namespace riffle::verify
