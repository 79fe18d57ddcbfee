#include "quantise/rewrite.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

namespace riffle::quantise {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;

/// What readers want of a node: integers; the same numbers as floats, which have the integers' units; real numbers.
enum class Form : std::uint8_t { integers, counts, real };

/// Of a graph's constants, by output.
std::vector<float> floats_of(const graph::Constant& constant) {
  return {constant.values().begin(), constant.values().end()};
}

class Rewriting {
 public:
  Rewriting(Quantised& quantised, const Agreement& agreement, const Scales& scales)
      : before_(quantised.before), after_(quantised.after), q_(quantised), agreement_(agreement), scales_(scales) {
    for (auto& ids : forms_) ids.assign(before_.nodes.size(), -1);
  }

  void run() {
    after_.name = before_.name;
    after_.labels = before_.labels;
    after_.preprocessing = before_.preprocessing;
    after_.task = before_.task;
    q_.node.assign(before_.nodes.size(), -1);
    q_.scales.resize(before_.nodes.size());
    for (NodeId id = 0; id < before_.nodes.end_id(); ++id) {
      if (!agreement_.lowered.computes[id]) continue;
      for (std::int32_t c = 0; c < agreement_.shapes[id].c; ++c) q_.scales[id].push_back(unit({id, c}));
      q_.node[id] = compute(id);
    }
    for (const graph::Output& output : before_.outputs) {
      graph::Output result = output;
      result.name = before_.output_name(output);
      result.node = form(output.node, Form::real);
      after_.outputs.push_back(std::move(result));
    }
  }

 private:
  [[nodiscard]] const Node& node(NodeId id) const { return before_.nodes[id]; }

  /// What one of the node's own results counts.
  [[nodiscard]] double unit(const passes::Channel& channel) const {
    return agreement_.makes_integers[channel.node] ? scales_.scale(channel) : 1.0;
  }

  /// The node that computes it.
  NodeId compute(NodeId id) {
    const bool reads_integers = agreement_.reads_integers[id];
    Node result{node(id).name, node(id).operation, {}};
    const auto& operands = agreement_.lowered.operands[id];
    if (agreement_.makes_integers[id] && !graph::moves_numbers(result.operation)) {
      result.quantization = {static_cast<float>(scales_.factor(id)), scales_.zero_point(id)};
      if (std::holds_alternative<graph::Input>(result.operation)) return append(std::move(result));
      if (auto* literal = std::get_if<graph::Literal>(&result.operation)) {
        result.quantization->scale = 1.0F;
        literal->values = counted(id, *literal);
        return append(std::move(result));
      }
    }
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const bool in_weights = i == 0 && has_weights(result.operation);
      const Form wanted = reads_integers ? Form::integers : in_weights ? Form::counts : Form::real;
      result.inputs.push_back(form(node(id).inputs[i], wanted));
      if (in_weights && !reads_integers) multiply_columns(result.operation, operands[0], q_.scales);
    }
    if (reads_integers && has_weights(result.operation)) {
      set_layer(result.operation, rounded(id), q_.scales[id]);
    }
    if (reads_integers && is_tabulated(result.operation)) {
      std::get<graph::Activate>(result.operation).kind = tabulated(id);
    } else if (result.quantization) {
      set_bounds(id, result);
    }
    if (auto* pad = std::get_if<graph::Pad>(&result.operation); pad != nullptr && reads_integers) {
      pad->value /= static_cast<float>(q_.scales[id][0]);
    }
    return append(std::move(result));
  }

  static bool has_weights(const graph::Operation& operation) {
    return std::holds_alternative<graph::Convolution>(operation) ||
           std::holds_alternative<graph::FullyConnected>(operation);
  }

  [[nodiscard]] IntegerLayer rounded(NodeId id) const {
    const graph::Shape& operand = agreement_.shapes[node(id).inputs[0]];
    const Matrix matrix = *matrix_of(node(id).operation, operand);
    const graph::Constant* bias = nullptr;
    graph::for_each_constant(node(id).operation,
                             [&](std::string_view word, const graph::Constant& constant, const auto&) {
                               if (word == "bias") bias = &constant;
                             });
    const std::vector<double> steps = factor_steps(q_, id, agreement_.makes_integers[id]);
    IntegerLayer layer;
    for (std::int32_t o = 0; o < matrix.groups * matrix.outputs; ++o) {
      const auto output = static_cast<std::size_t>(o);
      const double b = bias->empty() ? 0.0 : static_cast<double>(bias->values()[output]);
      const std::vector<double> weights = column_weights(matrix, o, agreement_.lowered.operands[id][0], scales_);
      layer.rows.push_back(round_row(weights, std::vector<double>(weights.size(), 1.0), {b, steps[output]}));
      layer.bias.push_back(b);
    }
    return layer;
  }

  /// A literal's numbers in the units of its integers.
  [[nodiscard]] graph::Constant counted(NodeId id, const graph::Literal& literal) const {
    std::vector<float> values = floats_of(literal.values);
    const auto pixels = static_cast<std::size_t>(literal.shape.pixels());
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(static_cast<double>(values[i]) / q_.scales[id][i / pixels]);
    }
    return graph::Constant(std::move(values));
  }

  /// Which integer each integer becomes by the function.
  [[nodiscard]] graph::Activation tabulated(NodeId id) const {
    const graph::Activation& kind = std::get<graph::Activate>(node(id).operation).kind;
    const kernels::FunctionArgs function = graph::function_args(kind);
    const passes::ChannelList& from = agreement_.lowered.operands[id][0];
    const std::int32_t zero_in = scales_.zero_point(from[0].node), zero_out = scales_.zero_point(id);
    auto table = std::make_shared<std::vector<std::uint8_t>>();
    const std::size_t rows = has_table_a_channel(kind) ? from.size() : 1;
    for (std::size_t row = 0; row < rows; ++row) {
      const double worth = scales_.scale(from[row]), unit = q_.scales[id][row];
      for (std::int32_t i = 0; i < 256; ++i) {
        const double x = std::clamp((i - zero_in) * worth, static_cast<double>(kind.bounds.lower),
                                    static_cast<double>(kind.bounds.upper));
        const double y = kernels::reference_of(function, x, static_cast<std::int64_t>(row)) / unit;
        const std::int32_t rounded = graph::rounded(static_cast<float>(y), -zero_out, 255 - zero_out);
        table->push_back(static_cast<std::uint8_t>(rounded + zero_out));
      }
    }
    graph::Activation result{
        .function = kernels::Function::table, .a = static_cast<float>(zero_in), .b = static_cast<float>(zero_out)};
    const std::span<const std::byte> stored = std::as_bytes(std::span(*table));
    result.table = graph::Constant(Type::u8, stored, std::move(table));
    return result;
  }

  /// The bounds of the activation in the unit of the results; none that no byte reaches.
  void set_bounds(NodeId id, Node& result) const {
    graph::Activation* activation = graph::fused_activation(result.operation);
    if (activation == nullptr) return;
    constexpr float infinity = std::numeric_limits<float>::infinity();
    auto& [lower, upper] = activation->bounds;
    const std::int32_t zero = result.quantization->zero_point;
    const auto is_beyond = [&](float bound, std::int32_t byte) {
      return std::ranges::all_of(q_.scales[id], [&](double scale) {
        return std::abs(static_cast<double>(bound)) / scale > std::abs(byte) - 0.5;
      });
    };
    const auto unit = static_cast<float>(q_.scales[id][0]);
    upper = is_beyond(upper, 255 - zero) ? infinity : upper / unit;
    if (lower != 0.0F) lower = lower < 0.0F && is_beyond(lower, zero) ? -infinity : lower / unit;
  }

  /// What gives a node's results in that form.
  NodeId form(NodeId id, Form wanted) {
    NodeId& known = forms_[static_cast<std::size_t>(wanted)][id];
    if (known < 0) known = graph::moves_channels(node(id).operation) ? moved(id, wanted) : converted(id, wanted);
    return known;
  }

  NodeId moved(NodeId id, Form wanted) {
    Node result{node(id).name + suffix(wanted), node(id).operation, {}};
    for (const NodeId input : node(id).inputs) result.inputs.push_back(form(input, wanted));
    return append(std::move(result));
  }

  NodeId converted(NodeId id, Form wanted) {
    const NodeId computed = q_.node[id];
    const graph::Activate nothing{graph::Activation::none};
    if (agreement_.makes_integers[id] == (wanted == Form::integers)) return computed;
    const std::string name = node(id).name + suffix(wanted);
    if (std::holds_alternative<graph::Literal>(node(id).operation)) return append({name, node(id).operation, {}});
    if (wanted == Form::integers) {
      return append({name,
                     nothing,
                     {computed},
                     Quantization{static_cast<float>(scales_.scale({id, 0})), scales_.zero_point(id)}});
    }
    if (wanted == Form::counts) return append({name, nothing, {computed}});
    graph::Convolution units;
    units.outputs = units.groups = agreement_.shapes[id].c;
    units.weights = graph::Constant(std::vector<float>(q_.scales[id].begin(), q_.scales[id].end()));
    return append({name, units, {form(id, Form::counts)}});
  }

  /// Names tell apart what stands for one node.
  static std::string suffix(Form wanted) {
    constexpr std::array suffixes = {"", "/counts", "/real"};
    return suffixes[static_cast<std::size_t>(wanted)];
  }

  NodeId append(Node node) {
    after_.nodes.push_back(std::move(node));
    return after_.nodes.end_id() - 1;
  }

  const Graph& before_;
  Graph& after_;
  Quantised& q_;
  const Agreement& agreement_;
  const Scales& scales_;
  std::array<graph::ById<NodeId>, 3> forms_;
};

template <class Layer>
void set_layer(Layer& to, const IntegerLayer& layer, const std::vector<double>& units) {
  auto numbers = std::make_shared<std::vector<std::int8_t>>();
  std::vector<double> factors;
  std::vector<float> bias;
  for (std::size_t o = 0; o < layer.rows.size(); ++o) {
    numbers->insert(numbers->end(), layer.rows[o].numbers.begin(), layer.rows[o].numbers.end());
    factors.push_back(layer.rows[o].factor / units[o]);
    bias.push_back(static_cast<float>(layer.bias[o] / units[o]));
  }
  const std::span<const std::byte> stored = std::as_bytes(std::span(*numbers));
  to.weights = graph::Constant(Type::i8, stored, std::move(numbers)).scaled(std::move(factors));
  to.bias = graph::Constant(std::move(bias));
}

}  // namespace

std::vector<double> column_weights(const Matrix& matrix, std::int32_t output, const passes::ChannelList& operand,
                                   const Scales& scales) {
  const std::span<const float> row = matrix.row(output);
  const auto taps = static_cast<std::size_t>(matrix.taps);
  const auto first = static_cast<std::size_t>(output / matrix.outputs * matrix.inputs);
  std::vector<double> weights(row.size());
  for (std::size_t k = 0; k < row.size(); ++k) {
    weights[k] = static_cast<double>(row[k]) * scales.scale(operand[first + k / taps]);
  }
  return weights;
}

void multiply_columns(graph::Operation& operation, const passes::ChannelList& operand, const Units& units) {
  const auto unit = [&](const passes::Channel& channel) {
    return units[channel.node][static_cast<std::size_t>(channel.index)];
  };
  if (std::ranges::all_of(operand, [&](const passes::Channel& channel) { return unit(channel) == 1.0; })) return;
  graph::for_each_constant(operation, [&](std::string_view word, graph::Constant& constant, const graph::Extents& e) {
    if (word != "weight") return;
    std::vector<float> weights = floats_of(constant);
    const auto rows = static_cast<std::size_t>(e[0]), row_size = weights.size() / rows;
    const auto* convolution = std::get_if<graph::Convolution>(&operation);
    const std::size_t groups = convolution != nullptr ? static_cast<std::size_t>(convolution->groups) : 1;
    const std::size_t inputs = operand.size() / groups, taps = row_size / inputs;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::size_t group = i / row_size / (rows / groups), input = i % row_size / taps;
      weights[i] = static_cast<float>(weights[i] * unit(operand[group * inputs + input]));
    }
    constant = graph::Constant(std::move(weights));
  });
}

Graph without_functions(const Graph& graph, const graph::ById<bool>& keep) {
  Graph result = graph;
  result.nodes.clear();
  graph::ById<NodeId> place(graph.nodes.size());
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    Node node = graph.nodes[id];
    for (NodeId& input : node.inputs) input = place[input];
    graph::Activation* activation = graph::fused_activation(node.operation);
    const bool splits = activation != nullptr && activation->function != kernels::Function::none && !keep[id] &&
                        !std::holds_alternative<graph::Activate>(node.operation);
    const graph::Activation taken = splits ? *activation : graph::Activation::none;
    if (splits) *activation = graph::Activation::none;
    std::string name = node.name;
    result.nodes.push_back(std::move(node));
    place[id] = result.nodes.end_id() - 1;
    if (splits) place[id] = result.add(name + "/" + graph::to_text(taken), graph::Activate{taken}, {place[id]});
  }
  for (graph::Output& output : result.outputs) {
    output.name = graph.output_name(output);
    output.node = place[output.node];
  }
  return result;
}

void set_layer(graph::Operation& operation, const IntegerLayer& layer, const std::vector<double>& units) {
  if (auto* convolution = std::get_if<graph::Convolution>(&operation)) set_layer(*convolution, layer, units);
  if (auto* dense = std::get_if<graph::FullyConnected>(&operation)) set_layer(*dense, layer, units);
}

std::vector<double> factor_steps(const Quantised& quantised, NodeId id, bool makes_integers) {
  const bool is_added = std::ranges::any_of(quantised.before.nodes, [&](const Node& node) {
    return std::holds_alternative<graph::Binary>(node.operation) && std::ranges::count(node.inputs, id) > 0;
  });
  std::vector<double> steps = quantised.scales[id];
  for (double& step : steps) step *= !makes_integers ? 0.0 : is_added ? 0x1p-15 : 0x1p-16;
  return steps;
}

void rewrite(Quantised& quantised, const Agreement& agreement, const Scales& scales) {
  Rewriting(quantised, agreement, scales).run();
}

}  // namespace riffle::quantise
