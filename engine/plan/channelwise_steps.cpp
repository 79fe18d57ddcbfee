// Steps that have none: pooling, activations, sums, softmax.
#include <algorithm>

#include "engine/plan/append.hpp"

namespace riffle::plan {

/// Of a pooling that is quantised.
template <class Args>
void PlanBuilder::set_integers(const PlannedStep& s, Args& args) const {
  if (!node(s.node).quantization) return;
  args.zeros = zeros_of(s.node);
  args.scale = node(s.node).quantization->scale;
}

void PlanBuilder::make(const PlannedStep& s, const graph::Pool& o) {
  const graph::Shape in = operand_shape(s.node, 0), out = shape(s.node);
  const kernels::PoolKernel& kernel = row<kernels::PoolKernel>(s.node);
  std::vector<kernels::ChannelwiseRun> channel_runs = channelwise(layout_.read_sorted(operand(s.node, 0)).runs);
  kernels::PoolArgs args;
  args.extent = extent_of(in, out);
  args.window = resolved_window(s.node);
  args.count_padding = o.count_padding;
  set_integers(s, args);
  args.run_count = count_of(channel_runs);
  args.runs = storage_->keep(std::move(channel_runs)).data();
  args.output = block(s);
  args.tile_rows = 1;
  args.tiles = out.h;
  const bool max = o.kind == graph::PoolKind::max;
  append(s, {joined({max ? "max pool " : "average pool ", window_text(args.window)}), kernel.name},
         max ? kernel.max : kernel.average, args);
}

void PlanBuilder::make(const PlannedStep& s, const graph::GlobalAveragePool& o) {
  const kernels::PoolKernel& kernel = row<kernels::PoolKernel>(s.node);
  std::vector<kernels::ChannelwiseRun> channel_runs = channelwise(layout_.read_sorted(operand(s.node, 0)).runs);
  kernels::GlobalAveragePoolArgs args;
  args.pixels = static_cast<std::int32_t>(operand_shape(s.node, 0).pixels());
  args.run_count = count_of(channel_runs);
  args.runs = storage_->keep(std::move(channel_runs)).data();
  set_integers(s, args);
  args.output = block(s);
  const bool is_whole_tile = o.activation.function != kernels::Function::none;  // see for_each_written
  args.tiles = is_whole_tile ? 1 : std::clamp(ceil_div(shape(s.node).c, kernel.lanes), 1, 16);
  append(s, {"global average pool", kernel.name}, kernel.global_average, args);
}

void PlanBuilder::make(const PlannedStep& s, const graph::Activate&) {
  if (has_integers && is_quantised(result_type(s.node)) != reads_integers(s.node)) return make_quantisation(s);
  append_elementwise(s, "activation", StepKind::compute, channelwise(layout_.read_sorted(operand(s.node, 0)).runs), {});
}

void PlanBuilder::make(const PlannedStep& s, const graph::Binary&) {
  const Reading reading = layout_.read_sorted(operand(s.node, 0));
  // The second operand's channels are read in the order of the first one's, and both lists of runs cut where either
  // ends.
  const std::vector<PartRange> first = reading.runs,
                               second = layout_.read_in_order(permuted(operand(s.node, 1), reading.order));
  std::vector<PartRange> a, b;
  std::int32_t used_a = 0, used_b = 0;  // channels of the current runs that are already cut off
  for (std::size_t i = 0, k = 0; i < first.size() && k < second.size();) {
    const std::int32_t piece = std::min(first[i].channels - used_a, second[k].channels - used_b);
    a.push_back({first[i].node, first[i].first + used_a, piece});
    b.push_back({second[k].node, second[k].first + used_b, piece});
    used_a += piece;
    used_b += piece;
    if (used_a == first[i].channels) ++i, used_a = 0;
    if (used_b == second[k].channels) ++k, used_b = 0;
  }
  append_elementwise(s, "add", StepKind::compute, channelwise(a), addresses(b));
}

void PlanBuilder::append_elementwise(const PlannedStep& s, const char* operation, StepKind kind,
                                     std::vector<kernels::ChannelwiseRun> a, std::vector<kernels::ChannelRun> b) {
  const graph::Shape out = shape(s.node);
  kernels::ElementwiseArgs args;
  args.pixels = static_cast<std::int32_t>(out.pixels());
  args.run_count = count_of(a);
  args.a = storage_->keep(std::move(a)).data();
  if (!b.empty()) args.b = storage_->keep(std::move(b)).data();
  args.zeros = zeros_of(s.node);
  if (node(s.node).quantization) args.factor = kernels::mean_factor(node(s.node).quantization->scale, 1);
  args.output = block(s);
  args.tile_pixels = tile_pixels(machine_, args.pixels, 3LL * out.c);
  args.tiles = ceil_div(args.pixels, args.tile_pixels);
  const Type type = args.output.type;
  const auto& kernel = row<kernels::ElementwiseKernel>(s.node, {type, Type::f32, type});
  append(s, {operation, kernel.name, kind}, kernel.run, args);
}

/// Real numbers to integers, or back.
void PlanBuilder::make_quantisation(const PlannedStep& s) {
  std::vector<kernels::ChannelwiseRun> runs = channelwise(layout_.read_sorted(operand(s.node, 0)).runs);
  const bool quantises = is_quantised(result_type(s.node));
  kernels::ConvertArgs args;
  args.pixels = static_cast<std::int32_t>(shape(s.node).pixels());
  args.run_count = count_of(runs);
  args.runs = storage_->keep(std::move(runs)).data();
  if (quantises) {
    args.to = {node(s.node).quantization->scale, zero_of(s.node)};
  } else {
    args.from = quantization_of(operand(s.node, 0)[0].node);
  }
  args.output = block(s);
  append_convert(s, args, types_of(s.node));
}

void PlanBuilder::make_gather_for_softmax(const PlannedStep& s) {
  append_elementwise(s, "copy", StepKind::copy, channelwise(layout_.read_sorted(operand(s.node, 0)).runs), {});
}

void PlanBuilder::make(const PlannedStep& s, const graph::Softmax&) {
  const std::int32_t gathered = gathered_block_of_[s.node];
  kernels::SoftmaxArgs args;
  args.pixels = static_cast<std::int32_t>(shape(s.node).pixels());
  if (gathered >= 0) {
    const kernels::Block from = block_at(gathered);
    args.input = {from.first, from.pixel_stride, shape(s.node).c, 0, from.type};
  } else {
    args.input = address(layout_.read_sorted(operand(s.node, 0)).runs[0]);
  }
  args.output = block(s);
  args.tiles = std::min(args.pixels, 64);
  const auto& kernel = row<kernels::SoftmaxKernel>(s.node);
  append(s, {"softmax", kernel.name}, kernel.run, args);
}

}  // namespace riffle::plan
