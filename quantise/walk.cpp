#include "quantise/walk.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <string>

#include "engine/run/session.hpp"
#include "quantise/parallel.hpp"
#include "quantise/rounding.hpp"

namespace riffle::quantise {
namespace {

using graph::NodeId;
using graph::Shape;

/// The numbers are integers already or become them here.
float to_integer(float x, const graph::IntegerBounds& bounds) {
  return static_cast<float>(graph::rounded(x, bounds.lower, bounds.upper));
}

/// What the engine computes of a node: its equation before anything is rounded.
struct Equation {
  graph::Operation operation;
  std::vector<Shape> operands;     ///< of those of the node's that it reads
  std::vector<float> row_factors;  ///< of a layer of integers: what the sums are multiplied with
};

template <class Layer>
void use_integers(Layer& layer, std::vector<float>& row_factors) {
  const std::vector<std::int32_t> bias = graph::integer_bias(layer.weights, layer.bias);
  const kernels::Weights factors = layer.weights.factors();
  for (const double factor : factors.row_scale) row_factors.push_back(static_cast<float>(factor));
  layer.weights = graph::Constant(std::vector<float>(factors.values.begin(), factors.values.end()));
  layer.bias = graph::Constant(std::vector<float>(bias.begin(), bias.end()));
  layer.activation = graph::Activation::none;
}

Equation equation_of(const graph::Node& node, std::vector<Shape> operands, bool reads_integers) {
  Equation equation{node.operation, std::move(operands), {}};
  if (!reads_integers) return equation;
  if (auto* convolution = std::get_if<graph::Convolution>(&equation.operation)) {
    use_integers(*convolution, equation.row_factors);
    equation.operands.resize(1);
  } else if (auto* dense = std::get_if<graph::FullyConnected>(&equation.operation)) {
    use_integers(*dense, equation.row_factors);
  } else if (graph::Activation* activation = graph::fused_activation(equation.operation)) {
    *activation = graph::Activation::none;
  }
  return equation;
}

std::shared_ptr<const plan::Plan> plan_of(const Equation& equation) {
  graph::Graph graph;
  std::vector<NodeId> operands;
  for (const Shape& shape : equation.operands) {
    operands.push_back(graph.add("operand" + std::to_string(operands.size()), graph::Input{shape}));
  }
  graph.outputs = {{graph.add("result", equation.operation, operands)}};
  return plan::make(std::move(graph));
}

/// What becomes of an equation's result of one picture: a factor a row, a residual, integers.
class Ending {
 public:
  Ending(const graph::Node& node, const Equation& equation) : node_(node), row_factors_(equation.row_factors) {
    if (node.quantization) bounds_ = graph::integer_bounds(node);
    const graph::Activation* activation = graph::fused_activation(node.operation);
    if (activation != nullptr && activation->function == kernels::Function::table) {
      table_ = graph::function_args(*activation);
    }
    if (node.quantization && std::holds_alternative<graph::GlobalAveragePool>(node.operation)) {
      pixels_ = static_cast<double>(equation.operands[0].pixels());
      mean_factor_ = static_cast<float>(1.0 / (static_cast<double>(node.quantization->scale) * pixels_));
    }
  }

  /// `residual`: nothing, or the plane that is added, of which one number may count for all.
  void operator()(std::int32_t channel, std::span<float> plane, std::span<const float> residual) const {
    const float factor = row_factors_.empty() ? 1.0F : row_factors_[static_cast<std::size_t>(channel)];
    for (std::size_t i = 0; i < plane.size(); ++i) {
      float x = plane[i] * factor;
      if (!node_.quantization) {
        plane[i] = row_factors_.empty() ? x : clamped(x);
        continue;
      }
      if (!residual.empty()) {
        x = static_cast<float>(graph::rounded(x, -32768, 32767)) + residual[residual.size() == 1 ? 0 : i];
      }
      x = pixels_ > 0.0 ? static_cast<float>(nearest(x * pixels_)) * mean_factor_ : x / node_.quantization->scale;
      plane[i] = to_integer(x, bounds_);
      if (table_) plane[i] = static_cast<float>(kernels::reference_of(*table_, static_cast<double>(plane[i]), channel));
    }
  }

  /// Is there anything to be done?
  [[nodiscard]] bool is_needed() const { return node_.quantization.has_value() || !row_factors_.empty(); }

 private:
  [[nodiscard]] float clamped(float x) const {
    const kernels::Clamp& bounds = graph::fused_activation(node_.operation)->bounds;
    return std::clamp(x, bounds.lower, bounds.upper);
  }

  const graph::Node& node_;
  const std::vector<float>& row_factors_;
  double pixels_ = 0.0;  // of a mean over all: of the sum, an integer, ties are many
  float mean_factor_ = 1.0F;
  graph::IntegerBounds bounds_;
  std::optional<kernels::FunctionArgs> table_;
};

/// One worker's memory for a picture's operands, and its session.
struct Worker {
  std::vector<std::vector<float>> operands;
  std::optional<run::Session> session;
};

}  // namespace

graph::ById<NodeId> last_readers(const graph::Graph& graph, const passes::LoweredChannels& lowered) {
  graph::ById<NodeId> last(graph.nodes.size(), -1);
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    for (const passes::ChannelList& operand : lowered.operands[id]) {
      for (const passes::Channel& channel : operand) last[channel.node] = id;
    }
  }
  for (const passes::ChannelList& output : lowered.outputs) {
    for (const passes::Channel& channel : output) last[channel.node] = graph.nodes.end_id();
  }
  return last;
}

Walk::Walk(const graph::Graph& graph, const Samples& samples, int threads)
    : graph_(graph),
      samples_(samples),
      threads_(threads),
      shapes_(graph::infer_shapes(graph)),
      read_(graph::numbers_read(graph)),
      lowered_(passes::lower_channels(graph, shapes_)),
      last_reader_(last_readers(graph, lowered_)),
      results_(graph.nodes.size()) {
  const auto counts = gathered<std::int64_t>(samples.peers, {samples.count});
  first_ = std::accumulate(counts.begin(), counts.begin() + samples.peers.rank, std::int64_t{0});
  count_of_all_ = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

NodeId Walk::step() {
  const NodeId id = next_++;
  for (NodeId before = 0; before < id; ++before) {
    if (last_reader_[before] < id) results_[before].numbers = std::vector<float>();  // which has no memory
  }
  if (lowered_.computes[id]) compute(id);
  return id;
}

void Walk::compute(NodeId id) {
  const graph::Node& node = graph_.nodes[id];
  Planes& result = results_[id];
  result.shape = shapes_[id];
  const auto size = static_cast<std::size_t>(result.shape.size());
  const auto pixels = static_cast<std::size_t>(result.shape.pixels());
  if (std::holds_alternative<graph::Input>(node.operation)) {
    result.numbers = samples_.inputs[static_cast<std::size_t>(id)];
    if (!node.quantization) return;
    const graph::IntegerBounds bounds = graph::integer_bounds(node);
    for (float& x : result.numbers) x = to_integer(x / node.quantization->scale, bounds);
    return;
  }
  if (const auto* literal = std::get_if<graph::Literal>(&node.operation)) {
    for (std::int64_t n = 0; n < count(); ++n) {
      result.numbers.insert(result.numbers.end(), literal->values.values().begin(), literal->values.values().end());
    }
    if (!node.quantization) return;
    const graph::IntegerBounds bounds = graph::integer_bounds(node);
    for (float& x : result.numbers) x = to_integer(x / node.quantization->scale, bounds);
    return;
  }
  result.numbers.resize(size * static_cast<std::size_t>(count()));

  const std::vector<passes::ChannelList>& operands = lowered_.operands[id];
  std::vector<Shape> shapes;
  for (const NodeId input : node.inputs) shapes.push_back(shapes_[input]);
  const bool reads_integers = read_[node.inputs[0]].integers;
  const Equation equation = equation_of(node, std::move(shapes), reads_integers);
  const auto plan = plan_of(equation);
  const Ending ending(node, equation);
  const bool has_residual = equation.operands.size() < operands.size();

  std::vector<Worker> workers(static_cast<std::size_t>(threads_));
  for_each_index(count(), threads_, [&](std::int64_t n, int number) {
    Worker& worker = workers[static_cast<std::size_t>(number)];
    if (!worker.session) {
      worker.session.emplace(plan);
      for (const Shape& shape : equation.operands) worker.operands.emplace_back(static_cast<std::size_t>(shape.size()));
    }
    std::vector<const void*> from;
    for (std::size_t i = 0; i < worker.operands.size(); ++i) {
      auto to = worker.operands[i].begin();
      for (const passes::Channel& channel : operands[i]) {
        const std::span<const float> numbers = plane(channel, n);
        const std::int64_t wanted = equation.operands[i].pixels();
        // A literal of one pixel counts for all.
        to = std::ssize(numbers) == wanted ? std::ranges::copy(numbers, to).out : std::fill_n(to, wanted, numbers[0]);
      }
      from.push_back(worker.operands[i].data());
    }
    const std::span<float> numbers = std::span(result.numbers).subspan(static_cast<std::size_t>(n) * size, size);
    void* const to = numbers.data();
    worker.session->run(from.data(), &to);
    if (!ending.is_needed()) return;
    for (std::int32_t c = 0; c < result.shape.c; ++c) {
      const auto index = static_cast<std::size_t>(c);
      const std::span<const float> residual = has_residual ? plane(operands[1][index], n) : std::span<const float>();
      ending(c, numbers.subspan(index * pixels, pixels), residual);
    }
  });
}

}  // namespace riffle::quantise
