#include "trainer/network/program.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "engine/memory/arena.hpp"
#include "trainer/memory.hpp"
#include "trainer/network/result_order.hpp"
#include "trainer/network/sum.hpp"

namespace riffle::trainer {
namespace {

// Floats that are asked for at most: what a pointer reaches.
constexpr std::int64_t most_floats = std::int64_t{1} << (sizeof(void*) == 4 ? 28 : 36);

LargeFloats allocate_large(std::int64_t count) {
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
  LargeFloats floats(static_cast<float*>(::operator new (bytes, std::align_val_t{LargeDelete::page})));
#ifdef MADV_HUGEPAGE
  static_cast<void>(madvise(floats.get(), bytes, MADV_HUGEPAGE));  // a wish: it may be refused
#endif
  return floats;
}

/// Pieces for `channels` in this order of columns.
Operand make_operand(std::span<const Channel> channels, const ResultOrder& layout,
                     const std::vector<std::unique_ptr<LayerResult>>& blocks) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const LayerResult* const block = blocks[static_cast<std::size_t>(channels[i].node)].get();
    const std::int32_t position = layout.position(channels[i]);
    if (!pieces.empty() && pieces.back().block == block && pieces.back().first + pieces.back().channels == position &&
        block->part_of(position).first != position) {
      ++pieces.back().channels;
    } else {
      pieces.push_back({block, position, 1, static_cast<std::int32_t>(i)});
    }
  }
  return {std::move(pieces), static_cast<std::int32_t>(channels.size())};
}

bool is_sum(const Layer& layer) {
  return std::holds_alternative<Sum>(layer.operation) || std::holds_alternative<Copy>(layer.operation);
}
bool is_pixel_wise(const Layer& layer) { return is_sum(layer) && layer.norm < 0; }

/// Is layer i one that works pixel by pixel and is read, whole, by the layer behind it, before anybody else?
bool is_carried(const Trace& trace, std::size_t i) {
  if (i + 1 >= trace.layers.size() || !is_pixel_wise(trace.layers[i])) return false;
  const Layer& reader = trace.layers[i + 1];
  if (is_sum(reader) || reader.operands.size() != 1) return false;
  std::vector<bool> read(static_cast<std::size_t>(trace.layers[i].out.c), false);
  for (const Channel& channel : reader.operands[0]) {
    if (static_cast<std::size_t>(channel.node) == i) read[static_cast<std::size_t>(channel.index)] = true;
  }
  return std::all_of(read.begin(), read.end(), [](bool is_read) { return is_read; });
}

/// Is the input read by stems alone?
bool reads_planes(const Trace& trace) {
  const auto reads_input = [](const ChannelList& list) {
    return std::any_of(list.begin(), list.end(), [](const Channel& channel) { return channel.node == 0; });
  };
  return !reads_input(trace.output) && std::all_of(trace.layers.begin(), trace.layers.end(), [&](const Layer& layer) {
    return std::none_of(layer.operands.begin(), layer.operands.end(), reads_input) || is_stem(trace.layers[0], layer);
  });
}

ChannelList permuted(const ChannelList& list, std::span<const std::int32_t> order, std::size_t first) {
  ChannelList result;
  for (const std::int32_t index : order) result.push_back(list[first + static_cast<std::size_t>(index)]);
  return result;
}

class Maker {
 public:
  Maker(const KernelTables& tables, const graph::Graph& graph, const Trace& trace, Parameters& parameters,
        std::int32_t batch, float momentum)
      : tables_(tables),
        graph_(graph),
        trace_(trace),
        parameters_(parameters),
        batch_(batch),
        momentum_(momentum),
        layout_(trace) {
    for (std::size_t i = 0; i < trace.layers.size(); ++i) fused_into_reader_.push_back(is_carried(trace, i));
    shares_.resize(trace.layers.size());
    std::iota(shares_.begin(), shares_.end(), 0);
  }

  Program make() {
    make_blocks();
    make_operations();
    allocate(place_blocks());
    return std::move(program_);
  }

 private:
  void make_blocks();
  void make_operations();
  std::unique_ptr<Operation> make_operation(std::size_t index, std::vector<Operand> operands,
                                            std::vector<std::int32_t> input_order);
  void mark_first_writers(std::vector<std::vector<Operand>>& operands);
  void mark_last_writers(std::vector<std::vector<Operand>>& operands);
  void share_gradients(const std::vector<std::vector<Operand>>& operands);
  [[nodiscard]] std::size_t last_reader_but(std::size_t reader, const LayerResult* block) const;
  [[nodiscard]] memory::Placement place_blocks();
  void allocate(const memory::Placement& placement);

  const KernelTables& tables_;
  const graph::Graph& graph_;
  const Trace& trace_;
  Parameters& parameters_;
  std::int32_t batch_;
  float momentum_;
  ResultOrder layout_;
  std::vector<bool> fused_into_reader_;  ///< by layer: is it carried out by the layer behind it?
  std::vector<std::size_t> shares_;  ///< by layer: the one in whose gradient's memory its own stands, perhaps itself
  Program program_;
};

void Maker::make_blocks() {
  std::vector<std::unique_ptr<LayerResult>>& blocks = program_.blocks;
  for (std::size_t i = 0; i < trace_.layers.size(); ++i) {
    const Layer& layer = trace_.layers[i];
    auto block = std::make_unique<LayerResult>();
    block->name = layer.name;
    block->channels = layer.out.c;
    block->parts = layout_.parts(i);
    block->pixels = layer.out.pixels();
    block->batch_pixels = batch_ * block->pixels;
    block->norm_pixels =
        layer.pooled ? std::int64_t{layer.pooled->extent.in_h} * layer.pooled->extent.in_w : block->pixels;
    block->order = layout_.order(i);
    block->clamp = layer.clamp;
    block->clamped = is_pixel_wise(layer) && std::holds_alternative<Sum>(layer.operation);
    block->wants_gradient = !parameters_.weights(layer.node).weight_gradient.empty();
    if (layer.norm >= 0) {
      const NormParameters norm = parameters_.norm(graph_, layer.norm, momentum_);
      block->wants_gradient = block->wants_gradient || !norm.frozen;
      std::vector<std::int32_t> channel;
      for (const std::int32_t c : block->order) channel.push_back(layer.norm_channel[static_cast<std::size_t>(c)]);
      block->norm = std::make_unique<Norm>(tables_.training_kernels, norm, std::move(channel), tables_.workers);
    }
    for (const ChannelList& operand : layer.operands) {
      for (const Channel& channel : operand) {
        block->wants_gradient = block->wants_gradient || blocks[static_cast<std::size_t>(channel.node)]->wants_gradient;
      }
    }
    blocks.push_back(std::move(block));
  }
  blocks[0]->planes = reads_planes(trace_);
}

void Maker::make_operations() {
  const std::vector<std::unique_ptr<LayerResult>>& blocks = program_.blocks;
  const std::size_t count = trace_.layers.size();
  std::vector<std::vector<Operand>> operands(count);
  std::vector<std::vector<std::int32_t>> input_orders(count);
  for (std::size_t i = 1; i < count; ++i) {
    const Layer& layer = trace_.layers[i];
    const auto* convolution = std::get_if<graph::Convolution>(&layer.operation);
    if ((convolution != nullptr && !is_depthwise(layer)) ||
        std::holds_alternative<graph::FullyConnected>(layer.operation)) {
      // Any order within a group: that of the places.
      const std::size_t groups = convolution == nullptr ? 1 : static_cast<std::size_t>(convolution->groups);
      const std::size_t each = layer.operands[0].size() / groups;
      ChannelList columns;
      for (std::size_t h = 0; h < groups; ++h) {
        const std::vector<std::int32_t> order = layout_.sorted(std::span(layer.operands[0]).subspan(h * each, each));
        input_orders[i].insert(input_orders[i].end(), order.begin(), order.end());
        const ChannelList group = permuted(layer.operands[0], order, h * each);
        columns.insert(columns.end(), group.begin(), group.end());
      }
      operands[i].push_back(make_operand(columns, layout_, blocks));
    } else {
      for (const ChannelList& operand : layer.operands) {
        operands[i].push_back(make_operand(permuted(operand, layout_.order(i), 0), layout_, blocks));
      }
    }
  }
  operands.push_back({make_operand(trace_.output, layout_, blocks)});
  mark_first_writers(operands);
  mark_last_writers(operands);
  share_gradients(operands);
  program_.output = std::move(operands[count][0]);
  program_.operations.push_back(nullptr);
  for (std::size_t i = 1; i < count; ++i) {
    program_.operations.push_back(make_operation(i, std::move(operands[i]), std::move(input_orders[i])));
  }
}

/// Going backward, the first operation that writes a channel's gradient stores it, the others add.
void Maker::mark_first_writers(std::vector<std::vector<Operand>>& operands) {
  const std::vector<std::unique_ptr<LayerResult>>& blocks = program_.blocks;
  std::map<const LayerResult*, std::vector<bool>> written;
  for (const std::unique_ptr<LayerResult>& block : blocks) {
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
  program_.never_read.resize(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::vector<bool>& is_written = written[blocks[i].get()];
    for (std::int32_t c = 0; blocks[i]->wants_gradient && c < blocks[i]->channels; ++c) {
      if (!is_written[static_cast<std::size_t>(c)]) program_.never_read[i].push_back({blocks[i].get(), c, 1, 0});
    }
  }
}

/// And the last one to write it completes it.
void Maker::mark_last_writers(std::vector<std::vector<Operand>>& operands) {
  const std::vector<std::unique_ptr<LayerResult>>& blocks = program_.blocks;
  std::map<const LayerResult*, std::vector<bool>> completed;
  for (const std::unique_ptr<LayerResult>& block : blocks) {
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

/// The last layer but `reader` that reads the block, or 0.
std::size_t Maker::last_reader_but(std::size_t reader, const LayerResult* block) const {
  const auto reads = [&](const ChannelList& list) {
    return std::any_of(list.begin(), list.end(), [&](const Channel& channel) {
      return program_.blocks[static_cast<std::size_t>(channel.node)].get() == block;
    });
  };
  if (reads(trace_.output)) return trace_.layers.size();
  for (std::size_t i = trace_.layers.size(); i-- > 0;) {
    const std::vector<ChannelList>& operands = trace_.layers[i].operands;
    if (i != reader && std::any_of(operands.begin(), operands.end(), reads)) return i;
  }
  return 0;
}

/// A sum's gradient is its operands', so that it may become theirs where it stands: that of an operand whose gradient
/// comes from the sum alone, and also that of another to which layers add only when the first has been used. What the
/// sum itself makes complete must have no activation: it would be applied to the gradient of both.
void Maker::share_gradients(const std::vector<std::vector<Operand>>& operands) {
  const auto index = [&](const LayerResult* block) {
    const auto is = [&](const std::unique_ptr<LayerResult>& other) { return other.get() == block; };
    return static_cast<std::size_t>(std::find_if(program_.blocks.begin(), program_.blocks.end(), is) -
                                    program_.blocks.begin());
  };
  for (std::size_t i = 1; i < trace_.layers.size(); ++i) {
    if (!is_pixel_wise(trace_.layers[i]) || !program_.blocks[i]->wants_gradient) continue;
    const auto may_share = [&](const Operand& operand) {
      const LayerResult* const block = operand.gradient_in_place();
      if (block == nullptr || (operand.pieces()[0].last && block->has_activation())) return false;
      return std::none_of(operands[i].begin(), operands[i].end(), [&](const Operand& other) {
        return &other != &operand && std::any_of(other.pieces().begin(), other.pieces().end(),
                                                 [&](const Piece& piece) { return piece.block == block; });
      });
    };
    std::size_t alone = 0;
    for (const Operand& operand : operands[i]) {
      if (alone == 0 && may_share(operand) && operand.pieces()[0].last) alone = index(operand.pieces()[0].block);
    }
    std::size_t other = 0;
    for (const Operand& operand : operands[i]) {
      const LayerResult* const block = operand.pieces()[0].block;
      if (other == 0 && may_share(operand) && index(block) != alone &&
          (alone == 0 || last_reader_but(i, block) < alone)) {
        other = index(block);
      }
    }
    if (alone != 0) shares_[alone] = i;
    if (other != 0) shares_[other] = i;
  }
}

std::unique_ptr<Operation> Maker::make_operation(std::size_t index, std::vector<Operand> operands,
                                                 std::vector<std::int32_t> input_order) {
  const Layer& layer = trace_.layers[index];
  const LayerResult& block = *program_.blocks[index];
  if (index > 0 && fused_into_reader_[index - 1]) {
    operands[0].fuse(static_cast<Summation*>(program_.operations[index - 1].get()));
  }
  const kernels::Extent extent{layer.in.h, layer.in.w, layer.pooled ? layer.pooled->extent.in_h : layer.out.h,
                               layer.pooled ? layer.pooled->extent.in_w : layer.out.w};
  const WeightParameters weights = parameters_.weights(layer.node);
  if (const auto* convolution = std::get_if<graph::Convolution>(&layer.operation)) {
    if (is_depthwise(layer)) {
      return make_depthwise(tables_, layer.window, weights, extent, std::move(operands[0]), block);
    }
    const LayerResult& operand = *operands[0].pieces()[0].block;
    if (layer.pooled) {
      return make_pooled_stem(tables_, layer.window, weights, extent, layer.pooled->window, layer.pooled->extent,
                              operand, block);
    }
    if (operand.planes) return make_stem(tables_, layer.window, weights, extent, operand, block);
    return make_convolution(tables_, layer.window, convolution->groups, weights, extent, std::move(operands[0]),
                            std::move(input_order), block);
  }
  if (std::holds_alternative<graph::FullyConnected>(layer.operation)) {
    return make_convolution(tables_, layer.window, 1, weights, extent, std::move(operands[0]), std::move(input_order),
                            block);
  }
  if (const auto* pool = std::get_if<graph::Pool>(&layer.operation)) {
    return make_pool(tables_, *pool, layer.window, extent, std::move(operands[0]), block);
  }
  if (std::holds_alternative<graph::GlobalAveragePool>(layer.operation)) {
    return make_global_average_pool(tables_, std::move(operands[0]), block);
  }
  return std::make_unique<Summation>(tables_, std::move(operands), block, fused_into_reader_[index]);
}

/// A step is a layer's forward or backward pass: layer i's are i and 2 n + 1 - i, the loss's n and n + 1.
memory::Placement Maker::place_blocks() {
  const std::vector<std::unique_ptr<LayerResult>>& blocks = program_.blocks;
  const auto count = static_cast<std::int32_t>(blocks.size());
  std::vector<memory::Lifetime> lifetimes(2 * blocks.size());
  for (std::int32_t i = 0; i < count; ++i) {
    const LayerResult& block = *blocks[static_cast<std::size_t>(i)];
    memory::Lifetime &y = lifetimes[static_cast<std::size_t>(2 * i)],
                     &gradient = lifetimes[static_cast<std::size_t>(2 * i + 1)];
    y.size = row_floats(batch_ * block.pixels * block.channels + slack);
    y.first_step = i;
    y.last_step = block.wants_gradient ? 2 * count + 1 - i : i;
    gradient.size = block.wants_gradient ? y.size : 0;
    gradient.first_step = gradient.last_step = 2 * count + 1 - i;
  }
  const auto note = [&](const ChannelList& list, std::int32_t reader) {
    const bool backward = reader == count || blocks[static_cast<std::size_t>(reader)]->wants_gradient;
    if (reader < count && fused_into_reader_[static_cast<std::size_t>(reader)]) ++reader;
    for (const Channel& channel : list) {
      memory::Lifetime &y = lifetimes[static_cast<std::size_t>(2 * channel.node)],
                       &gradient = lifetimes[static_cast<std::size_t>(2 * channel.node + 1)];
      y.last_step = std::max(y.last_step, backward ? 2 * count + 1 - reader : reader);
      if (backward) gradient.first_step = std::min(gradient.first_step, 2 * count + 1 - reader);
    }
  };
  for (std::int32_t i = 0; i < count; ++i) {
    for (const ChannelList& operand : trace_.layers[static_cast<std::size_t>(i)].operands) note(operand, i);
  }
  note(trace_.output, count);
  for (std::size_t i = blocks.size(); i-- > 0;) {  // a sum comes behind its operands
    if (shares_[i] == i) continue;
    shares_[i] = shares_[shares_[i]];
    memory::Lifetime &own = lifetimes[2 * i + 1], &shared = lifetimes[2 * shares_[i] + 1];
    shared.first_step = std::min(shared.first_step, own.first_step);
    shared.last_step = std::max(shared.last_step, own.last_step);
    own.size = 0;
  }
  std::vector<memory::Lifetime> placed;
  for (const memory::Lifetime& lifetime : lifetimes) {
    if (lifetime.size > 0) placed.push_back(lifetime);
  }
  return memory::place_blocks(placed, 16);
}

void Maker::allocate(const memory::Placement& placement) {
  program_.arena_floats = placement.total + slack;
  for (const std::unique_ptr<Operation>& operation : program_.operations) {
    if (operation) program_.scratch_floats = std::max(program_.scratch_floats, row_floats(operation->scratch()));
  }
  const std::int64_t scratch = tables_.workers * program_.scratch_floats;
  const auto take = [&] {
    if (program_.arena_floats + scratch > most_floats) throw std::bad_alloc();
    program_.arena = allocate_large(program_.arena_floats);
    program_.scratch = allocate_large(scratch);
  };
  with_memory_for("a batch of " + std::to_string(batch_) + " images", program_.bytes(tables_.workers), take,
                  "a smaller batch takes less");
  std::fill_n(program_.scratch.get(), scratch, 0.0F);  // what is read behind a row's last column is a number
  std::size_t next = 0;
  for (std::size_t i = 0; i < program_.blocks.size(); ++i) {
    LayerResult& block = *program_.blocks[i];
    block.y = program_.arena.get() + placement.offsets[next++];
    if (block.wants_gradient && shares_[i] == i) block.gradient = program_.arena.get() + placement.offsets[next++];
  }
  for (std::size_t i = 0; i < program_.blocks.size(); ++i) {
    if (shares_[i] != i) program_.blocks[i]->gradient = program_.blocks[shares_[i]]->gradient;
  }
}

}  // namespace

Program make_program(const KernelTables& tables, const graph::Graph& graph, const Trace& trace, Parameters& parameters,
                     std::int32_t batch, float momentum) {
  return Maker(tables, graph, trace, parameters, batch, momentum).make();
}

}  // namespace riffle::trainer
