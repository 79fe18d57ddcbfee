#include "quantise/agreement.hpp"

#include <algorithm>
#include <cmath>

#include "engine/graph/quantization.hpp"
#include "quantise/disjoint_sets.hpp"

namespace riffle::quantise {
namespace {

using graph::NodeId;
using passes::Channel;
using passes::ChannelList;

bool are_finite(const graph::Constant& constant) {
  return std::ranges::all_of(constant.values(), [](float x) { return std::isfinite(x); });
}

/// Would so many products' sum fit 32 bits, as check_quantization() counts them?
bool sums_fit(const graph::Constant& weights, std::int32_t outputs) {
  return static_cast<std::int64_t>(weights.size()) / outputs * 255 * 128 <= (std::int64_t{1} << 30);
}

template <class T>
bool is(const graph::Node& node) {
  return std::holds_alternative<T>(node.operation);
}

/// Does it have weights, and sum up products? One that multiplies each channel by a number is no reason to make
/// integers of real numbers.
bool has_weights(const graph::Node& node) { return is<graph::Convolution>(node) || is<graph::FullyConnected>(node); }
bool is_layer(const graph::Node& node) {
  const auto* o = std::get_if<graph::Convolution>(&node.operation);
  const bool scales = o != nullptr && o->groups > 1 && o->groups == o->outputs &&
                      static_cast<std::int64_t>(o->weights.size()) == o->outputs;
  return has_weights(node) && !scales;
}

/// Are its numbers its operand's, or between them, so that they are in its scales?
bool keeps_scales(const graph::Node& node) { return graph::chooses_numbers(node.operation) || is<graph::Resize>(node); }

const graph::Pad* padding_of(const graph::Node& node) { return std::get_if<graph::Pad>(&node.operation); }

/// Can it read integers, and do what it does with them? Functions were taken out of all nodes that may.
bool can_read_integers(const graph::Node& node) {
  if (const auto* o = std::get_if<graph::Convolution>(&node.operation)) {
    return o->activation.function == kernels::Function::none && are_finite(o->weights) && are_finite(o->bias) &&
           sums_fit(o->weights, o->outputs);
  }
  if (const auto* o = std::get_if<graph::FullyConnected>(&node.operation)) {
    return o->activation.function == kernels::Function::none && are_finite(o->weights) && are_finite(o->bias) &&
           sums_fit(o->weights, o->outputs);
  }
  if (const auto* pad = padding_of(node)) return std::isfinite(pad->value);
  if (graph::moves_numbers(node.operation) || keeps_scales(node) || is<graph::Activate>(node)) {
    const graph::Activation* activation = graph::fused_activation(node.operation);
    return activation == nullptr || is<graph::Activate>(node) || activation->function == kernels::Function::none;
  }
  const auto* binary = std::get_if<graph::Binary>(&node.operation);
  const bool is_known = is<graph::Pool>(node) || is<graph::GlobalAveragePool>(node) ||
                        (binary != nullptr && graph::is_of_integers(binary->kind));
  return is_known && graph::fused_activation(node.operation)->function == kernels::Function::none;
}

class Agreeing {
 public:
  Agreeing(const graph::Graph& graph, const graph::ById<bool>& keep) : graph_(graph), keep_(keep) {
    a_.shapes = graph::infer_shapes(graph);
    a_.lowered = passes::lower_channels(graph, a_.shapes);
    for (auto* flags : {&a_.reads_integers, &a_.makes_integers, &a_.is_converted}) {
      flags->resize(graph.nodes.size(), false);
    }
    a_.origin.resize(graph.nodes.size(), Origin::none);
  }

  Agreement run() {
    choose_nodes();
    agree_on_scales();
    agree_on_zeros();
    return std::move(a_);
  }

 private:
  [[nodiscard]] const std::vector<ChannelList>& operands(NodeId id) const { return a_.lowered.operands[id]; }
  [[nodiscard]] const graph::Node& node(NodeId id) const { return graph_.nodes[id]; }

  /// Are its bytes what those who read it can take? Layers alone, with no others to agree with.
  [[nodiscard]] bool is_given(NodeId input) const {
    return std::get<graph::Input>(node(input).operation).type == Type::u8 &&
           std::ranges::all_of(graph_.nodes, [&](const graph::Node& reader) {
             return std::ranges::count(reader.inputs, input) == 0 || multiplies(reader, input);
           });
  }

  void choose_nodes() {
    const NodeId end = graph_.nodes.end_id();
    // What a layer reads, and what that is made of without one: integers for anybody else would be converted again.
    graph::ById<bool> can_read(graph_.nodes.size(), false), is_wanted(graph_.nodes.size(), false);
    for (NodeId id = end; id-- > 0;) {
      can_read[id] = !keep_[id] && a_.lowered.computes[id] && can_read_integers(node(id));
      if (!can_read[id] || !(is_layer(node(id)) || is_wanted[id])) continue;
      for_each_read(id, [&](NodeId read) { is_wanted[read] = true; });
    }
    for (NodeId id = 0; id < end; ++id) {
      if (const auto* input = std::get_if<graph::Input>(&node(id).operation)) {
        a_.makes_integers[id] = is_wanted[id] && !keep_[id] && (input->type == Type::f32 || is_given(id));
      }
      if (is<graph::Literal>(node(id))) a_.makes_integers[id] = is_wanted[id] && !keep_[id];
      if (!can_read[id]) continue;
      // A layer takes integers that are made for it; what is no layer is no reason to make any.
      bool reads = is_layer(node(id));
      if (is_wanted[id]) {
        for_each_read(id, [&](NodeId read) { reads |= a_.makes_integers[read] && !is<graph::Literal>(node(read)); });
      }
      a_.reads_integers[id] = reads;
      // What a layer computes stays real where nobody wants integers: the network's answer. A residual is one of them.
      const bool has_residual = has_weights(node(id)) && operands(id).size() == 2;
      a_.makes_integers[id] = reads && (is_wanted[id] || has_residual);
    }
    // What moves channels moves all that it reads, though its reader may read some of them alone.
    graph::ById<bool> is_read(graph_.nodes.size(), false);
    for (NodeId id = end; id-- > 0;) {
      const bool moves = graph::moves_channels(node(id).operation);
      if (is_read[id] && !moves) a_.is_converted[id] = !a_.makes_integers[id];
      if (!a_.reads_integers[id] && !(moves && is_read[id])) continue;
      for (const NodeId input : node(id).inputs) is_read[input] = true;
    }
  }

  template <class F>
  void for_each_read(NodeId id, F&& f) const {
    for (const ChannelList& operand : operands(id)) {
      for (const Channel& channel : operand) f(channel.node);
    }
  }

  // Scales: all channels of all nodes, counted.

  [[nodiscard]] std::int32_t place(const Channel& channel) const { return first_[channel.node] + channel.index; }
  [[nodiscard]] std::int32_t channels(NodeId id) const { return a_.shapes[id].c; }

  bool join_channels(NodeId id) {
    bool changed = false;
    for (std::int32_t c = 1; c < channels(id); ++c) changed |= sets_->join(place({id, 0}), place({id, c}));
    return changed;
  }
  bool join_lists(const ChannelList& a, const ChannelList& b) {
    bool changed = false;
    for (std::size_t c = 0; c < a.size(); ++c) changed |= sets_->join(place(a[c]), place(b[c]));
    return changed;
  }
  /// Of which one may have a channel that counts for all.
  void join_spread(const ChannelList& a, const ChannelList& b) {
    if (a.size() < b.size()) return join_spread(b, a);
    join_lists(a, b.size() == a.size() ? b : ChannelList(a.size(), b[0]));
  }
  [[nodiscard]] ChannelList own(NodeId id) const {
    ChannelList list;
    for (std::int32_t c = 0; c < channels(id); ++c) list.push_back({id, c});
    return list;
  }

  void agree_on_scales() {
    const NodeId end = graph_.nodes.end_id();
    first_.resize(graph_.nodes.size());
    std::int32_t count = 0;
    for (NodeId id = 0; id < end; ++id) {
      first_[id] = count;
      count += channels(id);
    }
    DisjointSets sets(static_cast<std::size_t>(count));
    sets_ = &sets;
    for (NodeId id = 0; id < end; ++id) {
      if (a_.has_integers(id)) a_.origin[id] = Origin::chosen;
      const auto* input = std::get_if<graph::Input>(&node(id).operation);
      if (a_.is_converted[id] || (a_.makes_integers[id] && input != nullptr)) join_channels(id);
      if (a_.makes_integers[id] && input != nullptr && input->type == Type::u8) a_.origin[id] = Origin::given;
      if (a_.reads_integers[id]) agree_on_scales_of(id);
    }
    while (agree_where_they_meet()) {
    }
    number_scales();
  }

  /// Of a node that reads integers.
  void agree_on_scales_of(NodeId id) {
    const std::vector<ChannelList>& read = operands(id);
    const auto join_all = [&](const ChannelList& list) { join_lists(list, ChannelList(list.size(), list[0])); };
    if (has_weights(node(id))) {
      if (read.size() == 2) join_lists(own(id), read[1]);
    } else if (graph::moves_numbers(node(id).operation)) {
      // Which of its channels a number will be in depends on where it stands.
      for (const ChannelList& operand : read) join_all(operand), join_lists({{id, 0}}, operand);
      join_channels(id);
      a_.origin[id] = Origin::none;
    } else if (keeps_scales(node(id))) {
      join_lists(own(id), read[0]);
      if (const auto* pad = padding_of(node(id)); pad != nullptr && pad->value != 0.0F) join_channels(id);
      a_.origin[id] = Origin::none;
    } else if (is_tabulated(node(id).operation)) {
      const graph::Activation& kind = std::get<graph::Activate>(node(id).operation).kind;
      if (is_homogeneous(kind)) {
        a_.origin[id] = Origin::scaled;
      } else if (!has_table_a_channel(kind)) {
        join_all(read[0]);
        join_channels(id);
      }
    } else if (const auto* binary = std::get_if<graph::Binary>(&node(id).operation);
               binary != nullptr && binary->kind == graph::BinaryKind::multiply) {
      for (const ChannelList& operand : read) join_all(operand);
      join_channels(id);
    } else {
      if (read.size() == 2) join_spread(read[0], read[1]);
      a_.origin[id] = Origin::scaled;
    }
  }

  /// What follows from what has been agreed on so far. Returns whether anything did.
  bool agree_where_they_meet() {
    graph::ById<std::vector<Channel>> makers(total());  // of each set: whose scales it has
    for (NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
      if (a_.origin[id] == Origin::none) continue;
      for (const Channel& channel : own(id)) makers[sets_->set_of(place(channel))].push_back(channel);
    }
    bool changed = false;
    for (NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
      if (!a_.reads_integers[id] || !a_.makes_integers[id]) continue;
      const auto is_shared = [&](const Channel& channel) {
        return std::ranges::any_of(makers[sets_->set_of(place(channel))],
                                   [&](const Channel& maker) { return maker.node != id; });
      };
      // A bound is one number for all channels, unless none of their bytes can reach it: then a channel's range, which
      // is within the bounds, is the bound.
      if (has_other_bounds(node(id).operation)) {
        const graph::Activation& activation = *graph::fused_activation(node(id).operation);
        const bool above_zero = activation.bounds.lower == 0.0F || std::isinf(activation.bounds.lower);
        const bool is_free = above_zero && a_.origin[id] == Origin::chosen && std::ranges::none_of(own(id), is_shared);
        if (!is_free) changed |= join_channels(id);
        if (a_.origin[id] == Origin::scaled) {
          const ChannelList& from = operands(id)[0];
          changed |= join_lists(from, ChannelList(from.size(), from[0]));
        }
      }
      if (a_.origin[id] != Origin::scaled) continue;
      // One factor for the whole node: its results' scales can be nobody else's, or the factor is 1.
      const bool is_free = std::ranges::none_of(own(id), [&](const Channel& channel) {
        const std::int32_t source = sets_->set_of(place(a_.source_of(channel)));
        return std::ranges::any_of(makers[sets_->set_of(place(channel))], [&](const Channel& maker) {
          return maker.node != id || sets_->set_of(place(a_.source_of(maker))) != source;
        });
      });
      if (!is_free) {
        join_spread(own(id), operands(id)[0]);
        a_.origin[id] = Origin::none;
        changed = true;
      }
    }
    return changed;
  }

  [[nodiscard]] std::size_t total() const {
    return static_cast<std::size_t>(first_.back() + channels(graph_.nodes.end_id() - 1));
  }

  void number_scales() {
    std::vector<std::int32_t> numbers(total(), -1);
    a_.scale_of.resize(graph_.nodes.size());
    for (NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
      if (!a_.has_integers(id)) continue;
      for (const Channel& channel : own(id)) {
        std::int32_t& number = numbers[static_cast<std::size_t>(sets_->set_of(place(channel)))];
        if (number < 0) number = a_.scale_count++;
        a_.scale_of[id].push_back(number);
      }
    }
  }

  void agree_on_zeros() {
    DisjointSets sets(graph_.nodes.size());
    graph::ById<bool> is_one(graph_.nodes.size(), false);  // does somebody want one zero point of all its channels?
    for (NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
      if (!a_.reads_integers[id]) continue;
      const auto* convolution = std::get_if<graph::Convolution>(&node(id).operation);
      const bool follows = is<graph::Resize>(node(id));  // a second operand, of which nothing but the size is read
      for (std::size_t i = 0; i < (follows ? 1 : node(id).inputs.size()); ++i) {
        const bool any = is<graph::FullyConnected>(node(id)) ||
                         (convolution != nullptr && i == 0 && graph::is_pointwise(*convolution));
        if (!any) is_one[node(id).inputs[i]] = true;
      }
      if (keeps_scales(node(id))) sets.join(id, node(id).inputs[0]);
      if (graph::moves_numbers(node(id).operation)) is_one[id] = true;
    }
    // What moves channels, or numbers, passes it on to all that it reads, though its reader may read some of their
    // channels alone: so does check_quantization() see it.
    for (NodeId id = graph_.nodes.end_id() - 1; id >= 0; --id) {
      const bool moves = graph::moves_channels(node(id).operation) ||
                         (graph::moves_numbers(node(id).operation) && a_.reads_integers[id]);
      if (!is_one[id] || !moves) continue;
      for (const NodeId input : node(id).inputs) {
        sets.join(id, input);
        is_one[input] = true;
      }
    }
    for (NodeId id = 0; id < graph_.nodes.end_id(); ++id) a_.zero_of.push_back(sets.set_of(id));
  }

  const graph::Graph& graph_;
  const graph::ById<bool>& keep_;
  Agreement a_;
  graph::ById<std::int32_t> first_;  // by node, the place of its first channel
  DisjointSets* sets_ = nullptr;
};

}  // namespace

bool multiplies(const graph::Node& node, NodeId operand) {
  return is<graph::Convolution>(node) && node.inputs[0] == operand && std::ranges::count(node.inputs, operand) == 1;
}

bool is_tabulated(const graph::Operation& operation) { return std::holds_alternative<graph::Activate>(operation); }

bool is_homogeneous(const graph::Activation& activation) {
  const bool is_any =
      activation.function == kernels::Function::leaky || activation.function == kernels::Function::prelu;
  return is_any && !activation.bounds.has_bounds();
}

bool has_other_bounds(const graph::Operation& operation) {
  const graph::Activation* activation = graph::fused_activation(operation);
  if (activation == nullptr || is_tabulated(operation)) return false;
  const auto [lower, upper] = activation->bounds;
  return std::isfinite(upper) || (std::isfinite(lower) && lower != 0.0F);
}

Agreement agree(const graph::Graph& graph, const graph::ById<bool>& keep) { return Agreeing(graph, keep).run(); }

}  // namespace riffle::quantise
