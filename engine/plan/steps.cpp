// One function an operation: its arguments, its packed weights, its kernel.
#include <algorithm>

#include "engine/plan/builder.hpp"

namespace riffle::plan {
namespace {

std::string window_text(const kernels::Window& w) {
  std::string text = joined({w.kernel_h, "x", w.kernel_w});
  if (w.stride_h != 1 || w.stride_w != 1) text += joined({" /", w.stride_h});
  if (w.dilation_h != 1 || w.dilation_w != 1) text += joined({" d", w.dilation_h});
  return text;
}

std::string group_text(std::int32_t groups) { return groups == 1 ? "" : joined({" g", groups}); }

kernels::Extent extent_of(const graph::Shape& in, const graph::Shape& out) { return {in.h, in.w, out.h, out.w}; }

std::int32_t taps_of(const kernels::Window& window) { return window.kernel_h * window.kernel_w; }

template <class List>
std::int32_t count_of(const List& list) {
  return static_cast<std::int32_t>(list.size());
}

/// Of a kernel that a build has left out (RIFFLE_OPERATIONS).
[[noreturn]] void missing(const graph::Node& node, std::string_view operation) {
  throw Unsupported({"node '", node.name, "': this build has no ", operation, " kernel"});
}

std::span<float> floats_in(std::span<std::byte> bytes) {
  return {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)};
}

std::int64_t bytes_of_floats(std::int64_t count) { return count * static_cast<std::int64_t>(sizeof(float)); }

}  // namespace

template <class Kernel>
const Kernel& PlanBuilder::row(graph::NodeId id) const {
  const Kernel* row = kernels::find_row<Kernel>(kernels_, types_of(id));
  if (row == nullptr) missing(node(id), Kernel::operation);
  return *row;
}

template <class Args>
void PlanBuilder::append(const PlannedStep& s, const Label& label, typename Call<Args>::Kernel kernel, Args args,
                         Packing packing) {
  append(s, label, kernel, std::move(args));
  plan_->steps.back().weight_bytes = packing.bytes;
  packings_.push_back(std::move(packing));
}

Step& PlanBuilder::append_step(const PlannedStep& s, const Label& label, std::int32_t tiles) {
  Step step;
  const graph::NodeId id = s.node;
  step.name = node(id).name;
  step.operation = label.operation;
  step.kernel = label.kernel;
  step.kind = label.kind;
  step.tiles = tiles;
  const kernels::Types types = types_of(id);
  if (s.kind == PlannedStep::compute) {
    step.in = operand_shape(id, 0);
    step.out = shape(id);
    step.macs = graph::cost(graph_, shapes_, id).macs;
    for (std::size_t i = 0; i < node(id).inputs.size(); ++i) {
      step.read_bytes += operand_shape(id, i).size() * size_of(types.input);
    }
  } else {  // it moves or converts a tensor
    step.in = step.out = s.kind == PlannedStep::gather_for_softmax ? operand_shape(id, 0) : shape(id);
    const bool from_caller = s.kind == PlannedStep::convert_input;
    step.read_bytes =
        step.in.size() * size_of(from_caller ? plan_->inputs[static_cast<std::size_t>(id)].type : types.output);
  }
  const bool to_caller = s.kind == PlannedStep::convert_output;
  step.write_bytes = step.out.size() * size_of(to_caller ? plan_->outputs[s.output].type : types.output);
  return plan_->steps.emplace_back(std::move(step));
}

void PlanBuilder::set_activation(const PlannedStep& s, std::int32_t unit, Step& step, kernels::Clamp& clamp,
                                 After& after) const {
  const graph::Activation* activation = graph::fused_activation(node(s.node).operation);
  if (activation == nullptr) return;
  const auto& [lower, upper] = activation->bounds;
  clamp = {lower + 0.0F, upper + 0.0F};  // not -0, which is equal to 0 and says the same
  if (activation->function == kernels::Function::none) return;
  after = {activation->function, &row<kernels::FunctionKernel>(s.node), step.out.c, unit};
  step.operation += joined({", ", kernels::facts_of(activation->function).word});
}

template <class Args>
void PlanBuilder::append(const PlannedStep& s, const Label& label, typename Call<Args>::Kernel kernel, Args args) {
  Call<Args> call{std::move(args), kernel};
  Step& step = append_step(s, label, call.args.tiles);
  if constexpr (Call<Args>::has_activation) {
    if (s.kind == PlannedStep::compute) set_activation(s, label.unit, step, call.args.clamp, call.after);
  }
  step.task = std::move(call);
}

void PlanBuilder::make_step(const PlannedStep& planned) {
  switch (planned.kind) {
    case PlannedStep::convert_input:
      return make_convert_input(planned);
    case PlannedStep::from_planes:
      return make_from_planes(planned);
    case PlannedStep::to_planes:
      return make_to_planes(planned);
    case PlannedStep::convert_output:
      return make_convert_output(planned);
    case PlannedStep::gather_for_softmax:
      return make_gather_for_softmax(planned);
    case PlannedStep::compute:
      break;
  }
  if (planned.producer >= 0) {
    make_step({PlannedStep::compute, planned.producer, -1});
    make_step({PlannedStep::compute, planned.node, planned.written_block});
    return chain();
  }
  std::visit(
      [&](const auto& operation) {
        if constexpr (requires { make(planned, operation); }) {
          make(planned, operation);
        } else {
          // Input, BatchNorm (folded) and the nodes that only move channels are no steps.
          throw Error({"node '", node(planned.node).name, "': no kernel computes it"});
        }
      },
      node(planned.node).operation);
}

PlanBuilder::GroupedReading PlanBuilder::read_groups(graph::NodeId id, std::int32_t groups) const {
  GroupedReading result;
  const passes::ChannelList& channels = operand(id, 0);
  const std::size_t each = channels.size() / static_cast<std::size_t>(groups);
  result.run_begin.push_back(0);
  for (std::size_t group = 0; group < static_cast<std::size_t>(groups); ++group) {
    const Reading reading = layout_.read_sorted(std::span(channels).subspan(group * each, each));
    for (const BlockRange& physical : reading.runs) result.runs.push_back(address(physical));
    result.run_begin.push_back(count_of(result.runs));
    result.input_order.insert(result.input_order.end(), reading.order.begin(), reading.order.end());
  }
  const std::span<const std::int32_t> order = layout_.order(id);
  const std::int32_t outputs = count_of(order) / groups;
  for (std::int32_t p = 0; p < count_of(order); ++p) {
    result.output_order.push_back(order[static_cast<std::size_t>(p)] - p / outputs * outputs);
  }
  return result;
}

/// Cuts every group's runs where a part of the inputs ends: run_begin then counts groups * parts.
void PlanBuilder::cut_in_parts(GroupedReading& reading, std::int32_t parts) {
  if (parts == 1) return;
  constexpr std::int32_t unit = 4;  // channels that a by-lane kernel loads at once
  GroupedReading cut;
  cut.input_order = std::move(reading.input_order);
  cut.output_order = std::move(reading.output_order);
  const auto groups = reading.run_begin.size() - 1;
  const std::int32_t inputs = count_of(cut.input_order) / static_cast<std::int32_t>(groups);
  const std::int32_t each = ceil_div(ceil_div(inputs, parts), unit) * unit;
  cut.run_begin.push_back(0);
  for (std::size_t group = 0; group < groups; ++group) {
    std::int32_t r = reading.run_begin[group], used = 0;  // of run r
    for (std::int32_t part = 0; part < parts; ++part) {
      std::int32_t wanted = std::min(each, inputs - part * each);
      while (wanted > 0) {
        kernels::ChannelRun piece = reading.runs[static_cast<std::size_t>(r)];
        piece.first = piece.first.behind(used, piece.type);
        piece.channels = std::min(piece.channels - used, wanted);
        wanted -= piece.channels;
        used += piece.channels;
        if (used == reading.runs[static_cast<std::size_t>(r)].channels) ++r, used = 0;
        cut.runs.push_back(piece);
      }
      cut.run_begin.push_back(count_of(cut.runs));
    }
  }
  reading = std::move(cut);
}

/// One group becomes `count` groups of as many outputs less each, which read the same.
void PlanBuilder::repeat_groups(GroupedReading& reading, std::int32_t count) {
  const std::vector<kernels::ChannelRun> runs = reading.runs;
  const std::vector<std::int32_t> run_begin = reading.run_begin, input_order = reading.input_order;
  for (std::int32_t copy = 1; copy < count; ++copy) {
    const std::int32_t offset = count_of(reading.runs);
    reading.runs.insert(reading.runs.end(), runs.begin(), runs.end());
    for (std::size_t i = 1; i < run_begin.size(); ++i) reading.run_begin.push_back(offset + run_begin[i]);
    reading.input_order.insert(reading.input_order.end(), input_order.begin(), input_order.end());
  }
  const std::int32_t outputs = count_of(reading.output_order) / count;
  for (std::int32_t p = 0; p < count_of(reading.output_order); ++p) {
    reading.output_order[static_cast<std::size_t>(p)] -= p / outputs * outputs;
  }
}

const kernels::ResidualVector* PlanBuilder::residual(graph::NodeId id, std::int32_t groups, std::int32_t lanes) {
  if (node(id).inputs.size() < 2) return nullptr;
  const std::span<const std::int32_t> order = layout_.order(id);
  const std::int32_t outputs = count_of(order) / groups;
  std::vector<kernels::ResidualVector> vectors;
  for (std::int32_t group = 0; group < groups; ++group) {
    for (std::int32_t first = 0; first < outputs; first += lanes) {
      passes::ChannelList columns;
      for (std::int32_t c = first; c < std::min(first + lanes, outputs); ++c) {
        const std::int32_t channel = order[static_cast<std::size_t>(group * outputs + c)];
        columns.push_back(operand(id, 1)[static_cast<std::size_t>(channel)]);
      }
      const std::vector<BlockRange> physical = layout_.read_in_order(columns);
      kernels::ResidualVector vector;
      if (physical.size() == 1) {
        vector.run = address(physical[0]);
      } else {
        std::vector<kernels::ChannelRun> scattered;
        for (const BlockRange& piece : physical) {
          for (std::int32_t c = 0; c < piece.channels; ++c)
            scattered.push_back(address({piece.node, piece.first + c, 1}));
        }
        vector.columns = storage_->keep(std::move(scattered)).data();
      }
      vectors.push_back(vector);
    }
  }
  return storage_->keep(std::move(vectors)).data();
}

void PlanBuilder::make(const PlannedStep& s, const graph::Convolution& o) {
  switch (*kind(s.node)) {
    case ConvolutionKind::stem:
      return make_stem(s, o);
    case ConvolutionKind::depthwise:
      return make_depthwise(s, o);
    case ConvolutionKind::pointwise:
      return make_pointwise(s, o);
    case ConvolutionKind::general:
      return make_general(s, o);
  }
}

void PlanBuilder::make_stem(const PlannedStep& s, const graph::Convolution& o) {
  const graph::NodeId input = operand(s.node, 0)[0].node;
  const graph::Shape in = shape(input), out = shape(s.node);
  const kernels::StemKernel& kernel = row<kernels::StemKernel>(s.node);
  const kernels::Window window = resolved_window(s.node);
  const std::int32_t taps = taps_of(window);
  kernels::StemArgs args;
  args.extent = extent_of(in, out);
  args.window = window;
  args.channels = in.c;
  args.outputs = out.c;
  args.input = planes_of_input(input);
  args.output = block(s);
  args.tile_rows = 1;
  args.tiles = out.h;
  append(s, {joined({"stem ", window_text(window)}), kernel.name}, kernel.run, args,
         {bytes_of_floats(kernels::packed_stem_size(in.c, taps, out.c, kernel.lanes)), o.weights,
          [=, &kernel, &o, order = layout_.order(s.node)](std::span<std::byte> packed) {
            kernels::pack_stem(kernel, in.c, taps, out.c, o.weights.factors(), o.bias.values(), order,
                               floats_in(packed));
          }});
}

void PlanBuilder::make_depthwise(const PlannedStep& s, const graph::Convolution& o) {
  const graph::Shape in = operand_shape(s.node, 0), out = shape(s.node);
  const kernels::DepthwiseKernel& kernel = row<kernels::DepthwiseKernel>(s.node);
  const kernels::Window window = resolved_window(s.node);
  const std::int32_t taps = taps_of(window);
  Reading reading = layout_.read_sorted(operand(s.node, 0));
  const std::span<const kernels::ChannelwiseRun> runs = storage_->keep(channelwise(reading.runs));
  kernels::DepthwiseArgs args;
  args.extent = extent_of(in, out);
  args.window = window;
  args.run_count = count_of(runs);
  args.runs = runs.data();
  args.output = block(s);
  args.tile_rows = 1;
  args.tiles = out.h;
  append(s, {joined({"depthwise ", window_text(window)}), kernel.name}, kernel.run, args,
         {bytes_of_floats(kernels::packed_depthwise_size(runs, taps, kernel.lanes)), o.weights,
          [=, &kernel, &o, order = std::move(reading.order)](std::span<std::byte> packed) {
            kernels::pack_depthwise(kernel.lanes, taps, runs, o.weights.factors(), o.bias.values(), order,
                                    floats_in(packed));
          }});
}

void PlanBuilder::make_pointwise(const PlannedStep& s, const graph::Convolution& o) {
  const graph::Shape in = operand_shape(s.node, 0), out = shape(s.node);
  const kernels::PointwiseKernel& kernel = row<kernels::PointwiseKernel>(s.node);
  // Blocks that are kept apart are groups that read the same.
  const std::int32_t blocks = layout_.blocks(s.node);
  GroupedReading reading = read_groups(s.node, o.groups);
  kernels::PointwiseArgs args;
  args.pixels = static_cast<std::int32_t>(out.pixels());
  args.groups = o.groups * blocks;
  args.inputs = in.c / o.groups;
  args.outputs = out.c / args.groups;
  const PointwiseTiling tiling = tile_pointwise(machine_, kernel, args.pixels, args.groups, args.inputs,
                                                count_of(reading.runs) / o.groups, args.outputs);
  args.parts = tiling.parts;
  args.block_pixels = tiling.block_pixels;
  args.split = tiling.split;
  args.tile_pixels = tiling.tile_pixels;
  args.tiles = tiling.tiles;
  if (is_produced_by_rows(s.node)) {
    args.split = kernels::PointwiseSplit::pixels;
    args.tile_pixels = out.w;
    args.tiles = out.h;
  }
  cut_in_parts(reading, args.parts);
  repeat_groups(reading, blocks);
  args.runs = storage_->keep(std::move(reading.runs)).data();
  args.run_begin = storage_->keep(std::move(reading.run_begin)).data();
  args.residual = residual(s.node, args.groups, kernel.lanes);
  std::vector<kernels::Block> outputs;
  for (std::int32_t group = 0; group < args.groups; ++group) {
    kernels::Block to = block(s, blocks == 1 ? 0 : group);
    if (blocks == 1) to.first = to.first.behind(static_cast<std::int64_t>(group) * args.outputs, to.type);
    outputs.push_back(to);
  }
  args.blocks = storage_->keep(std::move(outputs)).data();
  append(s,
         {joined({"pointwise", group_text(o.groups), args.residual != nullptr ? " + residual" : ""}), kernel.name,
          StepKind::compute, kernel.lanes},
         kernel.run, args,
         {bytes_of_floats(kernels::packed_pointwise_size(args.groups, args.inputs, args.outputs, kernel.lanes)),
          o.weights, [=, &kernel, &o, reading = std::move(reading)](std::span<std::byte> packed) {
            kernels::pack_pointwise(kernel, args.groups, args.inputs, args.outputs, o.weights.factors(),
                                    o.bias.values(), reading.input_order, reading.output_order, floats_in(packed));
          }});
}

void PlanBuilder::make_general(const PlannedStep& s, const graph::Convolution& o) {
  const graph::Shape in = operand_shape(s.node, 0), out = shape(s.node);
  const kernels::ConvolutionKernel& kernel = row<kernels::ConvolutionKernel>(s.node);
  const kernels::Window window = resolved_window(s.node);
  const std::int32_t taps = taps_of(window);
  GroupedReading reading = read_groups(s.node, o.groups);
  kernels::ConvolutionArgs args;
  args.extent = extent_of(in, out);
  args.window = window;
  args.groups = o.groups;
  args.inputs = in.c / o.groups;
  args.outputs = out.c / o.groups;
  args.runs = storage_->keep(std::move(reading.runs)).data();
  args.run_begin = storage_->keep(std::move(reading.run_begin)).data();
  args.zeros = storage_->keep(std::vector<float>(static_cast<std::size_t>(args.inputs) + 4, 0.0F)).data();
  args.residual = residual(s.node, o.groups, kernel.lanes);
  args.output = block(s);
  args.tile_rows = tile_rows(machine_, out.h, static_cast<std::int64_t>(in.w) * in.c * window.stride_h);
  args.tiles = ceil_div(out.h, args.tile_rows);
  append(s, {joined({"convolution ", window_text(window), group_text(o.groups)}), kernel.name}, kernel.run, args,
         {bytes_of_floats(kernels::packed_convolution_size(args.groups, args.inputs, args.outputs, taps, kernel.lanes)),
          o.weights, [=, &kernel, &o, reading = std::move(reading)](std::span<std::byte> packed) {
            kernels::pack_convolution(kernel, args.groups, args.inputs, args.outputs, taps, o.weights.factors(),
                                      o.bias.values(), reading.input_order, reading.output_order, floats_in(packed));
          }});
}

void PlanBuilder::make(const PlannedStep& s, const graph::Pool& o) {
  const graph::Shape in = operand_shape(s.node, 0), out = shape(s.node);
  const kernels::PoolKernel& kernel = row<kernels::PoolKernel>(s.node);
  std::vector<kernels::ChannelwiseRun> channel_runs = channelwise(layout_.read_sorted(operand(s.node, 0)).runs);
  kernels::PoolArgs args;
  args.extent = extent_of(in, out);
  args.window = resolved_window(s.node);
  args.count_padding = o.count_padding;
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
  args.output = block(s);
  const bool is_whole_tile = o.activation.function != kernels::Function::none;  // see for_each_written
  args.tiles = is_whole_tile ? 1 : std::clamp(ceil_div(shape(s.node).c, kernel.lanes), 1, 16);
  append(s, {"global average pool", kernel.name}, kernel.global_average, args);
}

void PlanBuilder::make(const PlannedStep& s, const graph::FullyConnected& o) {
  const kernels::FullyConnectedKernel& kernel = row<kernels::FullyConnectedKernel>(s.node);
  GroupedReading reading = read_groups(s.node, 1);
  kernels::FullyConnectedArgs args;
  args.inputs = operand_shape(s.node, 0).c;
  args.outputs = o.outputs;
  args.run_count = count_of(reading.runs);
  args.runs = storage_->keep(std::move(reading.runs)).data();
  if (!o.bias.empty()) {
    std::vector<float> bias;
    for (const std::int32_t output : reading.output_order) {
      bias.push_back(o.bias.values()[static_cast<std::size_t>(output)]);
    }
    args.bias = storage_->keep(std::move(bias)).data();
  }
  args.output = block(s).first;
  args.tiles = ceil_div(args.outputs, kernel.rows);
  Packing packing{bytes_of_floats(static_cast<std::int64_t>(o.weights.size())), o.weights, nullptr};
  if (!is_natural(reading.input_order) || !is_natural(reading.output_order) || !o.weights.row_scale().empty()) {
    packing.write = [=, &o, reading = std::move(reading)](std::span<std::byte> packed) {
      kernels::pack_fully_connected(args.inputs, args.outputs, o.weights.factors(), reading.input_order,
                                    reading.output_order, floats_in(packed));
    };
  }
  append(s, {"fully connected", kernel.name, StepKind::compute, kernel.rows}, kernel.run, args, std::move(packing));
}

void PlanBuilder::make(const PlannedStep& s, const graph::Activate&) {
  append_elementwise(s, "activation", StepKind::compute, channelwise(layout_.read_sorted(operand(s.node, 0)).runs), {});
}

void PlanBuilder::make(const PlannedStep& s, const graph::Add&) {
  const Reading reading = layout_.read_sorted(operand(s.node, 0));
  passes::ChannelList other;  // the second operand's channels, in the order in which the first one's are read
  for (const std::int32_t channel : reading.order) {
    other.push_back(operand(s.node, 1)[static_cast<std::size_t>(channel)]);
  }
  // Both lists of runs are cut where either ends.
  const std::vector<BlockRange> first = reading.runs, second = layout_.read_in_order(other);
  std::vector<BlockRange> a, b;
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
  args.output = block(s);
  args.tile_pixels = tile_pixels(machine_, args.pixels, 3LL * out.c);
  args.tiles = ceil_div(args.pixels, args.tile_pixels);
  const auto& kernel = row<kernels::ElementwiseKernel>(s.node);
  append(s, {operation, kernel.name, kind}, kernel.run, args);
}

void PlanBuilder::make_gather_for_softmax(const PlannedStep& s) {
  append_elementwise(s, "copy", StepKind::copy, channelwise(layout_.read_sorted(operand(s.node, 0)).runs), {});
}

void PlanBuilder::make(const PlannedStep& s, const graph::Softmax&) {
  const std::int32_t gathered = gathered_block_of_[static_cast<std::size_t>(s.node)];
  kernels::SoftmaxArgs args;
  args.pixels = static_cast<std::int32_t>(shape(s.node).pixels());
  if (gathered >= 0) {
    const kernels::Block from = block_at(gathered);
    args.input = {from.first, from.pixel_stride, shape(s.node).c};
  } else {
    args.input = address(layout_.read_sorted(operand(s.node, 0)).runs[0]);
  }
  args.output = block(s);
  args.tiles = std::min(args.pixels, 64);
  const auto& kernel = row<kernels::SoftmaxKernel>(s.node);
  append(s, {"softmax", kernel.name}, kernel.run, args);
}

void PlanBuilder::chain() {
  Step consumer = std::move(plan_->steps.back());
  plan_->steps.pop_back();
  Step& step = plan_->steps.back();
  Chain chain;
  chain.producer_rows = step.out.h;
  if (auto* stem = std::get_if<Call<kernels::StemArgs>>(&step.task)) {
    chain.producer = *stem;
  } else {
    chain.producer = std::get<Call<kernels::PointwiseArgs>>(step.task);
  }
  if (auto* depthwise = std::get_if<Call<kernels::DepthwiseArgs>>(&consumer.task)) {
    chain.window = depthwise->args.window;
    chain.consumer = *depthwise;
  } else {
    const auto& pool = std::get<Call<kernels::PoolArgs>>(consumer.task);
    chain.window = pool.args.window;
    chain.consumer = pool;
  }
  step.name += joined({" + ", consumer.name});
  step.operation += joined({" + ", consumer.operation});
  step.task = std::move(chain);
  step.tiles = consumer.tiles;
  step.out = consumer.out;
  step.macs += consumer.macs;
  step.weight_bytes += consumer.weight_bytes;
  step.write_bytes = consumer.write_bytes;
}

void PlanBuilder::make_from_planes(const PlannedStep& s) {
  kernels::FromPlanesArgs args;
  args.pixels = static_cast<std::int32_t>(shape(s.node).pixels());
  args.channels = shape(s.node).c;
  args.planes = planes_of_input(s.node);
  args.output = block(s);
  args.tile_pixels = tile_pixels(machine_, args.pixels, 2LL * args.channels);
  args.tiles = ceil_div(args.pixels, args.tile_pixels);
  const auto& kernel = row<kernels::PlanesKernel>(s.node);
  append(s, {"from planes", kernel.name, StepKind::layout_conversion}, kernel.from_planes, args);
}

void PlanBuilder::make_to_planes(const PlannedStep& s) {
  // In the caller's order, so that a shuffle that reaches the output is undone here.
  std::vector<kernels::ChannelwiseRun> channel_runs = channelwise(layout_.read_in_order(lowered_.outputs[s.output]));
  kernels::ToPlanesArgs args;
  args.pixels = static_cast<std::int32_t>(shape(s.node).pixels());
  args.run_count = count_of(channel_runs);
  args.runs = storage_->keep(std::move(channel_runs)).data();
  args.planes = block(s).first;
  args.tile_pixels = tile_pixels(machine_, args.pixels, 2LL * shape(s.node).c);
  args.tiles = ceil_div(args.pixels, args.tile_pixels);
  const auto& kernel = row<kernels::PlanesKernel>(s.node);
  append(s, {"to planes", kernel.name, StepKind::layout_conversion}, kernel.to_planes, args);
}

void PlanBuilder::make_convert_input(const PlannedStep& s) {
  const Tensor& input = plan_->inputs[static_cast<std::size_t>(s.node)];
  const Type to = types_[static_cast<std::size_t>(s.node)];
  kernels::ConvertArgs args;
  args.pixels = static_cast<std::int32_t>(input.shape.size());
  const auto index = static_cast<std::uint16_t>(s.node);
  const kernels::ChannelRun planes = {{0, kernels::Space::input, index}, 1, 1, 0, input.type};
  args.runs = storage_->keep(std::vector<kernels::ChannelwiseRun>{{planes}}).data();
  args.run_count = 1;
  args.from = input.quantization;
  args.output = {block(s).first, 1, 0, to};
  append_convert(s, args, {input.type, Type::f32, to});
}

void PlanBuilder::make_convert_output(const PlannedStep& s) {
  const Tensor& output = plan_->outputs[s.output];
  const Type from = types_[static_cast<std::size_t>(s.node)];
  kernels::ConvertArgs args;
  args.output = block(s);
  std::vector<kernels::ChannelwiseRun> runs;
  if (const std::int32_t planes = planes_of_output_[s.output]; planes >= 0) {
    args.pixels = static_cast<std::int32_t>(output.shape.size());
    args.output.pixel_stride = 1;
    runs.push_back({{block_at(planes).first, 1, 1, 0, from}});
  } else {
    args.pixels = 1;
    runs = channelwise(layout_.read_in_order(lowered_.outputs[s.output]));
  }
  args.run_count = count_of(runs);
  args.runs = storage_->keep(std::move(runs)).data();
  args.to = output.quantization;
  append_convert(s, args, {from, Type::f32, output.type});
}

void PlanBuilder::append_convert(const PlannedStep& s, kernels::ConvertArgs args, const kernels::Types& types) {
  const kernels::ConvertKernel* kernel = kernels::find_row<kernels::ConvertKernel>(kernels_, types);
  if (kernel == nullptr) missing(node(s.node), kernels::ConvertKernel::operation);
  args.tile_pixels = tile_pixels(machine_, args.pixels, 2);
  args.tiles = ceil_div(args.pixels, args.tile_pixels);
  append(s, {"convert", kernel->name, StepKind::type_conversion}, kernel->run, args);
}

}  // namespace riffle::plan
