#include "trainer/network/program.hpp"

#include <algorithm>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "trainer/memory.hpp"
#include "trainer/network/gradient_order.hpp"
#include "trainer/network/placement.hpp"
#include "trainer/network/result_order.hpp"
#include "trainer/network/sum.hpp"

namespace riffle::trainer {
namespace {

using graph::NodeId;

// The most floats that are allocated: what a pointer reaches.
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
Operand make_operand(std::span<const Channel> channels, const plan::Layout& layout, const Results& results) {
  std::vector<Piece> pieces;
  std::int32_t column = 0;
  for (const plan::PartRange& run : layout.read_in_order(channels)) {
    pieces.push_back({results[run.node].get(), run.first, run.channels, column});
    column += run.channels;
  }
  return {std::move(pieces), column};
}

/// Is the input read by stems alone?
bool reads_planes(const Trace& trace, const plan::Readers& readers) {
  for (std::int32_t c = 0; c < trace.layers[0].out.c; ++c) {
    for (const NodeId reader : readers.of({0, c})) {
      if (reader == trace.layers.end_id() || !is_stem(trace, reader)) return false;
    }
  }
  return true;
}

class ProgramBuilder {
 public:
  ProgramBuilder(const KernelTables& tables, const graph::Graph& graph, const Trace& trace, Parameters& parameters,
                 const Rounding* rounding, std::int32_t batch, const NormOptions& norms)
      : tables_(tables),
        graph_(graph),
        trace_(trace),
        parameters_(parameters),
        rounding_(rounding),
        batch_(batch),
        norms_(norms),
        layout_(order_results(trace)) {
    for (NodeId i = 0; i < trace.layers.end_id(); ++i) fused_into_reader_.push_back(is_fused_into_reader(trace, i));
  }

  Program make() {
    make_results();
    InputOrders input_orders(trace_.layers.size());
    Operands operands = make_operands(input_orders);
    program_.never_read = order_gradients(program_.results, operands);
    const ResultPlaces places =
        place_results(trace_, layout_.readers(), program_.results, operands, fused_into_reader_, batch_);
    make_operations(std::move(operands), std::move(input_orders));
    allocate(places);
    return std::move(program_);
  }

 private:
  /// Of convolutions: in which order the inputs of a group are read.
  using InputOrders = graph::ById<std::vector<std::int32_t>>;

  [[nodiscard]] const quantise::Grid* grid_of(NodeId i) const;
  void make_results();
  Operands make_operands(InputOrders& input_orders) const;
  void make_operations(Operands operands, InputOrders input_orders);
  std::unique_ptr<Operation> make_operation(NodeId index, std::vector<Operand> operands,
                                            std::vector<std::int32_t> input_order);
  void allocate(const ResultPlaces& places);

  const KernelTables& tables_;
  const graph::Graph& graph_;
  const Trace& trace_;
  Parameters& parameters_;
  const Rounding* rounding_;
  std::int32_t batch_;
  NormOptions norms_;
  plan::Layout layout_;
  graph::ById<bool> fused_into_reader_;  ///< does the layer behind a layer do its work?
  Program program_;
};

/// The grid that readers round a layer's result to, or null. A maximum is on its operand's already; the input is
/// rounded as it is copied; and the first of two layers that come of one node, a convolution and its residual's sum, is
/// not rounded before the second.
const quantise::Grid* ProgramBuilder::grid_of(NodeId i) const {
  const Layer& layer = trace_.layers[i];
  if (rounding_ == nullptr || i == 0 || rounding_->results[layer.node].steps.empty()) return nullptr;
  const auto* pool = std::get_if<graph::Pool>(&layer.operation);
  const bool is_maximum = pool != nullptr && pool->kind == graph::PoolKind::max;
  const bool goes_on = i + 1 < trace_.layers.end_id() && trace_.layers[i + 1].node == layer.node;
  return is_maximum || goes_on ? nullptr : &rounding_->results[layer.node];
}

void ProgramBuilder::make_results() {
  Results& results = program_.results;
  for (NodeId i = 0; i < trace_.layers.end_id(); ++i) {
    const Layer& layer = trace_.layers[i];
    auto result = std::make_unique<LayerResult>();
    result->layer = i;
    result->name = layer.name;
    result->channels = layer.out.c;
    result->parts.assign(layout_.parts(i).begin(), layout_.parts(i).end());
    result->pixels = layer.out.pixels();
    result->batch_pixels = batch_ * result->pixels;
    result->norm_pixels =
        layer.pooled ? std::int64_t{layer.pooled->extent.in_h} * layer.pooled->extent.in_w : result->pixels;
    result->order.assign(layout_.order(i).begin(), layout_.order(i).end());
    result->clamp = layer.clamp;
    if (const quantise::Grid* const grid = grid_of(i)) set_grid(*result, *grid);
    result->clamped = is_pixel_wise(layer) && std::holds_alternative<Sum>(layer.operation) && !result->steps;
    result->wants_gradient = !parameters_.weights(layer.node).weight_gradient.empty();
    if (layer.norm >= 0) {
      NormParameters norm = parameters_.norm(graph_, layer.norm, norms_.momentum);
      norm.synchronised = norms_.synchronised;
      result->wants_gradient = result->wants_gradient || !norm.frozen;
      std::vector<std::int32_t> channel;
      for (const std::int32_t c : result->order) channel.push_back(layer.norm_channel[static_cast<std::size_t>(c)]);
      result->norm = std::make_unique<Norm>(tables_.training_kernels, norm, std::move(channel), tables_.workers);
    }
    for (const ChannelList& operand : trace_.channels.operands[i]) {
      for (const Channel& channel : operand) {
        result->wants_gradient = result->wants_gradient || results[channel.node]->wants_gradient;
      }
    }
    results.push_back(std::move(result));
  }
  results[0]->planes = reads_planes(trace_, layout_.readers());
}

Operands ProgramBuilder::make_operands(InputOrders& input_orders) const {
  const Results& results = program_.results;
  Operands operands(trace_.layers.size());
  for (NodeId i = 1; i < trace_.layers.end_id(); ++i) {
    const Layer& layer = trace_.layers[i];
    const std::vector<ChannelList>& read = trace_.channels.operands[i];
    const auto* convolution = std::get_if<graph::Convolution>(&layer.operation);
    if (convolution != nullptr && !is_depthwise(layer)) {
      // Any order within a group: that of the places.
      const std::vector<std::int32_t> order = layout_.sorted(read[0], convolution->groups);
      input_orders[i] = plan::within_groups(order, convolution->groups);
      operands[i].push_back(make_operand(plan::permuted(read[0], order), layout_, results));
    } else {
      for (const ChannelList& operand : read) {
        const ChannelList channels = plan::permuted(operand, layout_.order(i));
        operands[i].push_back(make_operand(channels, layout_, results));
      }
    }
  }
  operands.push_back({make_operand(trace_.channels.outputs[0], layout_, results)});
  return operands;
}

void ProgramBuilder::make_operations(Operands operands, InputOrders input_orders) {
  program_.output = std::move(operands[trace_.layers.end_id()][0]);
  program_.operations.push_back(nullptr);
  program_.rounded.resize(trace_.layers.size());
  for (NodeId i = 1; i < trace_.layers.end_id(); ++i) {
    program_.operations.push_back(make_operation(i, std::move(operands[i]), std::move(input_orders[i])));
  }
}

std::unique_ptr<Operation> ProgramBuilder::make_operation(NodeId index, std::vector<Operand> operands,
                                                          std::vector<std::int32_t> input_order) {
  const Layer& layer = trace_.layers[index];
  const LayerResult& result = *program_.results[index];
  if (index > 0 && fused_into_reader_[index - 1]) {
    operands[0].fuse(static_cast<Summation*>(program_.operations[index - 1].get()));
  }
  const kernels::Extent extent{layer.in.h, layer.in.w, layer.pooled ? layer.pooled->extent.in_h : layer.out.h,
                               layer.pooled ? layer.pooled->extent.in_w : layer.out.w};
  if (const auto* convolution = std::get_if<graph::Convolution>(&layer.operation)) {
    WeightParameters weights = parameters_.weights(layer.node);
    if (rounding_ != nullptr && rounding_->weights[layer.node]) {
      program_.rounded[index] = std::make_unique<RoundedWeights>(*rounding_->weights[layer.node], weights);
      weights = program_.rounded[index]->parameters();
    }
    if (is_depthwise(layer)) {
      return make_depthwise(tables_, layer.window, weights, extent, std::move(operands[0]), result);
    }
    const LayerResult& operand = *operands[0].pieces()[0].result;
    if (layer.pooled) {
      return make_pooled_stem(tables_, layer.window, weights, extent, layer.pooled->window, layer.pooled->extent,
                              operand, result);
    }
    if (operand.planes) return make_stem(tables_, layer.window, weights, extent, operand, result);
    return make_convolution(tables_, layer.window, convolution->groups, weights, extent, std::move(operands[0]),
                            std::move(input_order), result);
  }
  if (const auto* pool = std::get_if<graph::Pool>(&layer.operation)) {
    return make_pool(tables_, *pool, layer.window, extent, std::move(operands[0]), result);
  }
  if (std::holds_alternative<graph::GlobalAveragePool>(layer.operation)) {
    return make_global_average_pool(tables_, std::move(operands[0]), result);
  }
  return std::make_unique<Summation>(tables_, std::move(operands), result, fused_into_reader_[index]);
}

void ProgramBuilder::allocate(const ResultPlaces& places) {
  program_.arena_floats = places.floats;
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
  for (std::size_t i = 0; i < program_.results.size(); ++i) {
    LayerResult& result = *program_.results[i];
    result.y = program_.arena.get() + places.y[i];
    if (places.gradient[i] >= 0) result.gradient = program_.arena.get() + places.gradient[i];
  }
}

}  // namespace

Program make_program(const KernelTables& tables, const graph::Graph& graph, const Trace& trace, Parameters& parameters,
                     const Rounding* rounding, std::int32_t batch, const NormOptions& norms) {
  return ProgramBuilder(tables, graph, trace, parameters, rounding, batch, norms).make();
}

}  // namespace riffle::trainer
