#include "quantise/agreement.hpp"

#include <algorithm>
#include <cmath>

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

bool is_max_pool(const graph::Node& node) {
  const auto* pool = std::get_if<graph::Pool>(&node.operation);
  return pool != nullptr && pool->kind == graph::PoolKind::max;
}

/// Can it read integers, and do what it does with them? Functions were taken out of all nodes that may.
bool can_read_integers(const graph::Node& node) {
  if (const auto* o = std::get_if<graph::Convolution>(&node.operation)) {
    return o->activation.function == kernels::Function::none && are_finite(o->weights) && are_finite(o->bias) &&
           sums_fit(o->weights, o->outputs);
  }
  if (const auto* o = std::get_if<graph::FullyConnected>(&node.operation)) {
    return o->height * o->width == 1 && o->activation.function == kernels::Function::none && are_finite(o->weights) &&
           are_finite(o->bias) && sums_fit(o->weights, o->outputs);
  }
  if (!is<graph::Pool>(node) && !is<graph::GlobalAveragePool>(node) && !graph::is_sum(node.operation)) return false;
  return graph::fused_activation(node.operation)->function == kernels::Function::none;
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

  /// Are its operands results, and of a sum as large as one another? All else is computed in floats.
  [[nodiscard]] bool has_tensors_alone(NodeId id) const {
    const std::vector<NodeId>& inputs = node(id).inputs;
    const bool is_spread = graph::is_sum(node(id).operation) && a_.shapes[inputs[0]] != a_.shapes[inputs[1]];
    return !is_spread && std::ranges::none_of(operands(id), [&](const ChannelList& operand) {
      return std::ranges::any_of(operand, [&](const Channel& c) { return is<graph::Literal>(node(c.node)); });
    });
  }

  void choose_nodes() {
    const NodeId end = graph_.nodes.end_id();
    graph::ById<bool> can_read(graph_.nodes.size(), false), is_wanted(graph_.nodes.size(), false);
    for (NodeId id = 0; id < end; ++id) {
      can_read[id] = !keep_[id] && can_read_integers(node(id)) && has_tensors_alone(id);
      if (!can_read[id]) continue;
      for (const ChannelList& operand : operands(id)) {
        for (const Channel& channel : operand) is_wanted[channel.node] = true;
      }
    }
    for (NodeId id = 0; id < end; ++id) {
      if (const auto* input = std::get_if<graph::Input>(&node(id).operation)) {
        a_.makes_integers[id] = is_wanted[id] && !keep_[id] && (input->type == Type::f32 || is_given(id));
      }
      if (!can_read[id]) continue;
      // A layer takes integers that are made for it; what is no layer is no reason to make any.
      const bool is_layer = is<graph::Convolution>(node(id)) || is<graph::FullyConnected>(node(id));
      a_.reads_integers[id] = is_layer || std::ranges::any_of(operands(id), [&](const ChannelList& operand) {
                                return std::ranges::any_of(
                                    operand, [&](const Channel& channel) { return a_.makes_integers[channel.node]; });
                              });
      // What a fully connected layer computes stays real where nobody wants integers: the network's answer.
      a_.makes_integers[id] = a_.reads_integers[id] && (is_wanted[id] || !is<graph::FullyConnected>(node(id)));
    }
    for (NodeId id = 0; id < end; ++id) {
      if (!a_.reads_integers[id]) continue;
      for (const ChannelList& operand : operands(id)) {
        for (const Channel& channel : operand) a_.is_converted[channel.node] = !a_.makes_integers[channel.node];
      }
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
      if (!a_.reads_integers[id]) continue;
      if (graph::is_sum(node(id).operation)) join_lists(operands(id)[0], operands(id)[1]);
      if (is<graph::Convolution>(node(id)) && operands(id).size() == 2) join_lists(own(id), operands(id)[1]);
      if (is_max_pool(node(id))) {
        join_lists(own(id), operands(id)[0]);
        a_.origin[id] = Origin::none;
      } else if (!is<graph::Convolution>(node(id)) && !is<graph::FullyConnected>(node(id))) {
        a_.origin[id] = Origin::scaled;
      }
    }
    while (agree_where_they_meet()) {
    }
    number_scales();
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
      const ChannelList& from = operands(id)[0];
      const bool is_free = std::ranges::none_of(own(id), [&](const Channel& channel) {
        const std::int32_t source = sets_->set_of(place(from[static_cast<std::size_t>(channel.index)]));
        return std::ranges::any_of(makers[sets_->set_of(place(channel))], [&](const Channel& maker) {
          return maker.node != id || sets_->set_of(place(from[static_cast<std::size_t>(maker.index)])) != source;
        });
      });
      if (!is_free) {
        join_lists(own(id), from);
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
      for (std::size_t i = 0; i < node(id).inputs.size(); ++i) {
        const bool any = is<graph::FullyConnected>(node(id)) ||
                         (convolution != nullptr && i == 0 && graph::is_pointwise(*convolution));
        if (!any) is_one[node(id).inputs[i]] = true;
      }
      if (is_max_pool(node(id))) sets.join(id, node(id).inputs[0]);
    }
    // What moves channels passes it on to all that it reads, though its reader may read some of their channels alone:
    // so does check_quantization() see it.
    for (NodeId id = graph_.nodes.end_id() - 1; id >= 0; --id) {
      if (!is_one[id] || !graph::moves_channels(node(id).operation)) continue;
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

bool has_other_bounds(const graph::Operation& operation) {
  const graph::Activation* activation = graph::fused_activation(operation);
  if (activation == nullptr) return false;
  const auto [lower, upper] = activation->bounds;
  return std::isfinite(upper) || (std::isfinite(lower) && lower != 0.0F);
}

Agreement agree(const graph::Graph& graph, const graph::ById<bool>& keep) { return Agreeing(graph, keep).run(); }

}  // namespace riffle::quantise
