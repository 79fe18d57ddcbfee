#include "trainer/network/network.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <new>
#include <set>

#include "engine/memory/arena.hpp"
#include "engine/plan/plan.hpp"
#include "engine/plan/storage.hpp"
#include "engine/run/barrier.hpp"
#include "engine/run/team.hpp"
#include "trainer/network/layout.hpp"
#include "trainer/network/loss.hpp"
#include "trainer/network/operation.hpp"
#include "trainer/network/trace.hpp"

namespace riffle::trainer {
namespace {

using graph::NodeId;

/// One graph constant that moves: values and, unless frozen, a gradient.
struct Store {
  std::vector<float> values, gradient;
};

/// The graph's constants by node and PyTorch's word for them.
struct Stores {
  std::map<std::pair<NodeId, std::string>, Store> all;
  Store& at(NodeId node, const std::string& word) { return all.at({node, word}); }
};

/// Takes the softmax off a classifier's end. Throws Error where the output is not one value a class.
graph::Graph without_softmax(const graph::Graph& graph, const std::vector<graph::Shape>& shapes) {
  graph::Graph result = graph;
  while (std::holds_alternative<graph::Softmax>(result.nodes[static_cast<std::size_t>(result.output)].operation)) {
    result.output = result.nodes[static_cast<std::size_t>(result.output)].inputs[0];
  }
  const graph::Shape& out = shapes[static_cast<std::size_t>(result.output)];
  if (out.pixels() != 1 || out.c < 2) {
    throw Error("'" + graph.name + "' is no classifier: its output is " + std::to_string(out.h) + " x " +
                std::to_string(out.w) + " pixels of " + std::to_string(out.c) + " values");
  }
  return result;
}

/// Pieces for `channels` in this order of columns.
Operand make_operand(std::span<const Channel> channels, const Layout& layout,
                     const std::vector<std::unique_ptr<Block>>& blocks) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const Block* const block = blocks[static_cast<std::size_t>(channels[i].node)].get();
    const std::int32_t position = layout.position(channels[i]);
    if (!pieces.empty() && pieces.back().block == block && pieces.back().first + pieces.back().channels == position) {
      ++pieces.back().channels;
    } else {
      pieces.push_back({block, position, 1, static_cast<std::int32_t>(i)});
    }
  }
  return {std::move(pieces), static_cast<std::int32_t>(channels.size())};
}

ChannelList permuted(const ChannelList& list, std::span<const std::int32_t> order, std::size_t first) {
  ChannelList result;
  for (const std::int32_t index : order) result.push_back(list[first + static_cast<std::size_t>(index)]);
  return result;
}

}  // namespace

struct Network::State {
  State(const graph::Graph& source, const NetworkOptions& chosen);

  void make_parameters();
  void make_blocks(const Trace& traced, const Layout& layout);
  void make_operations(const Trace& traced, const Layout& layout);
  void make_operation(const Layer& layer, std::size_t index, std::vector<Operand> operands,
                      std::vector<std::int32_t> input_order);
  void mark_first_writers(std::vector<std::vector<Operand>>& operands);
  void mark_last_writers(std::vector<std::vector<Operand>>& operands);
  void place_blocks(const Trace& traced);
  WeightParameters weights_of(NodeId node);
  [[noreturn]] void throw_too_large() const {
    throw Error("a batch of " + std::to_string(options.batch) + " images takes " + std::to_string(arena_floats >> 18) +
                " MiB, which is not to be had; a smaller batch takes less");
  }

  [[nodiscard]] Share share(int worker, int workers) const {
    return {worker, workers, run::share_begin(images, worker, workers), run::share_begin(images, worker + 1, workers),
            scratch.get() + worker * scratch_floats};
  }

  void forward(const Share& share, run::Barrier& barrier, const float* input);
  void backward(const Share& share, run::Barrier& barrier);

  graph::Graph given;  ///< as it came
  std::vector<graph::Shape> shapes;
  graph::Graph classified;  ///< without softmax; the same nodes
  NetworkOptions options;
  int threads = 1;
  NodeId first_trained = 0;
  Tools tools;

  Stores stores;
  std::vector<Parameter> parameters;
  std::vector<Statistic> statistics;
  std::set<NodeId> live;

  std::vector<std::unique_ptr<Block>> blocks;          ///< by layer
  std::vector<std::unique_ptr<Operation>> operations;  ///< by layer; the input's is null
  std::vector<std::vector<Piece>> never_read;          ///< by layer: channels whose gradient is zero
  Operand output;                                      ///< the logits
  plan::AlignedFloats arena, scratch, logits, logit_gradient;
  std::int64_t arena_floats = 0, scratch_floats = 0, logit_stride = 0;
  std::vector<float> logits_out;

  std::int64_t images = 0;  ///< of the last forward()
  bool ready = false;       ///< is there a forward() that backward() has not yet followed?
  std::vector<LayerTime> times;
};

Network::State::State(const graph::Graph& source, const NetworkOptions& chosen)
    : given(source),
      shapes(graph::infer_shapes(source)),
      classified(without_softmax(source, shapes)),
      options(chosen),
      threads(std::max(1, chosen.threads)),
      tools{chosen.kernels != nullptr ? *chosen.kernels : plan::choose_kernels(),
            training_kernels(chosen.kernels != nullptr ? *chosen.kernels : plan::choose_kernels()), 1} {
#ifndef _OPENMP
  threads = 1;
#endif
  tools.workers = threads;
  if (options.batch < 1) throw Error("a batch of " + std::to_string(options.batch) + " images");
  if (!options.freeze.empty()) {
    const auto starts_so = [&](const graph::Node& node) { return node.name.starts_with(options.freeze); };
    const auto found = std::find_if(given.nodes.begin(), given.nodes.end(), starts_so);
    if (found == given.nodes.end()) throw Error("freeze: no node's name starts with '" + options.freeze + "'");
    first_trained = static_cast<NodeId>(found - given.nodes.begin());
  }

  const Trace traced = trace(classified, shapes);
  for (const Layer& layer : traced.layers) {
    live.insert(layer.node);
    if (layer.norm >= 0) live.insert(layer.norm);
  }
  make_parameters();
  const Layout layout(traced);
  make_blocks(traced, layout);
  if (std::none_of(parameters.begin(), parameters.end(), [](const Parameter& p) { return !p.frozen; })) {
    throw Error("'" + given.name + "': no parameter is left to train");
  }
  make_operations(traced, layout);
  place_blocks(traced);

  for (const std::unique_ptr<Operation>& operation : operations) {
    if (operation) scratch_floats = std::max(scratch_floats, row_floats(operation->scratch()));
  }
  logit_stride = row_floats(output.columns());
  const std::int64_t floats = threads * scratch_floats;
  try {
    scratch = plan::allocate_floats(static_cast<std::size_t>(floats));
    logits = plan::allocate_floats(static_cast<std::size_t>(options.batch * logit_stride));
    logit_gradient = plan::allocate_floats(static_cast<std::size_t>(options.batch * logit_stride));
  } catch (const std::bad_alloc&) {
    throw_too_large();
  }
  std::fill_n(scratch.get(), floats, 0.0F);  // what is read behind a row's last column is a number
  logits_out.resize(static_cast<std::size_t>(options.batch) * static_cast<std::size_t>(output.columns()));
  for (const std::unique_ptr<Block>& block : blocks) times.push_back({block->name, 0, 0});
}

void Network::State::make_parameters() {
  std::set<std::string> names;
  const auto add = [&](NodeId id, const std::string& word, const graph::Constant& constant) -> Store& {
    Store& store = stores.all[{id, word}];
    store.values.assign(constant.values().begin(), constant.values().end());
    return store;
  };
  const auto name_of = [&](NodeId id, const std::string& word) {
    std::string name = given.nodes[static_cast<std::size_t>(id)].name + "." + word;
    if (!names.insert(name).second) names.insert(name += "#" + std::to_string(id));
    return name;
  };
  const auto parameter = [&](NodeId id, const std::string& word, ParameterKind kind, const graph::Constant& constant,
                             std::vector<std::int64_t> shape) {
    if (constant.empty()) return;
    Store& store = add(id, word, constant);
    const bool frozen = id < first_trained;
    if (!frozen) store.gradient.resize(store.values.size(), 0.0F);
    parameters.push_back({name_of(id, word), kind, std::move(shape), store.values, store.gradient, frozen});
  };
  for (const NodeId id : live) {
    const graph::Node& node = given.nodes[static_cast<std::size_t>(id)];
    if (const auto* convolution = std::get_if<graph::Convolution>(&node.operation)) {
      const kernels::Window& w = convolution->window;
      const std::int64_t inputs = static_cast<std::int64_t>(convolution->weights.size()) / convolution->outputs /
                                  (static_cast<std::int64_t>(w.kernel_h) * w.kernel_w);
      parameter(id, "weight", ParameterKind::weight, convolution->weights,
                {convolution->outputs, inputs, w.kernel_h, w.kernel_w});
      parameter(id, "bias", ParameterKind::bias, convolution->bias, {convolution->outputs});
    } else if (const auto* dense = std::get_if<graph::FullyConnected>(&node.operation)) {
      parameter(id, "weight", ParameterKind::weight, dense->weights,
                {dense->outputs, static_cast<std::int64_t>(dense->weights.size()) / dense->outputs});
      parameter(id, "bias", ParameterKind::bias, dense->bias, {dense->outputs});
    } else if (const auto* norm = std::get_if<graph::BatchNorm>(&node.operation)) {
      const auto channels = static_cast<std::int64_t>(norm->scale.size());
      parameter(id, "weight", ParameterKind::norm_scale, norm->scale, {channels});
      parameter(id, "bias", ParameterKind::norm_shift, norm->shift, {channels});
      statistics.push_back({name_of(id, "running_mean"), add(id, "running_mean", norm->mean).values});
      statistics.push_back({name_of(id, "running_var"), add(id, "running_var", norm->variance).values});
    }
  }
}

WeightParameters Network::State::weights_of(NodeId node) {
  WeightParameters result;
  const auto weight = stores.all.find({node, "weight"});
  if (weight == stores.all.end()) return result;
  result.weights = weight->second.values;
  result.weight_gradient = weight->second.gradient;
  if (const auto bias = stores.all.find({node, "bias"}); bias != stores.all.end()) {
    result.bias = bias->second.values;
    result.bias_gradient = bias->second.gradient;
  }
  return result;
}

void Network::State::make_blocks(const Trace& traced, const Layout& layout) {
  for (std::size_t i = 0; i < traced.layers.size(); ++i) {
    const Layer& layer = traced.layers[i];
    auto block = std::make_unique<Block>();
    block->name = layer.name;
    block->channels = layer.out.c;
    block->pixels = layer.out.pixels();
    block->order = layout.order(i);
    block->clamp = layer.clamp;
    block->wants_gradient = !weights_of(layer.node).weight_gradient.empty();
    if (layer.norm >= 0) {
      const auto& node = std::get<graph::BatchNorm>(given.nodes[static_cast<std::size_t>(layer.norm)].operation);
      NormParameters norm;
      Store &scale = stores.at(layer.norm, "weight"), &shift = stores.at(layer.norm, "bias");
      norm.scale = scale.values;
      norm.shift = shift.values;
      norm.scale_gradient = scale.gradient;
      norm.shift_gradient = shift.gradient;
      norm.running_mean = stores.at(layer.norm, "running_mean").values;
      norm.running_variance = stores.at(layer.norm, "running_var").values;
      norm.epsilon = node.epsilon;
      norm.momentum = options.momentum;
      norm.frozen = layer.norm < first_trained;
      block->wants_gradient = block->wants_gradient || !norm.frozen;
      std::vector<std::int32_t> channel;
      for (const std::int32_t c : block->order) channel.push_back(layer.norm_channel[static_cast<std::size_t>(c)]);
      block->norm = std::make_unique<Norm>(tools.training_kernels, norm, std::move(channel), threads);
    }
    for (const ChannelList& operand : layer.operands) {
      for (const Channel& channel : operand) {
        block->wants_gradient = block->wants_gradient || blocks[static_cast<std::size_t>(channel.node)]->wants_gradient;
      }
    }
    blocks.push_back(std::move(block));
  }
}

void Network::State::make_operations(const Trace& traced, const Layout& layout) {
  const std::size_t count = traced.layers.size();
  std::vector<std::vector<Operand>> operands(count);
  std::vector<std::vector<std::int32_t>> input_orders(count);
  for (std::size_t i = 1; i < count; ++i) {
    const Layer& layer = traced.layers[i];
    const auto* convolution = std::get_if<graph::Convolution>(&layer.operation);
    if ((convolution != nullptr && !is_depthwise(layer)) ||
        std::holds_alternative<graph::FullyConnected>(layer.operation)) {
      // Any order within a group: that of the places.
      const std::size_t groups = convolution == nullptr ? 1 : static_cast<std::size_t>(convolution->groups);
      const std::size_t each = layer.operands[0].size() / groups;
      ChannelList columns;
      for (std::size_t h = 0; h < groups; ++h) {
        const std::vector<std::int32_t> order = layout.sorted(std::span(layer.operands[0]).subspan(h * each, each));
        input_orders[i].insert(input_orders[i].end(), order.begin(), order.end());
        const ChannelList group = permuted(layer.operands[0], order, h * each);
        columns.insert(columns.end(), group.begin(), group.end());
      }
      operands[i].push_back(make_operand(columns, layout, blocks));
    } else {
      for (const ChannelList& operand : layer.operands) {
        operands[i].push_back(make_operand(permuted(operand, layout.order(i), 0), layout, blocks));
      }
    }
  }
  operands.push_back({make_operand(traced.output, layout, blocks)});
  mark_first_writers(operands);
  output = std::move(operands[count][0]);
  operations.push_back(nullptr);
  for (std::size_t i = 1; i < count; ++i) {
    make_operation(traced.layers[i], i, std::move(operands[i]), std::move(input_orders[i]));
  }
}

/// Going backward, the first operation that writes a channel's gradient stores it, the others add.
void Network::State::mark_first_writers(std::vector<std::vector<Operand>>& operands) {
  std::map<const Block*, std::vector<bool>> written;
  for (const std::unique_ptr<Block>& block : blocks) {
    written[block.get()].resize(static_cast<std::size_t>(block->channels), false);
  }
  for (std::size_t i = operands.size(); i-- > 0;) {
    if (i < blocks.size() && !blocks[i]->wants_gradient) continue;
    for (Operand& operand : operands[i]) {
      std::vector<Piece> split;
      for (const Piece& piece : operand.pieces()) {
        std::vector<bool>& is_written = written[piece.block];
        for (std::int32_t c = 0; c < piece.channels; ++c) {
          const auto position = static_cast<std::size_t>(piece.first + c);
          const bool add = is_written[position];
          if (c > 0 && split.back().add == add) {
            ++split.back().channels;
          } else {
            split.push_back({piece.block, piece.first + c, 1, piece.column + c, add, false});
          }
          is_written[position] = true;
        }
      }
      operand.pieces() = std::move(split);
    }
  }
  mark_last_writers(operands);
  never_read.resize(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::vector<bool>& is_written = written[blocks[i].get()];
    for (std::int32_t c = 0; blocks[i]->wants_gradient && c < blocks[i]->channels; ++c) {
      if (!is_written[static_cast<std::size_t>(c)]) never_read[i].push_back({blocks[i].get(), c, 1, 0});
    }
  }
}

/// And the last one to write it completes it.
void Network::State::mark_last_writers(std::vector<std::vector<Operand>>& operands) {
  std::map<const Block*, std::vector<bool>> completed;
  for (const std::unique_ptr<Block>& block : blocks) {
    completed[block.get()].resize(static_cast<std::size_t>(block->channels), false);
  }
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (i < blocks.size() && !blocks[i]->wants_gradient) continue;
    for (std::size_t o = operands[i].size(); o-- > 0;) {
      std::vector<Piece> split;
      // Backward: an operand's pieces are written in their order, so that the last of equals comes last.
      std::vector<Piece>& pieces = operands[i][o].pieces();
      for (std::size_t p = pieces.size(); p-- > 0;) {
        std::vector<bool>& is_completed = completed[pieces[p].block];
        std::vector<Piece> parts;
        for (std::int32_t c = 0; c < pieces[p].channels; ++c) {
          const auto position = static_cast<std::size_t>(pieces[p].first + c);
          const bool last = !is_completed[position];
          if (c > 0 && parts.back().last == last) {
            ++parts.back().channels;
          } else {
            parts.push_back({pieces[p].block, pieces[p].first + c, 1, pieces[p].column + c, pieces[p].add, last});
          }
          is_completed[position] = true;
        }
        split.insert(split.begin(), parts.begin(), parts.end());
      }
      pieces = std::move(split);
    }
  }
}

void Network::State::make_operation(const Layer& layer, std::size_t index, std::vector<Operand> operands,
                                    std::vector<std::int32_t> input_order) {
  const Block& block = *blocks[index];
  const kernels::Extent extent{layer.in.h, layer.in.w, layer.out.h, layer.out.w};
  const WeightParameters weights = weights_of(layer.node);
  if (const auto* convolution = std::get_if<graph::Convolution>(&layer.operation)) {
    if (is_depthwise(layer)) {
      operations.push_back(make_depthwise(tools, convolution->window, weights, extent, std::move(operands[0]), block));
    } else {
      operations.push_back(make_convolution(tools, *convolution, weights, extent, std::move(operands[0]),
                                            std::move(input_order), block));
    }
  } else if (const auto* dense = std::get_if<graph::FullyConnected>(&layer.operation)) {
    graph::Convolution pointwise;
    pointwise.outputs = dense->outputs;
    operations.push_back(
        make_convolution(tools, pointwise, weights, extent, std::move(operands[0]), std::move(input_order), block));
  } else if (const auto* pool = std::get_if<graph::Pool>(&layer.operation)) {
    operations.push_back(make_pool(tools, *pool, extent, std::move(operands[0]), block));
  } else if (std::holds_alternative<graph::GlobalAveragePool>(layer.operation)) {
    operations.push_back(make_global_average_pool(tools, std::move(operands[0]), block));
  } else {
    operations.push_back(make_sum(tools, std::move(operands), block));
  }
}

/// A step is a layer's forward or backward pass: layer i's are i and 2 n + 1 - i, the loss's n and n + 1.
void Network::State::place_blocks(const Trace& traced) {
  const auto count = static_cast<std::int32_t>(blocks.size());
  std::vector<memory::Lifetime> lifetimes(2 * blocks.size());
  for (std::int32_t i = 0; i < count; ++i) {
    const Block& block = *blocks[static_cast<std::size_t>(i)];
    memory::Lifetime &y = lifetimes[static_cast<std::size_t>(2 * i)],
                     &gradient = lifetimes[static_cast<std::size_t>(2 * i + 1)];
    y.size = row_floats(options.batch * block.pixels * block.channels + slack);
    y.first_step = i;
    y.last_step = block.wants_gradient ? 2 * count + 1 - i : i;
    gradient.size = block.wants_gradient ? y.size : 0;
    gradient.first_step = gradient.last_step = 2 * count + 1 - i;
  }
  const auto note = [&](const ChannelList& list, std::int32_t reader) {
    const bool backward = reader == count || blocks[static_cast<std::size_t>(reader)]->wants_gradient;
    for (const Channel& channel : list) {
      memory::Lifetime &y = lifetimes[static_cast<std::size_t>(2 * channel.node)],
                       &gradient = lifetimes[static_cast<std::size_t>(2 * channel.node + 1)];
      y.last_step = std::max(y.last_step, backward ? 2 * count + 1 - reader : reader);
      if (backward) gradient.first_step = std::min(gradient.first_step, 2 * count + 1 - reader);
    }
  };
  for (std::int32_t i = 0; i < count; ++i) {
    for (const ChannelList& operand : traced.layers[static_cast<std::size_t>(i)].operands) note(operand, i);
  }
  note(traced.output, count);
  std::vector<memory::Lifetime> placed;
  for (const memory::Lifetime& lifetime : lifetimes) {
    if (lifetime.size > 0) placed.push_back(lifetime);
  }
  const memory::Placement placement = memory::place_blocks(placed);
  arena_floats = placement.total + slack;
  if (arena_floats > (std::int64_t{1} << (sizeof(void*) == 4 ? 28 : 36))) {
    throw_too_large();
  }
  try {
    arena = plan::allocate_floats(static_cast<std::size_t>(arena_floats));
  } catch (const std::bad_alloc&) {
    throw_too_large();
  }
  std::size_t next = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i]->y = arena.get() + placement.offsets[next++];
    if (blocks[i]->wants_gradient) blocks[i]->gradient = arena.get() + placement.offsets[next++];
  }
}

void Network::State::forward(const Share& share, run::Barrier& barrier, const float* input) {
  using Clock = std::chrono::steady_clock;
  for (std::size_t i = static_cast<std::size_t>(share.worker); i < operations.size();
       i += static_cast<std::size_t>(share.workers)) {
    if (operations[i]) operations[i]->pack();
    if (blocks[i]->norm) blocks[i]->norm->begin();
  }
  // The caller's planes to channels side by side.
  const graph::Shape shape = classified.input_shape();
  for (std::int64_t image = share.first; image < share.last; ++image) {
    const float* const from = input + image * shape.size();
    float* to = blocks[0]->y + image * shape.size();
    for (std::int64_t p = 0; p < shape.pixels(); ++p) {
      for (std::int32_t c = 0; c < shape.c; ++c) *to++ = from[c * shape.pixels() + p];
    }
  }
  barrier.wait(share.workers);
  for (std::size_t i = 1; i < operations.size(); ++i) {
    const Clock::time_point before = Clock::now();
    operations[i]->forward(share);
    barrier.wait(share.workers);
    if (blocks[i]->norm) {
      if (share.worker == 0) blocks[i]->norm->finish(images * blocks[i]->pixels);
      barrier.wait(share.workers);
    }
    if (share.worker == 0) times[i].forward += std::chrono::duration<double>(Clock::now() - before).count();
  }
  output.read(tools.training_kernels, share.first, share.last - share.first, logits.get() + share.first * logit_stride,
              logit_stride);
}

void Network::State::backward(const Share& share, run::Barrier& barrier) {
  using Clock = std::chrono::steady_clock;
  for (std::size_t i = static_cast<std::size_t>(share.worker); i < blocks.size();
       i += static_cast<std::size_t>(share.workers)) {
    if (blocks[i]->norm) blocks[i]->norm->begin_backward();
  }
  barrier.wait(share.workers);
  output.write_gradient(tools.training_kernels, share.worker, share.first, share.last - share.first,
                        logit_gradient.get() + share.first * logit_stride, logit_stride);
  barrier.wait(share.workers);
  for (std::size_t i = operations.size(); i-- > 1;) {
    const Block& block = *blocks[i];
    if (!block.wants_gradient) continue;
    const Clock::time_point before = Clock::now();
    const std::int64_t first = share.first * block.pixels, pixels = (share.last - share.first) * block.pixels;
    for (const Piece& piece : never_read[i]) {
      const float zero[16] = {};
      tools.training_kernels.scatter({block.gradient + first * block.channels + piece.first, block.channels, 1, false},
                                     pixels, zero, 0);
    }
    if (block.norm) {
      if (share.worker == 0) block.norm->finish_backward(images * block.pixels);
      barrier.wait(share.workers);
    }
    operations[i]->backward(share);
    barrier.wait(share.workers);
    operations[i]->collect(share);
    if (share.worker == 0) times[i].backward += std::chrono::duration<double>(Clock::now() - before).count();
  }
  barrier.wait(share.workers);
}

Network::Network(const graph::Graph& graph, const NetworkOptions& options)
    : state_(std::make_unique<State>(graph, options)) {}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

std::span<const Parameter> Network::parameters() const { return state_->parameters; }
std::span<const Statistic> Network::statistics() const { return state_->statistics; }
graph::Shape Network::input() const { return state_->classified.input_shape(); }
std::int32_t Network::classes() const { return state_->output.columns(); }
std::int64_t Network::macs() const { return graph::total_cost(state_->given).macs; }
int Network::threads() const { return state_->threads; }

Outcome Network::forward(std::span<const float> images, std::span<const std::int32_t> labels) {
  State& s = *state_;
  const std::size_t count = labels.size();
  if (count < 1 || count > static_cast<std::size_t>(s.options.batch)) {
    throw Error("a batch of " + std::to_string(count) + " images; 1 to " + std::to_string(s.options.batch) + " fit");
  }
  if (images.size() != count * static_cast<std::size_t>(input().size())) {
    throw Error("a batch of " + std::to_string(count) + " images with " + std::to_string(images.size()) +
                " values; an image has " + std::to_string(input().size()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (labels[i] < 0 || labels[i] >= classes()) {
      throw Error("label " + std::to_string(labels[i]) + " of image " + std::to_string(i) + " is not in [0, " +
                  std::to_string(classes()) + ")");
    }
  }
  s.images = static_cast<std::int64_t>(count);
  run::Barrier barrier;
  run::on_team(s.threads,
               [&](int worker, int workers) { s.forward(s.share(worker, workers), barrier, images.data()); });
  const auto floats = static_cast<std::size_t>(s.images * s.logit_stride);
  const Loss loss = softmax_cross_entropy({s.logits.get(), floats}, s.logit_stride, classes(), labels,
                                          s.options.label_smoothing, {s.logit_gradient.get(), floats});
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(s.logits.get() + static_cast<std::int64_t>(i) * s.logit_stride, classes(),
                s.logits_out.begin() + static_cast<std::ptrdiff_t>(i) * classes());
  }
  s.ready = true;
  return {loss.mean, loss.correct};
}

std::span<const float> Network::logits() const {
  return std::span(state_->logits_out).first(static_cast<std::size_t>(state_->images * classes()));
}

void Network::backward() {
  State& s = *state_;
  if (!s.ready) throw Error("backward() without a forward() before it");
  s.ready = false;
  run::Barrier barrier;
  run::on_team(s.threads, [&](int worker, int workers) { s.backward(s.share(worker, workers), barrier); });
}

std::string Network::first_not_finite() const {
  for (std::size_t i = 0; i < state_->blocks.size(); ++i) {
    const Block& block = *state_->blocks[i];
    if (!block.wants_gradient && i != 0) continue;  // its memory is another's by now
    const std::int64_t floats = state_->images * block.pixels * block.channels;
    for (std::int64_t f = 0; f < floats; ++f) {
      if (!std::isfinite(block.y[f])) return block.name;
    }
    if (!block.norm) continue;
    for (std::int32_t c = 0; c < block.channels; ++c) {
      if (!std::isfinite(block.norm->scale()[c]) || !std::isfinite(block.norm->shift()[c])) return block.name;
    }
  }
  return {};
}

graph::Graph Network::graph() const {
  graph::Graph result = state_->given;
  const auto constant = [&](NodeId id, const char* word, graph::Constant& target) {
    const auto found = state_->stores.all.find({id, word});
    if (found != state_->stores.all.end()) target = graph::Constant(found->second.values);
  };
  for (std::size_t i = 0; i < result.nodes.size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    graph::Operation& operation = result.nodes[i].operation;
    if (auto* convolution = std::get_if<graph::Convolution>(&operation)) {
      constant(id, "weight", convolution->weights);
      constant(id, "bias", convolution->bias);
    } else if (auto* dense = std::get_if<graph::FullyConnected>(&operation)) {
      constant(id, "weight", dense->weights);
      constant(id, "bias", dense->bias);
    } else if (auto* norm = std::get_if<graph::BatchNorm>(&operation)) {
      constant(id, "weight", norm->scale);
      constant(id, "bias", norm->shift);
      constant(id, "running_mean", norm->mean);
      constant(id, "running_var", norm->variance);
    }
  }
  return result;
}

std::int64_t Network::bytes() const {
  return (state_->arena_floats + state_->threads * state_->scratch_floats) * static_cast<std::int64_t>(sizeof(float));
}

std::vector<LayerTime> Network::times() const { return state_->times; }

}  // namespace riffle::trainer
