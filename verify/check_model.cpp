#include "verify/check_model.hpp"

#include <algorithm>
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

/// As the output's type has them.
std::vector<double> in_type(const std::vector<double>& numbers, const graph::Output& output) {
  if (output.type == Type::f32 || output.type == Type::i32) return numbers;
  const std::vector<float> narrow(numbers.begin(), numbers.end());
  const std::vector<float> there =
      decode(encode(narrow, output.type, output.quantization), output.type, output.quantization);
  return {there.begin(), there.end()};
}

/// How far apart neighbouring numbers of the output's type are, up to `largest`.
double step_of(const graph::Output& output, double largest) {
  switch (output.type) {
    case Type::f16:
      return largest * 0x1p-10;
    case Type::bf16:
      return largest * 0x1p-7;
    case Type::i8:
    case Type::u8:
      return static_cast<double>(output.quantization.scale);
    case Type::f32:
    case Type::i32:
      break;
  }
  return 0;
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
                         in_type(arranged(right_[output.node], output.arrangement), output));
        note(found, is_right(found, output));
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
  [[nodiscard]] bool is_right(const Deviation& found, const graph::Output& output) const {
    if (graph_.nodes[output.node].quantization) return found.difference == 0;
    return found.difference <= tolerance_ * std::max(found.largest, 1.0) + step_of(output, found.largest);
  }

  const graph::Graph& graph_;
  const Buffers& inputs_;
  double tolerance_;
  graph::Graph every_;
  graph::ById<Tensor> right_;
};

}  // namespace

graph::Graph with_every_node(graph::Graph graph) {
  std::set<std::string> taken;
  for (graph::Output& output : graph.outputs) {
    output.name = graph.output_name(output);
    taken.insert(output.name);
  }
  std::vector<graph::Output> every;
  for (graph::NodeId id = 0; id < graph.nodes.end_id() && every.size() < graph::max_tensors; ++id) {
    const graph::Node& node = graph.nodes[id];
    bool is_there = std::holds_alternative<graph::Input>(node.operation);
    for (const graph::Output& output : graph.outputs) {
      if (output.node != id) continue;
      is_there = is_there || output.name == node.name;
      every.push_back(output);
    }
    if (is_there) continue;
    std::string name = node.name;
    for (int i = 2; !taken.insert(name).second; ++i) name = node.name + "." + std::to_string(i);
    every.push_back({.node = id, .name = std::move(name)});
  }
  if (every.size() > graph::max_tensors) every.resize(graph::max_tensors);
  graph.outputs = std::move(every);
  graph.labels.clear();
  graph.preprocessing.reset();
  graph.task.reset();
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
