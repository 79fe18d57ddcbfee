#include "io/onnx/integers.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include "engine/graph/quantization.hpp"
#include "engine/passes/passes.hpp"

namespace riffle::onnx {
namespace {

using graph::Activate;
using graph::Activation;
using graph::Graph;
using graph::Node;
using graph::NodeId;

constexpr NodeId none = -1;

/// A tensor of the model as `scale` times a new node's integers.
struct Integers {
  NodeId node = none;
  float scale = 1.0F;
  std::optional<std::int32_t> zero_point;  ///< of all its channels, where it is one
};

/// What stands behind an old node whose result one node alone reads, and so on.
struct Behind {
  NodeId bounds = none;     ///< an activation of bounds alone
  NodeId quantised = none;  ///< what rounds the result
};

class Rewriter {
 public:
  Rewriter(const Graph& from, const graph::ById<graph::Shape>& shapes, const Conversions& conversions)
      : from_(from),
        shapes_(shapes),
        conversions_(conversions),
        readers_(from.nodes.size()),
        integers_(from.nodes.size()),
        real_(from.nodes.size(), none),
        is_written_(from.nodes.size(), false) {}

  Graph run() {
    to_ = from_;
    to_.nodes.clear();
    for (NodeId id = 0; id < from_.nodes.end_id(); ++id) {
      for (const NodeId input : from_.nodes[id].inputs) readers_[input].push_back(id);
    }
    for (const graph::Output& output : from_.outputs) readers_[output.node].push_back(none);
    for (NodeId id = 0; id < from_.nodes.end_id(); ++id) {
      if (!is_written_[id]) write(id);
    }
    for (graph::Output& output : to_.outputs) {
      output.node = is_integers(output) ? integers_[output.node]->node : real(output.node);
    }
    return std::move(to_);
  }

 private:
  /// Can the caller get the integers themselves, as f32 or as bytes?
  [[nodiscard]] bool is_integers(const graph::Output& output) const {
    const auto& found = integers_[output.node];
    if (!found || !found->zero_point) return false;
    if (output.type == Type::f32) return found->scale == 1.0F;
    return output.type == Type::u8 && output.quantization == Quantization{found->scale, *found->zero_point};
  }

  [[nodiscard]] const Node& old(NodeId id) const { return from_.nodes[id]; }
  template <class Operation>
  [[nodiscard]] const Operation* as(NodeId id) const {
    return std::get_if<Operation>(&old(id).operation);
  }
  /// The only reader; none if there are several, or it is the caller.
  [[nodiscard]] NodeId only_reader(NodeId id) const { return readers_[id].size() == 1 ? readers_[id][0] : none; }
  [[nodiscard]] bool is_quantised(NodeId id) const { return id != none && old(id).quantization.has_value(); }
  [[nodiscard]] bool is_bounds(NodeId id) const {
    const auto* activate = id == none ? nullptr : as<Activate>(id);
    return activate != nullptr && !is_quantised(id) && !conversions_.dequantised.contains(id) &&
           !conversions_.rounded.contains(id) && !conversions_.looked_up.contains(id) &&
           activate->kind.function == kernels::Function::none;
  }

  [[nodiscard]] Behind behind(NodeId id) const {
    Behind result;
    NodeId next = only_reader(id);
    if (is_bounds(next)) {
      result.bounds = next;
      next = only_reader(next);
    }
    if (is_quantised(next)) result.quantised = next;
    return result;
  }

  NodeId add(const std::string& name, graph::Operation operation, std::vector<NodeId> inputs,
             std::optional<Quantization> quantization = {}) {
    const NodeId id = to_.add(name, std::move(operation), std::move(inputs));
    to_.nodes[id].quantization = quantization;
    return id;
  }

  /// An old node's tensor as real numbers. What moved channels of several zero points moves real numbers instead; of
  /// such nodes a chain may be long, so that they are on a stack of their own.
  NodeId real(NodeId id) {
    std::vector<NodeId> wanted = {id};
    while (!wanted.empty()) {
      const NodeId next = wanted.back();
      if (real_[next] == none && integers_[next]->zero_point) real_[next] = dequantised(next);
      const auto missing = std::ranges::find(old(next).inputs, none, [&](NodeId input) { return real_[input]; });
      if (real_[next] == none && missing != old(next).inputs.end()) {
        wanted.push_back(*missing);
        continue;
      }
      if (real_[next] == none) real_[next] = copy(next);
      wanted.pop_back();
    }
    return real_[id];
  }

  /// The old node, of operands that are real already.
  NodeId copy(NodeId id) {
    std::vector<NodeId> operands;
    for (const NodeId input : old(id).inputs) operands.push_back(real_[input]);
    return add(old(id).name, old(id).operation, std::move(operands));
  }

  NodeId dequantised(NodeId id) {
    const auto& [node, scale, zero_point] = *integers_[id];
    const NodeId result = add(old(id).name, Activate{Activation::none}, {node});
    if (scale == 1.0F) return result;
    const auto channels = [](std::size_t count, float value) {
      return graph::Constant(std::vector<float>(count, value));
    };
    const auto count = static_cast<std::size_t>(shapes_[id].c);
    return add(old(id).name,
               graph::BatchNorm{.scale = channels(count, scale),
                                .shift = channels(count, 0.0F),
                                .mean = channels(count, 0.0F),
                                .variance = channels(count, 1.0F),
                                .epsilon = 0.0F},
               {result});
  }

  /// The same as integers, if it is any. A model's input of bytes is, for whoever asks.
  const std::optional<Integers>& integers(NodeId id) {
    const auto* input = as<graph::Input>(id);
    if (input == nullptr || !riffle::is_quantised(input->type) || integers_[id]) return integers_[id];
    const std::int32_t zero_point = input->quantization.zero_point + (input->type == Type::i8 ? 128 : 0);
    const Quantization as_they_are{input->quantization.scale, zero_point};
    if (input->type == Type::u8 && only_reader(id) != none) {
      to_.nodes[real_[id]].quantization = as_they_are;
      integers_[id] = {std::exchange(real_[id], none), as_they_are.scale, zero_point};
    } else {
      const NodeId rounded = add(old(id).name, Activate{Activation::none}, {real_[id]}, as_they_are);
      integers_[id] = {rounded, as_they_are.scale, zero_point};
    }
    return integers_[id];
  }

  /// An old node's tensor rounded to a scale and zero point. The file multiplies integers by their scale and divides
  /// the product by the other one; where one division by the ratio does not round all of them alike, so does the graph.
  NodeId requantised(NodeId id, const Quantization& to, const std::string& name) {
    const std::optional<Integers> in = integers(id);
    if (!in || !in->zero_point) return add(name, Activate{Activation::none}, {real(id)}, to);
    if (in->scale == to.scale && *in->zero_point == to.zero_point) return in->node;
    const Quantization relative{to.scale / in->scale, to.zero_point};
    const std::int32_t least = -to.zero_point, most = 255 - to.zero_point;
    bool is_alike = true;
    for (std::int32_t byte = 0; byte < 256; ++byte) {
      const auto x = static_cast<float>(byte - *in->zero_point);
      is_alike = is_alike && graph::rounded(x * in->scale / to.scale, least, most) ==
                                 graph::rounded(x / relative.scale, least, most);
    }
    return is_alike ? add(name, Activate{Activation::none}, {in->node}, relative)
                    : add(name, Activate{Activation::none}, {real(id)}, to);
  }

  static kernels::Clamp in_units(const kernels::Clamp& bounds, float scale) {
    return {bounds.lower / scale, bounds.upper / scale};
  }

  void write(NodeId id) {
    const Node& node = old(id);
    if (const auto found = conversions_.dequantised.find(id); found != conversions_.dequantised.end()) {
      integers_[id] = integers_[node.inputs[0]];
      integers_[id]->scale = found->second;
    } else if (conversions_.rounded.contains(id)) {
      round(id);
    } else if (conversions_.looked_up.contains(id)) {
      look_up(id);
    } else if (is_quantised(id)) {
      quantise(id);
    } else if (!std::visit([&](const auto& o) { return write_integers(id, o); }, node.operation)) {
      for (const NodeId input : node.inputs) real(input);
      real_[id] = copy(id);
    }
  }

  [[noreturn]] void fail_to_round(NodeId id) const {
    throw Error({"Round node '", old(id).name,
                 "': only integers, and the result of a quantised convolution before a residual is added to it, can be "
                 "rounded"});
  }

  /// Of integers it is those.
  void round(NodeId id) {
    const auto& in = integers(old(id).inputs[0]);
    if (!in || in->scale != 1.0F) fail_to_round(id);
    integers_[id] = in;
  }

  /// The numbers of a table, and what makes bytes of them.
  void look_up(NodeId id) {
    const NodeId reader = only_reader(id);
    if (!is_quantised(reader)) {
      throw Error({"Gather node '", old(id).name,
                   "': what is looked up for bytes is not read by QuantizeLinear alone, which makes bytes of it"});
    }
    const Integers& in = *integers_[old(id).inputs[0]];
    const auto [scale, zero_point] = *old(reader).quantization;
    const auto bytes = std::make_shared<std::vector<std::uint8_t>>();
    for (const float x : conversions_.looked_up.at(id)) {
      const std::int32_t integer = graph::rounded(x / scale, -zero_point, 255 - zero_point);
      bytes->push_back(static_cast<std::uint8_t>(integer + zero_point));
    }
    Activation table{.function = kernels::Function::table,
                     .a = static_cast<float>(*in.zero_point),
                     .b = static_cast<float>(zero_point)};
    table.table = graph::Constant(Type::u8, std::as_bytes(std::span(*bytes)), bytes);
    const Quantization made{1.0F, zero_point};
    integers_[reader] = {add(old(id).name, Activate{std::move(table)}, {in.node}, made), 1.0F, zero_point};
    is_written_[reader] = true;
  }

  void quantise(NodeId id) {
    const NodeId x = old(id).inputs[0];
    const Quantization& to = *old(id).quantization;
    const auto made = [&](NodeId node) { integers_[id] = {node, 1.0F, to.zero_point}; };
    if (const auto* input = as<graph::Input>(x); input != nullptr && input->type == Type::f32 && only_reader(x) == id) {
      to_.nodes[real_[x]].quantization = to;
      return made(real_[x]);
    }
    made(requantised(x, to, old(id).name));
  }

  /// Adds what an old node and those behind it are together, of which `behind.quantised` is the last.
  void finish(NodeId id, const Behind& behind, graph::Operation operation, std::vector<NodeId> inputs,
              const Quantization& quantization) {
    const Quantization& to = *old(behind.quantised).quantization;
    if (behind.bounds != none) {
      graph::fused_activation(operation)->bounds = in_units(as<Activate>(behind.bounds)->kind.bounds, to.scale);
      is_written_[behind.bounds] = true;
    }
    const NodeId node = add(old(id).name, std::move(operation), std::move(inputs), quantization);
    integers_[behind.quantised] = {node, 1.0F, to.zero_point};
    is_written_[behind.quantised] = true;
  }

  template <class Layer>
  static bool has_integer_weights(const Layer& o) {
    return o.weights.type() == Type::i8 && std::ssize(o.weights.row_scale()) == o.outputs;
  }

  /// A layer from integers of one scale to another. The bias counts in sums, of which the file may have whole numbers.
  template <class Layer>
  static Layer between(const Layer& o, float in, float out) {
    Layer result = o;
    std::vector<double> ratios;  // so that the weights' bytes stay where they are
    std::vector<float> biases;
    for (const double scale : o.weights.row_scale()) {
      const float of_sums = in * static_cast<float>(scale), factor = of_sums / out;
      ratios.push_back(factor / scale);
      if (o.bias.empty()) continue;
      const double sums = std::nearbyint(static_cast<double>(o.bias.values()[biases.size()]) / of_sums);
      biases.push_back(static_cast<float>(sums * factor));
    }
    result.weights = o.weights.scaled(std::move(ratios));
    if (!o.bias.empty()) result.bias = graph::Constant(std::move(biases));
    return result;
  }

  template <class Layer>
  static bool has_whole_bias(const Layer& o, float in) {
    std::size_t output = 0;
    return std::ranges::all_of(o.bias.values(), [&](float bias) {
      const float of_sums = in * static_cast<float>(o.weights.row_scale()[output++]);
      const double sums = static_cast<double>(bias) / of_sums;
      return std::abs(sums - std::nearbyint(sums)) <= 1e-6 * std::max(1.0, std::abs(sums));
    });
  }

  /// A layer that makes real numbers in this unit, and bounds behind it.
  template <class Layer>
  NodeId add_real(NodeId id, const Layer& o, const Integers& in, const Behind& after, float unit) {
    Layer result = between(o, in.scale, unit);
    if (after.bounds != none) {
      result.activation.bounds = in_units(as<Activate>(after.bounds)->kind.bounds, unit);
      is_written_[after.bounds] = true;
    }
    return add(old(id).name, std::move(result), {in.node});
  }

  bool write_integers(NodeId id, const graph::Convolution& o) {
    const NodeId reader = only_reader(id);
    if (reader != none && conversions_.rounded.contains(reader)) {  // the residual's addition writes it
      const NodeId sum = only_reader(reader);
      if (sum == none || !graph::is_sum(old(sum).operation)) fail_to_round(reader);
      is_written_[reader] = true;
      return true;
    }
    const auto& in = integers(old(id).inputs[0]);
    const Behind after = behind(id);
    if (!in || !has_integer_weights(o) || (!in->zero_point && !graph::is_pointwise(o))) return false;
    if (after.quantised == none) {
      // A bias that no sum of integers is stays what it is in the file, and so does the layer.
      if (!has_whole_bias(o, in->scale)) return false;
      real_[after.bounds != none ? after.bounds : id] = add_real(id, o, *in, after, 1.0F);
      return true;
    }
    const Quantization& to = *old(after.quantised).quantization;
    finish(id, after, between(o, in->scale, to.scale), {in->node}, {1.0F, to.zero_point});
    return true;
  }

  /// Its results are real numbers, in units of what quantises them, if anything does.
  bool write_integers(NodeId id, const graph::FullyConnected& o) {
    const auto& in = integers(old(id).inputs[0]);
    if (!in || !has_integer_weights(o)) return false;
    const Behind after = behind(id);
    const float unit = after.quantised != none ? old(after.quantised).quantization->scale : 1.0F;
    const NodeId node = add_real(id, o, *in, after, unit);
    if (after.quantised == none) {
      real_[after.bounds != none ? after.bounds : id] = node;
      return true;
    }
    const Node& quantised = old(after.quantised);
    const std::int32_t zero_point = quantised.quantization->zero_point;
    const NodeId rounded = add(quantised.name, Activate{Activation::none}, {node}, Quantization{1.0F, zero_point});
    integers_[after.quantised] = {rounded, 1.0F, zero_point};
    is_written_[after.quantised] = true;
    return true;
  }

  bool write_integers(NodeId id, const graph::Binary& o) {
    const NodeId a = old(id).inputs[0], b = old(id).inputs[1];
    for (const auto& [sum, residual] : {std::pair(a, b), std::pair(b, a)}) {
      if (graph::is_sum(o) && conversions_.rounded.contains(sum)) return write_residual(id, sum, residual);
    }
    const std::optional<Integers> left = integers(a), right = integers(b);
    if (!graph::is_of_integers(o.kind) || !left || !right || !left->zero_point || !right->zero_point) return false;
    const bool is_product = o.kind == graph::BinaryKind::multiply;
    if (!is_product && left->scale != right->scale) return false;
    const float scale = is_product ? left->scale * right->scale : left->scale;
    return write_mean(id, graph::Binary{.kind = o.kind}, {left->node, right->node}, scale);
  }

  /// A convolution, rounded, and its residual.
  bool write_residual(NodeId id, NodeId rounded, NodeId residual) {
    const NodeId convolution = old(rounded).inputs[0];
    const auto* o = as<graph::Convolution>(convolution);
    const Behind after = behind(id);
    if (o == nullptr || after.quantised == none || !has_integer_weights(*o)) fail_to_round(rounded);
    const std::optional<Integers> in = integers(old(convolution).inputs[0]), with = integers(residual);
    const bool in_fits = in && (in->zero_point || graph::is_pointwise(*o));
    const bool residual_fits = with && with->zero_point && with->scale == 1.0F;
    const Quantization& to = *old(after.quantised).quantization;
    if (!in_fits || !residual_fits || to.scale != 1.0F) fail_to_round(rounded);
    finish(convolution, after, between(*o, in->scale, 1.0F), {in->node, with->node}, to);
    return true;
  }

  /// What makes a sum times a factor of integers of one scale.
  bool write_mean(NodeId id, const graph::Operation& o, std::vector<NodeId> operands, float scale) {
    const Behind after = behind(id);
    if (after.quantised == none || (after.bounds != none && graph::fused_activation(o) == nullptr)) return false;
    const Quantization& to = *old(after.quantised).quantization;
    finish(id, after, o, std::move(operands), {to.scale / scale, to.zero_point});
    return true;
  }

  bool write_integers(NodeId id, const graph::GlobalAveragePool& o) {
    const auto& in = integers(old(id).inputs[0]);
    return in && in->zero_point && write_mean(id, o, {in->node}, in->scale);
  }

  bool write_integers(NodeId id, const graph::Pool& o) {
    const auto& in = integers(old(id).inputs[0]);
    if (!in || !in->zero_point) return false;
    if (o.kind == graph::PoolKind::average) return write_mean(id, o, {in->node}, in->scale);
    return write_chosen(id, o, {in->node}, *in);
  }

  bool write_integers(NodeId id, const graph::Crop& o) {
    const auto& in = integers(old(id).inputs[0]);
    return in && in->zero_point && write_chosen(id, o, {in->node}, *in);
  }

  /// With a number that is one of the integers.
  bool write_integers(NodeId id, graph::Pad o) {
    const auto& in = integers(old(id).inputs[0]);
    if (!in || !in->zero_point) return false;
    o.value /= in->scale;
    return static_cast<float>(graph::padded_with(o, *in->zero_point)) == o.value &&
           write_chosen(id, o, {in->node}, *in);
  }

  /// Linear of what is known to be whole numbers (Round); of others in real numbers, as the file says.
  bool write_integers(NodeId id, const graph::Resize& o) {
    const NodeId x = old(id).inputs[0];
    const std::optional<Integers> in = integers(x);
    const bool is_linear = o.mode == graph::ResizeMode::linear;
    if (!in || !in->zero_point || (is_linear && !conversions_.rounded.contains(x))) return false;
    std::vector<NodeId> operands = {in->node};
    for (const NodeId like : std::span(old(id).inputs).subspan(1)) {  // of its size, and of integers as well
      operands.push_back(requantised(like, {1.0F, 0}, old(id).name));
    }
    return is_linear ? write_mean(id, o, std::move(operands), in->scale)
                     : write_chosen(id, o, std::move(operands), *in);
  }

  /// What chooses among the numbers of its operand, which may be quantised again as they are, behind bounds if it has
  /// any.
  bool write_chosen(NodeId id, const graph::Operation& o, std::vector<NodeId> operands, const Integers& in) {
    const Quantization as_they_are{1.0F, *in.zero_point};
    const Behind after = behind(id);
    const bool ends = after.bounds == none || graph::fused_activation(o) != nullptr;
    if (ends && after.quantised != none &&
        *old(after.quantised).quantization == Quantization{in.scale, *in.zero_point}) {
      finish(id, after, o, std::move(operands), as_they_are);
    } else {
      integers_[id] = {add(old(id).name, o, std::move(operands), as_they_are), in.scale, in.zero_point};
    }
    return true;
  }

  /// Bounds between two quantised tensors. Where their byte does not keep them, they hold for the integers as real
  /// numbers.
  bool write_integers(NodeId id, const Activate& o) {
    const auto& in = integers(old(id).inputs[0]);
    const NodeId reader = only_reader(id);
    if (!in || !in->zero_point || !is_bounds(id) || !is_quantised(reader)) return false;
    const Quantization& to = *old(reader).quantization;
    const auto [lower, upper] = in_units(o.kind.bounds, to.scale);
    const bool byte_keeps_them =
        lower <= static_cast<float>(-to.zero_point) && upper >= static_cast<float>(255 - to.zero_point);
    Integers result{none, 1.0F, to.zero_point};
    if (byte_keeps_them) {
      result.node = requantised(old(id).inputs[0], to, old(reader).name);
    } else {
      const Activation bounds{in_units(o.kind.bounds, in->scale)};
      const NodeId real = add(old(id).name, Activate{Activation::none}, {in->node});
      const NodeId bounded = add(old(id).name, Activate{bounds}, {real});
      const Quantization relative{to.scale / in->scale, to.zero_point};
      result.node = add(old(reader).name, Activate{Activation::none}, {bounded}, relative);
    }
    integers_[reader] = result;
    is_written_[reader] = true;
    return true;
  }

  bool write_integers(NodeId id, const graph::Concat& o) { return write_joined(id, o); }
  bool write_integers(NodeId id, const graph::Join& o) { return write_joined(id, o); }

  /// Channels that are joined may have zero points of their own.
  template <class Joining>
  bool write_joined(NodeId id, const Joining& o) {
    std::vector<Integers> parts;
    for (const NodeId input : old(id).inputs) {
      const auto& in = integers(input);
      if (!in) return false;
      parts.push_back(*in);
    }
    const auto move = [&](NodeId to, float scale) {
      Integers result = parts[0];
      std::vector<NodeId> operands;
      for (const Integers& part : parts) {
        operands.push_back(part.node);
        if (part.zero_point != result.zero_point) result.zero_point = std::nullopt;
      }
      integers_[to] = {add(old(id).name, o, std::move(operands)), scale, result.zero_point};
      return true;
    };
    const auto is_alike = [&](const Integers& part) {
      const bool is_one_zero_point = part.zero_point && part.zero_point == parts[0].zero_point;
      return part.scale == parts[0].scale && (std::is_same_v<Joining, graph::Concat> || is_one_zero_point);
    };
    if (std::ranges::all_of(parts, is_alike)) return move(id, parts[0].scale);
    // Each part is quantised as all of them would be.
    const Behind after = behind(id);
    const auto has_zero_point = [](const Integers& part) { return part.zero_point.has_value(); };
    if (after.quantised == none || after.bounds != none || !std::ranges::all_of(parts, has_zero_point)) return false;
    const Node& quantised = old(after.quantised);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parts[i].node = requantised(old(id).inputs[i], *quantised.quantization, quantised.name);
      parts[i].zero_point = quantised.quantization->zero_point;
    }
    is_written_[after.quantised] = true;
    return move(after.quantised, 1.0F);
  }

  bool write_integers(NodeId id, const graph::Rearrange& o) {
    const auto& in = integers(old(id).inputs[0]);
    if (!in || !in->zero_point) return false;
    integers_[id] = {add(old(id).name, o, {in->node}), in->scale, in->zero_point};
    return true;
  }

  template <class Other>
  bool write_integers(NodeId id, const Other& o) {
    if constexpr (requires { Other::moves_channels; }) {
      const auto& in = integers(old(id).inputs[0]);
      if (in) integers_[id] = {add(old(id).name, o, {in->node}), in->scale, in->zero_point};
      return in.has_value();
    } else {
      return false;
    }
  }

  const Graph& from_;
  const graph::ById<graph::Shape>& shapes_;
  const Conversions& conversions_;
  Graph to_;
  graph::ById<std::vector<NodeId>> readers_;
  graph::ById<std::optional<Integers>> integers_;  ///< of old nodes
  graph::ById<NodeId> real_;                       ///< of old nodes: the new ones
  graph::ById<bool> is_written_;
};

}  // namespace

graph::Graph in_integers(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes,
                         const Conversions& conversions) {
  Graph result = Rewriter(graph, shapes, conversions).run();
  passes::fold_batch_norm(result);  // what makes real numbers of channels with different scales
  return result;
}

}  // namespace riffle::onnx
