// Steps that have weights: convolutions and fully connected layers.
#include <algorithm>

#include "engine/graph/quantization.hpp"
#include "engine/plan/append.hpp"
#include "kernels/byte_panels.hpp"

namespace riffle::plan {

PlanBuilder::GroupedReading PlanBuilder::read_groups(graph::NodeId id, std::int32_t groups) const {
  GroupedReading result;
  const std::vector<std::int32_t> order = layout_.sorted(operand(id, 0), groups);
  const passes::ChannelList channels = permuted(operand(id, 0), order);
  const std::size_t each = channels.size() / static_cast<std::size_t>(groups);
  result.run_begin.push_back(0);
  for (std::size_t first = 0; first < channels.size(); first += each) {
    for (const PartRange& run : layout_.read_in_order(std::span(channels).subspan(first, each))) {
      result.runs.push_back(address(run));
    }
    result.run_begin.push_back(count_of(result.runs));
  }
  result.input_order = within_groups(order, groups);
  result.output_order = within_groups(layout_.order(id), groups);
  return result;
}

/// Cuts every group's runs where a part of the inputs ends: run_begin then counts groups * parts.
void PlanBuilder::cut_in_parts(GroupedReading& reading, std::int32_t parts) {
  if (parts == 1) return;
  const std::int32_t unit = 16 / size_of(reading.runs[0].type);  // channels that a by-lane kernel loads at once
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
  reading.output_order = within_groups(reading.output_order, count);
}

/// Which of a group's inputs each byte of its quads is, a run's by themselves, in whole multiples of so many bytes, -1
/// for none; sets args.quads.
std::vector<std::int32_t> PlanBuilder::quads_read(const GroupedReading& reading, std::size_t multiple,
                                                  kernels::PointwiseArgs& args) {
  std::vector<std::vector<std::int32_t>> of_group(static_cast<std::size_t>(args.groups));
  for (std::size_t group = 0; group < of_group.size(); ++group) {
    const std::int32_t* next = reading.input_order.data() + group * static_cast<std::size_t>(args.inputs);
    for (std::int32_t r = reading.run_begin[group]; r < reading.run_begin[group + 1]; ++r) {
      const std::int32_t channels = reading.runs[static_cast<std::size_t>(r)].channels;
      of_group[group].insert(of_group[group].end(), next, next + channels);
      while (of_group[group].size() % multiple != 0) of_group[group].push_back(-1);
      next += channels;
    }
    args.quads = std::max(args.quads, count_of(of_group[group]) / 4);
  }
  std::vector<std::int32_t> reads;
  for (std::vector<std::int32_t>& one : of_group) {
    one.resize(static_cast<std::size_t>(args.quads) * 4, -1);
    reads.insert(reads.end(), one.begin(), one.end());
  }
  return reads;
}

const kernels::ResidualVector* PlanBuilder::residual(graph::NodeId id, std::int32_t groups, std::int32_t lanes) {
  if (node(id).inputs.size() < 2) return nullptr;
  const passes::ChannelList channels = permuted(operand(id, 1), layout_.order(id));
  const std::int32_t outputs = count_of(channels) / groups;
  std::vector<kernels::ResidualVector> vectors;
  for (std::int32_t group = 0; group < groups; ++group) {
    for (std::int32_t first = 0; first < outputs; first += lanes) {
      const auto begin = static_cast<std::size_t>(group * outputs + first);
      const auto columns = static_cast<std::size_t>(std::min(lanes, outputs - first));
      const std::vector<PartRange> physical = layout_.read_in_order(std::span(channels).subspan(begin, columns));
      kernels::ResidualVector vector;
      if (physical.size() == 1) {
        vector.run = address(physical[0]);
      } else {
        std::vector<kernels::ChannelRun> scattered;
        for (const PartRange& piece : physical) {
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

template <class Layer>
PlanBuilder::LayerIntegers PlanBuilder::integers_of(graph::NodeId id, const Layer& layer, std::int32_t groups) const {
  LayerIntegers result;
  const std::span<const std::byte> stored = layer.weights.stored();
  result.values = {reinterpret_cast<const std::int8_t*>(stored.data()), stored.size()};
  for (const double factor : layer.weights.row_scale()) result.factors.push_back(static_cast<float>(factor));
  result.bias = graph::integer_bias(layer.weights, layer.bias);
  const passes::ChannelList& read = operand(id, 0);
  const std::size_t outputs = result.bias.size(), inputs = read.size() / static_cast<std::size_t>(groups);
  const std::size_t taps = result.values.size() / (outputs * inputs);
  for (std::size_t o = 0; o < outputs; ++o) {
    const std::size_t first = o * static_cast<std::size_t>(groups) / outputs * inputs;  // the group's first channel
    const std::int8_t* w = result.values.data() + o * inputs * taps;
    for (std::size_t i = 0; i < inputs; ++i) {
      std::int32_t sum = 0;
      for (std::size_t t = 0; t < taps; ++t) sum += *w++;
      result.bias[o] -= sum * zero_of(read[first + i].node);
    }
  }
  return result;
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
  args.zeros = zeros_of(s.node);
  args.output = block(s);
  args.tile_rows = 1;
  args.tiles = out.h;
  const Label label{joined({"stem ", window_text(window)}), kernel.name};
  if (built::quantised && reads_integers(s.node)) {
    return append(s, label, kernel.run, args,
                  {kernels::packed_stem_bytes(kernel, in.c, window, out.c), o.weights,
                   [=, this, &kernel, &o, id = s.node, order = layout_.order(s.node)](std::span<std::byte> packed) {
                     kernels::pack_stem(kernel, in.c, window, out.c, integers_of(id, o, 1).view(), order, packed);
                   }});
  }
  append(s, label, kernel.run, args,
         {kernels::packed_stem_bytes(kernel, in.c, taps, out.c), o.weights,
          [=, &kernel, &o, order = layout_.order(s.node)](std::span<std::byte> packed) {
            kernels::pack_stem(kernel, in.c, taps, out.c, o.weights.factors(), o.bias.values(), order, packed);
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
  args.zeros = zeros_of(s.node);
  args.output = block(s);
  args.tile_rows = 1;
  args.tiles = out.h;
  const Label label{joined({"depthwise ", window_text(window)}), kernel.name};
  if (built::quantised && reads_integers(s.node)) {
    return append(s, label, kernel.run, args,
                  {kernels::packed_depthwise_bytes(kernel, runs, window), o.weights,
                   [=, this, &kernel, &o, id = s.node, order = std::move(reading.order)](std::span<std::byte> packed) {
                     kernels::pack_depthwise(kernel, window, runs, integers_of(id, o, o.groups).view(), order, packed);
                   }});
  }
  append(s, label, kernel.run, args,
         {kernels::packed_depthwise_bytes(kernel, runs, taps), o.weights,
          [=, &kernel, &o, order = std::move(reading.order)](std::span<std::byte> packed) {
            kernels::pack_depthwise(kernel, taps, runs, o.weights.factors(), o.bias.values(), order, packed);
          }});
}

void PlanBuilder::make_pointwise(const PlannedStep& s, const graph::Convolution& o) {
  const graph::Shape in = operand_shape(s.node, 0), out = shape(s.node);
  // Blocks that are kept apart are groups that read the same.
  const auto blocks = count_of(layout_.parts(s.node));
  GroupedReading reading = read_groups(s.node, o.groups);
  // Every run may be read in whole eights.
  const std::int64_t most_quads = (in.c / o.groups + std::int64_t{7} * count_of(reading.runs) + 3) / 4;
  const kernels::PointwiseKernel& kernel =
      row<kernels::PointwiseKernel>(s.node, {(in.c / o.groups + 3) / 4, most_quads});
  kernels::PointwiseArgs args;
  args.pixels = static_cast<std::int32_t>(out.pixels());
  args.groups = o.groups * blocks;
  args.inputs = in.c / o.groups;
  args.outputs = out.c / args.groups;
  const bool integers = built::quantised && reads_integers(s.node);
  const Machine machine = machine_of(kernels_, kernel.types.input);
  const PointwiseTiling tiling = tile_pointwise(machine, kernel, args.pixels, args.groups, args.inputs,
                                                count_of(reading.runs) / o.groups, args.outputs);
  args.parts = tiling.parts;
  args.block_pixels = tiling.block_pixels;
  args.split = tiling.split;
  args.tile_pixels = tiling.tile_pixels;
  args.tiles = tiling.tiles;
  std::int32_t tiles_at_once = tiling.tiles_at_once;
  if (is_produced_by_rows(s.node)) {
    args.split = kernels::PointwiseSplit::pixels;
    args.tile_pixels = out.w;
    args.tiles = out.h;
    tiles_at_once = 1;
  }
  cut_in_parts(reading, args.parts);
  repeat_groups(reading, blocks);
  const std::vector<std::int32_t> reads =
      integers ? quads_read(reading, kernel.form == kernels::QuadForm::eights ? 8 : 4, args)
               : std::vector<std::int32_t>{};
  args.zeros = zeros_of(s.node);
  args.runs = storage_->keep(std::move(reading.runs)).data();
  args.run_begin = storage_->keep(std::move(reading.run_begin)).data();
  args.residual = residual(s.node, args.groups, kernel.lanes);
  std::vector<kernels::Block> outputs;
  for (std::int32_t group = 0; group < args.groups; ++group) {
    kernels::Block to = block(s, blocks == 1 ? 0 : group);
    if (blocks == 1) to.first = to.first.behind(static_cast<std::int64_t>(group) * args.outputs, to.type);
    if (blocks == 1 && group + 1 < args.groups) to.spare = 0;
    outputs.push_back(to);
  }
  args.blocks = storage_->keep(std::move(outputs)).data();
  const Label label{joined({"pointwise", group_text(o.groups), args.residual != nullptr ? " + residual" : ""}),
                    kernel.name, StepKind::compute, kernel.lanes, tiles_at_once};
  if (integers) {
    const kernels::BytePanels panels = kernels::byte_panels_of(kernel);
    return append(s, label, kernel.run, args,
                  {kernels::byte_panels_bytes(panels, args.groups, args.quads, args.outputs), o.weights,
                   [=, this, &o, id = s.node, order = std::move(reading.output_order)](std::span<std::byte> packed) {
                     kernels::pack_byte_panels(panels, args.groups, args.quads, args.outputs,
                                               integers_of(id, o, o.groups).view(), reads, order, packed);
                   }});
  }
  append(s, label, kernel.run, args,
         {kernels::packed_panels_bytes(kernels::panels_of(kernel), args.groups, args.inputs, args.outputs), o.weights,
          [=, &kernel, &o, reading = std::move(reading)](std::span<std::byte> packed) {
            kernels::pack_panels(kernels::panels_of(kernel), args.groups, args.inputs, args.outputs,
                                 o.weights.factors(), o.bias.values(), reading.input_order, reading.output_order,
                                 packed);
          }});
}

void PlanBuilder::make_general(const PlannedStep& s, const graph::Convolution& o) {
  const graph::Shape in = operand_shape(s.node, 0), out = shape(s.node);
  const kernels::Window window = resolved_window(s.node);
  const std::int32_t taps = taps_of(window);
  const std::int64_t quads = (std::int64_t{taps} * in.c / o.groups + 3) / 4;
  const auto& kernel = row<kernels::ConvolutionKernel>(s.node, {quads, quads});
  GroupedReading reading = read_groups(s.node, o.groups);
  kernels::ConvolutionArgs args;
  args.extent = extent_of(in, out);
  args.window = window;
  args.groups = o.groups;
  args.inputs = in.c / o.groups;
  args.outputs = out.c / o.groups;
  args.runs = storage_->keep(std::move(reading.runs)).data();
  args.run_begin = storage_->keep(std::move(reading.run_begin)).data();
  const std::size_t zeros = static_cast<std::size_t>(args.inputs * size_of(kernel.types.input)) + 16;
  args.zeros = storage_->keep(std::vector<std::byte>(zeros)).data();
  args.residual = residual(s.node, o.groups, kernel.lanes);
  args.byte_zeros = zeros_of(s.node);
  args.output = block(s);
  args.tile_rows = tile_rows(machine_, out.h, static_cast<std::int64_t>(in.w) * in.c * window.stride_h);
  args.tiles = ceil_div(out.h, args.tile_rows);
  const Label label{joined({"convolution ", window_text(window), group_text(o.groups)}), kernel.name};
  if (built::quantised && reads_integers(s.node)) {
    return append(s, label, kernel.run, args,
                  {kernels::packed_convolution_bytes(kernel, args.groups, taps * args.inputs, args.outputs), o.weights,
                   [=, this, &kernel, &o, id = s.node, reading = std::move(reading)](std::span<std::byte> packed) {
                     kernels::pack_convolution(kernel, args.groups, args.inputs, args.outputs, taps,
                                               integers_of(id, o, o.groups).view(), reading.input_order,
                                               reading.output_order, packed);
                   }});
  }
  append(s, label, kernel.run, args,
         {kernels::packed_convolution_bytes(kernel, args.groups, args.inputs, args.outputs, taps), o.weights,
          [=, &kernel, &o, reading = std::move(reading)](std::span<std::byte> packed) {
            kernels::pack_convolution(kernel, args.groups, args.inputs, args.outputs, taps, o.weights.factors(),
                                      o.bias.values(), reading.input_order, reading.output_order, packed);
          }});
}

/// A layer whose weights a model has as halves takes them as they are, if there is a kernel for that.
kernels::Types PlanBuilder::types_as_stored(graph::NodeId id, const graph::FullyConnected& o) const {
  const kernels::Types types = types_of(id), stored = {types.input, o.weights.type(), types.output};
  const bool is_product = !o.weights.row_scale().empty();
  const bool has_row = !is_product && kernels::find_row<kernels::FullyConnectedKernel>(kernels_, stored) != nullptr;
  return has_row ? stored : types;
}

void PlanBuilder::make_fully_connected_integers(const PlannedStep& s, const graph::FullyConnected& o) {
  const kernels::FullyConnectedKernel& kernel = row<kernels::FullyConnectedKernel>(s.node);
  GroupedReading reading = read_groups(s.node, 1);
  LayerIntegers integers = integers_of(s.node, o, 1);
  std::vector<std::int32_t> sums;
  std::vector<float> factors;
  for (const std::int32_t output : reading.output_order) {
    sums.push_back(integers.bias[static_cast<std::size_t>(output)]);
    factors.push_back(integers.factors[static_cast<std::size_t>(output)]);
  }
  kernels::FullyConnectedArgs args;
  args.inputs = operand_shape(s.node, 0).c;
  args.outputs = o.outputs;
  args.run_count = count_of(reading.runs);
  args.runs = storage_->keep(std::move(reading.runs)).data();
  args.sums = storage_->keep(std::move(sums)).data();
  args.factors = storage_->keep(std::move(factors)).data();
  const kernels::Block to = block(s);
  args.output = {to.first, to.type};
  args.tiles = ceil_div(args.outputs, kernel.rows);
  Packing packing{static_cast<std::int64_t>(o.weights.size()), o.weights, nullptr};
  if (!is_natural(reading.input_order) || !is_natural(reading.output_order)) {
    packing.write = [=, reading = std::move(reading)](std::span<std::byte> packed) {
      std::byte* to_row = packed.data();
      const auto* const values = reinterpret_cast<const std::byte*>(integers.values.data());
      for (const std::int32_t output : reading.output_order) {
        const std::byte* const from = values + std::ptrdiff_t{output} * args.inputs;
        for (const std::int32_t input : reading.input_order) *to_row++ = from[input];
      }
    };
  }
  append(s, {"fully connected", kernel.name, StepKind::compute, kernel.rows}, kernel.run, args, std::move(packing));
}

void PlanBuilder::make(const PlannedStep& s, const graph::FullyConnected& o) {
  if (built::quantised && reads_integers(s.node)) return make_fully_connected_integers(s, o);
  const kernels::FullyConnectedKernel& kernel = row<kernels::FullyConnectedKernel>(s.node, types_as_stored(s.node, o));
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
  const kernels::Block to = block(s);
  args.output = {to.first, to.type};
  args.tiles = ceil_div(args.outputs, kernel.rows);
  const Type type = kernel.types.weights;
  Packing packing{static_cast<std::int64_t>(o.weights.size()) * size_of(type), o.weights, nullptr};
  if (!is_natural(reading.input_order) || !is_natural(reading.output_order) || !o.weights.row_scale().empty() ||
      o.weights.type() != type) {
    packing.write = [=, &o, reading = std::move(reading)](std::span<std::byte> packed) {
      kernels::pack_fully_connected(args.inputs, args.outputs, o.weights.factors(), reading.input_order,
                                    reading.output_order, packed, type);
    };
  }
  append(s, {"fully connected", kernel.name, StepKind::compute, kernel.rows}, kernel.run, args, std::move(packing));
}

}  // namespace riffle::plan
