// Steps that put numbers elsewhere, and those that need not: where a node's results go.
#include <algorithm>

#include "engine/plan/append.hpp"

namespace riffle::plan {

/// Is the list all that a node computes, side by side in its order, and read once? Kernels may read behind their
/// operands, and a caller's memory ends there.
bool PlanBuilder::may_go_elsewhere(const passes::ChannelList& list) const {
  const graph::NodeId maker = list[0].node;
  return !is_input(maker) && !is_literal(maker) && is_whole(list, maker, shape(maker).c) &&
         is_natural(layout_.order(maker)) && layout_.parts(maker).size() == 1 && !destinations_[maker] &&
         std::ranges::all_of(list, [&](const auto& c) { return layout_.readers().of(c).size() == 1; });
}

/// A node that makes an output writes it to the caller's memory, and what is joined or only seen as other rows and
/// columns is written where it will stand, if every pixel's channels stand side by side there and pixels at one
/// distance: flattened heads of a detector are, joined along their anchors.
void PlanBuilder::find_destinations() {
  if (without_.direct) return;
  for (std::size_t o = 0; o < lowered_.outputs.size(); ++o) {
    const graph::NodeId maker = lowered_.outputs[o][0].node;
    if (plan_->outputs[o].type != result_type(maker) || !may_go_elsewhere(lowered_.outputs[o])) continue;
    const ArrangedMemory memory = side_by_side(plan_->outputs[o].arrangement, shape(maker), {});
    if (const auto stride = pixel_stride_in(memory, shape(maker))) destinations_[maker] = {-1, o, 0, *stride};
  }
  if constexpr (!built::rearrange) return;
  for (graph::NodeId id = graph_.nodes.end_id(); id-- > 0;) {
    if (graph::moves_numbers(node(id).operation)) find_destinations(id);
  }
}

/// Of what a node that moves numbers reads.
void PlanBuilder::find_destinations(graph::NodeId id) {
  const Destination own = destinations_[id].value_or(Destination{.node = id, .pixel_stride = shape(id).c});
  const auto* rearrange = std::get_if<graph::Rearrange>(&node(id).operation);
  const auto* join = std::get_if<graph::Join>(&node(id).operation);
  const std::int64_t row = std::int64_t{shape(id).w} * own.pixel_stride;
  std::int64_t first = own.first;
  bool all = true;
  for (std::size_t i = 0; i < lowered_.operands[id].size(); ++i) {
    const passes::ChannelList& list = operand(id, i);
    const graph::Shape from = operand_shape(id, i);
    const graph::Arrangement arrangement = rearrange != nullptr ? rearrange->to : graph::pixels_arrangement();
    const std::optional<std::int32_t> stride =
        pixel_stride_in(as_pixels(arrangement, from, {}, shape(id).w, own.pixel_stride), from);
    const graph::NodeId maker = list[0].node;
    const auto is_of_maker = [&](const passes::Channel& channel) { return channel.node == maker; };
    const auto lists = std::ranges::count_if(
        lowered_.operands[id], [&](const auto& other) { return std::ranges::any_of(other, is_of_maker); });
    if (stride && lists == 1 && result_type(maker) == result_type(id) && may_go_elsewhere(list)) {
      destinations_[maker] = {own.node, own.output, first, *stride};
    } else {
      all = false;
    }
    if (join != nullptr) first += join->along == graph::Direction::rows ? from.h * row : from.w * own.pixel_stride;
  }
  is_made_by_operands_[id] = all;
}

void PlanBuilder::make(const PlannedStep& s, const graph::Rearrange& o) {
  const kernels::Block to = block(s);
  const graph::Shape from = operand_shape(s.node, 0);
  const ArrangedMemory memory = as_pixels(o.to, from, {to.first, to.type}, shape(s.node).w, to.pixel_stride);
  MoveList list;
  for (const kernels::ChannelwiseRun& run : channelwise(layout_.read_in_order(operand(s.node, 0)))) {
    list.add(memory, run.input, run.output_channel, from.w, MoveTo::arranged);
  }
  append_moves(s, {"rearrange", nullptr, StepKind::copy}, std::move(list), types_of(s.node).input, to.type);
}

/// Of the operands that do not write where they will stand.
void PlanBuilder::make(const PlannedStep& s, const graph::Join& o) {
  kernels::Block to = block(s);
  MoveList list;
  for (std::size_t i = 0; i < lowered_.operands[s.node].size(); ++i) {
    const graph::Shape from = operand_shape(s.node, i);
    const passes::ChannelList& operand = this->operand(s.node, i);
    const ArrangedMemory memory =
        as_pixels(graph::pixels_arrangement(), from, {to.first, to.type}, shape(s.node).w, to.pixel_stride);
    if (!destinations_[operand[0].node]) {
      for (const kernels::ChannelwiseRun& run : channelwise(layout_.read_in_order(operand))) {
        list.add(memory, run.input, run.output_channel, from.w, MoveTo::arranged);
      }
    }
    const std::int64_t pixels = o.along == graph::Direction::rows ? std::int64_t{from.h} * shape(s.node).w : from.w;
    to.first = to.first.behind(pixels * to.pixel_stride, to.type);
  }
  append_moves(s, {"join", nullptr, StepKind::copy}, std::move(list), types_of(s.node).input, to.type);
}

void PlanBuilder::make_arranged(const PlannedStep& s) {
  if (s.kind == PlannedStep::input_to_pixels) return make_input_to_pixels(s);
  if (s.kind == PlannedStep::input_to_planes) return make_input_to_planes(s);
  make_to_caller(s);
}

void PlanBuilder::make_input_to_pixels(const PlannedStep& s) {
  const kernels::Numbers brought = input_as_brought(s.node);
  const kernels::Block to = block(s);
  const graph::Shape& of = shape(s.node);
  MoveList list;
  list.add(side_by_side(plan_->inputs[s.node].arrangement, of, brought), {to.first, to.pixel_stride, of.c, 0, to.type},
           0, of.w, MoveTo::pixels);
  append_moves(s, {"input to pixels", nullptr, StepKind::layout_conversion}, std::move(list), brought.type, to.type);
}

void PlanBuilder::make_input_to_planes(const PlannedStep& s) {
  const kernels::Numbers brought = input_as_brought(s.node);
  const auto [h, w, c] = shape(s.node);
  const ArrangedMemory memory = side_by_side(plan_->inputs[s.node].arrangement, shape(s.node), brought);
  const kernels::Block to = block(s);
  MoveList list;
  for (std::int32_t channel = 0; channel < c; ++channel) {
    const kernels::Place plane = to.first.behind(std::int64_t{channel} * h * w, to.type);
    list.add(memory, {.first = plane, .pixel_stride = 1, .channels = 1, .type = to.type}, channel, w, MoveTo::pixels);
  }
  append_moves(s, {"input to planes", nullptr, StepKind::layout_conversion}, std::move(list), brought.type,
               brought.type);
}

void PlanBuilder::make_to_caller(const PlannedStep& s) {
  const kernels::Block to = block(s);
  const graph::Shape& of = shape(s.node);
  const passes::ChannelList& channels = lowered_.outputs[s.output];
  const ArrangedMemory memory = side_by_side(plan_->outputs[s.output].arrangement, of, {to.first, to.type});
  MoveList list;
  // In the caller's order, so that a shuffle that reaches the output is undone here.
  for (const kernels::ChannelwiseRun& run : channelwise(layout_.read_in_order(channels))) {
    list.add(memory, run.input, run.output_channel, of.w, MoveTo::arranged);
  }
  append_moves(s, {"to the caller", nullptr, StepKind::layout_conversion}, std::move(list),
               result_type(channels[0].node), to.type);
}

void PlanBuilder::append_moves(const PlannedStep& s, const Label& label, MoveList list, Type from, Type to) {
  const auto& kernel = row<kernels::RearrangeKernel>(s.node, {from, Type::f32, to});
  kernels::RearrangeArgs args;
  args.from = from;
  args.to = to;
  args.tiles = 1;
  for (std::size_t i = 0; i < list.moves.size(); ++i) {
    kernels::Move& move = list.moves[i];
    const std::int32_t inner = list.loops[i].back().extent;
    move.loop_count = count_of(list.loops[i]);
    move.loops = storage_->keep(std::move(list.loops[i])).data();
    const auto rows = static_cast<std::int32_t>(move.rows());
    args.tiles = std::max(args.tiles, ceil_div(rows, tile_pixels(machine_, rows, 2LL * inner)));
  }
  args.move_count = count_of(list.moves);
  args.moves = storage_->keep(std::move(list.moves)).data();
  append(s, {label.operation, kernel.name, label.kind}, kernel.run, args);
}

}  // namespace riffle::plan
