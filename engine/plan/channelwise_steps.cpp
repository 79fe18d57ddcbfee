// Steps that have none: pooling, activations, what has two operands, softmax, reductions.
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
  if (built::quantised && is_quantised(result_type(s.node)) != reads_integers(s.node)) return make_quantisation(s);
  append_elementwise(s, "activation", StepKind::compute, channelwise(layout_.read_sorted(operand(s.node, 0)).runs), {});
}

/// The second operand's channels are read in the order of the first one's, and both lists of runs cut where either
/// ends. One channel beside several counts for all of them.
void PlanBuilder::make(const PlannedStep& s, const graph::Binary& o) {
  const graph::Shape out = shape(s.node);
  const bool is_one[] = {operand_shape(s.node, 0).c < out.c, operand_shape(s.node, 1).c < out.c};
  const std::span<const std::int32_t> order = layout_.order(s.node);
  std::vector<PartRange> runs[2], pieces[2];
  std::int32_t used[2] = {0, 0};  // channels of the current runs that are already cut off
  std::size_t at[2] = {0, 0};
  kernels::ElementwiseArgs args;
  args.kind = o.kind;
  bool by_rows = false;
  for (std::size_t i = 0; i < 2; ++i) {
    const passes::ChannelList& list = operand(s.node, i);
    runs[i] = layout_.read_in_order(is_one[i] ? list : permuted(list, order));
    const graph::Shape in = operand_shape(s.node, i);
    by_rows |= in.pixels() != out.pixels() && in.pixels() != 1;
  }
  for (std::int32_t left = out.c; left > 0;) {
    std::int32_t piece = left;
    for (std::size_t i = 0; i < 2; ++i) {
      if (!is_one[i]) piece = std::min(piece, runs[i][at[i]].channels - used[i]);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      const PartRange& run = runs[i][at[i]];
      pieces[i].push_back({run.node, run.first + used[i], is_one[i] ? 1 : piece});
      if (is_one[i]) continue;
      used[i] += piece;
      if (used[i] == run.channels) ++at[i], used[i] = 0;
    }
    left -= piece;
  }
  const auto steps = [&](const graph::Shape& in) {
    if (!by_rows) return kernels::PixelSteps{0, in.pixels() == 1 ? 0 : 1};
    return kernels::PixelSteps{in.h == 1 ? 0 : in.w, in.w == 1 ? 0 : 1};
  };
  if (by_rows) args.width = out.w;
  args.a_steps = steps(operand_shape(s.node, 0));
  args.b_steps = steps(operand_shape(s.node, 1));
  std::vector<kernels::ChannelwiseRun> a = channelwise(pieces[0]);
  for (std::size_t i = 0, channel = 0; i < a.size(); ++i) {
    a[i].output_channel = static_cast<std::int32_t>(channel);
    channel += static_cast<std::size_t>(std::max(pieces[0][i].channels, pieces[1][i].channels));
  }
  append_elementwise(s, graph::operation_name(o), StepKind::compute, std::move(a), addresses(pieces[1]), args);
}

void PlanBuilder::append_elementwise(const PlannedStep& s, std::string_view operation, StepKind kind,
                                     std::vector<kernels::ChannelwiseRun> a, std::vector<kernels::ChannelRun> b,
                                     kernels::ElementwiseArgs args) {
  const graph::Shape out = s.kind == PlannedStep::gather ? operand_shape(s.node, 0) : shape(s.node);
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
  append(s, {std::string(operation), kernel.name, kind}, kernel.run, args);
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

void PlanBuilder::make_gather(const PlannedStep& s) {
  append_elementwise(s, "copy", StepKind::copy, channelwise(read_groups(s.node)), {});
}

void PlanBuilder::make(const PlannedStep& s, const graph::Softmax& o) {
  kernels::SoftmaxArgs args;
  args.pixels = static_cast<std::int32_t>(shape(s.node).pixels());
  args.groups = o.groups;
  args.input = one_run(s.node);
  args.output = block(s);
  args.tiles = std::min(args.pixels, 64);
  const auto& kernel = row<kernels::SoftmaxKernel>(s.node);
  append(s, {"softmax", kernel.name}, kernel.run, args);
}

void PlanBuilder::make(const PlannedStep& s, const graph::Reduce& o) {
  kernels::ReduceArgs args;
  args.pixels = static_cast<std::int32_t>(shape(s.node).pixels());
  args.kind = o.kind;
  args.groups = o.groups;
  args.input = one_run(s.node);
  args.output = block(s);
  args.tiles = std::min(args.pixels, 64);
  const auto& kernel = row<kernels::ReduceKernel>(s.node);
  append(s, {std::string(graph::operation_name(o)), kernel.name}, kernel.run, args);
}

}  // namespace riffle::plan
