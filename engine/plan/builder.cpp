// Which steps there are, and where every number lives. The steps themselves are made in steps.cpp.
#include "engine/plan/builder.hpp"

#include <algorithm>

#include "engine/memory/arena.hpp"

namespace riffle::plan {
namespace {

// Kernels may read a few floats behind a run; the last block of the arena needs that much behind it.
constexpr std::int64_t arena_slack = 64;
constexpr std::int64_t max_arena_floats = 1LL << 31;  // 8 GiB

/// Channels rounded up so that pixels start on vector or cache-line boundaries, where that costs little memory.
std::int32_t pixel_stride_of(std::int32_t channels) {
  for (const std::int32_t unit : {16, 4}) {
    const std::int32_t rounded = (channels + unit - 1) / unit * unit;
    if (rounded - channels <= channels / 8) return rounded;
  }
  return channels;
}

bool is_natural(std::span<const std::int32_t> order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<std::int32_t>(i)) return false;
  }
  return true;
}

/// Is the list all of one node's channels, in their order?
bool is_whole(const passes::ChannelList& list, graph::NodeId node, std::int32_t channels) {
  if (static_cast<std::int32_t>(list.size()) != channels) return false;
  for (std::size_t c = 0; c < list.size(); ++c) {
    if (list[c] != passes::Channel{node, static_cast<std::int32_t>(c)}) return false;
  }
  return true;
}

}  // namespace

Builder::Builder(const graph::Graph& graph, const kernels::Kernels& kernels)
    : graph_(graph),
      kernels_(kernels),
      shapes_(graph::infer_shapes(graph)),
      lowered_(passes::lower_channels(graph, shapes_)),
      layout_(graph, shapes_, lowered_),
      block_of_(graph.nodes.size(), -1),
      gathered_block_of_(graph.nodes.size(), -1) {}

std::shared_ptr<const Plan> Builder::build() {
  plan_->name = graph_.name;
  plan_->kernels = &kernels_;
  plan_->input = shapes_[0];
  plan_->output = shapes_[static_cast<std::size_t>(graph_.output)];
  sketch();
  place();
  for (const Sketched& sketched : sketch_) make_step(sketched);
  plan_->packed_bytes = storage_->float_bytes();
  plan_->storage = storage_;
  return plan_;
}

graph::Shape Builder::operand_shape(graph::NodeId id, std::size_t i) const { return shape(node(id).inputs[i]); }

bool Builder::reads_planes(graph::NodeId id) const {
  const auto* convolution = std::get_if<graph::Convolution>(&node(id).operation);
  return convolution != nullptr && convolution->groups == 1 && node(id).inputs.size() == 1 &&
         !is_channelwise(node(id), shapes_[0].c) && shapes_[0].c <= 4 && is_whole(operand(id, 0), 0, shapes_[0].c);
}

bool Builder::needs_gather(graph::NodeId id) const {
  return std::holds_alternative<graph::Softmax>(node(id).operation) &&
         layout_.read_sorted(operand(id, 0)).runs.size() > 1;
}

void Builder::sketch() {
  const auto count = static_cast<graph::NodeId>(graph_.nodes.size());
  // Does anything but a stem read the input? Then it is brought to channels-last first.
  bool input_in_arena = false;
  for (graph::NodeId id = 1; id < count; ++id) {
    for (const passes::ChannelList& list : lowered_.operands[static_cast<std::size_t>(id)]) {
      const bool reads_input = std::any_of(list.begin(), list.end(), [](const auto& c) { return c.node == 0; });
      input_in_arena |= reads_input && !reads_planes(id);
    }
  }
  for (const passes::Channel& channel : lowered_.output) input_in_arena |= channel.node == 0;

  // Can the node that makes the result write it to the caller's memory? Planes of one pixel are its channels.
  const graph::NodeId last = lowered_.output[0].node;
  if (last != 0 && plan_->output.pixels() == 1 && is_whole(lowered_.output, last, shape(last).c) &&
      is_natural(layout_.order(last))) {
    direct_ = last;
  }

  const auto step = [&] { return static_cast<std::int32_t>(sketch_.size()); };
  if (input_in_arena) {
    block_of_[0] = add_block(node(0).name, shapes_[0], step());
    sketch_.push_back({Sketch::from_planes, 0, block_of_[0]});
  }
  for (graph::NodeId id = 1; id < count; ++id) {
    const auto i = static_cast<std::size_t>(id);
    if (!lowered_.computes[i]) continue;
    const auto touch_operands = [&] {
      for (const passes::ChannelList& list : lowered_.operands[i]) {
        for (const passes::Channel& channel : list) touch(block_of_[static_cast<std::size_t>(channel.node)], step());
      }
    };
    if (needs_gather(id)) {
      touch_operands();
      gathered_block_of_[i] = add_block(node(id).name + ".gathered", operand_shape(id, 0), step());
      sketch_.push_back({Sketch::gather_for_softmax, id, gathered_block_of_[i]});
      touch(gathered_block_of_[i], step());
    } else {
      touch_operands();
    }
    if (id != direct_) block_of_[i] = add_block(node(id).name, shape(id), step());
    sketch_.push_back({Sketch::compute, id, block_of_[i]});
  }
  if (direct_ < 0) {
    for (const passes::Channel& channel : lowered_.output) {
      touch(block_of_[static_cast<std::size_t>(channel.node)], step());
    }
    sketch_.push_back({Sketch::to_planes, graph_.output, -1});
  }
}

std::int32_t Builder::add_block(const std::string& name, const graph::Shape& shape, std::int32_t step) {
  BlockInfo info;
  info.name = name;
  info.shape = shape;
  info.pixel_stride = pixel_stride_of(shape.c);
  info.size = shape.pixels() * info.pixel_stride;
  info.first_step = info.last_step = step;
  plan_->blocks.push_back(std::move(info));
  return static_cast<std::int32_t>(plan_->blocks.size()) - 1;
}

void Builder::touch(std::int32_t block, std::int32_t step) {
  if (block >= 0) plan_->blocks[static_cast<std::size_t>(block)].last_step = step;  // steps are sketched in order
}

void Builder::place() {
  std::vector<memory::Lifetime> lifetimes;
  for (const BlockInfo& info : plan_->blocks) lifetimes.push_back({info.size, info.first_step, info.last_step});
  const memory::Placement placement = memory::place_blocks(lifetimes);
  for (std::size_t i = 0; i < plan_->blocks.size(); ++i) plan_->blocks[i].offset = placement.offsets[i];
  plan_->arena_floats = placement.total + arena_slack;
  if (plan_->arena_floats > max_arena_floats) {
    throw Error("graph '" + graph_.name + "': it needs " + std::to_string(plan_->arena_floats / (1 << 18)) +
                " MiB of working memory, more than is allowed");
  }
}

kernels::Block Builder::block_at(std::int32_t block) const {
  const BlockInfo& info = plan_->blocks[static_cast<std::size_t>(block)];
  return {{info.offset, kernels::Space::arena}, info.pixel_stride};
}

kernels::Block Builder::block(const Sketched& sketched) const {
  if (sketched.written_block >= 0) return block_at(sketched.written_block);
  return {{0, kernels::Space::output}, plan_->output.c};
}

kernels::Run Builder::run(const PhysicalRun& physical) const {
  const std::int32_t index = block_of_[static_cast<std::size_t>(physical.node)];
  kernels::Block from =
      index >= 0 ? block_at(index) : kernels::Block{{0, kernels::Space::output}, plan_->output.c};  // the direct node
  from.first.offset += physical.first;
  return {from.first, from.pixel_stride, physical.channels};
}

std::vector<kernels::Run> Builder::runs(const std::vector<PhysicalRun>& physical) const {
  std::vector<kernels::Run> result;
  for (const PhysicalRun& one : physical) result.push_back(run(one));
  return result;
}

std::vector<kernels::MappedRun> Builder::mapped(const std::vector<PhysicalRun>& physical) const {
  std::vector<kernels::MappedRun> result;
  std::int32_t channel = 0;
  for (const PhysicalRun& one : physical) {
    result.push_back({run(one), channel});
    channel += one.channels;
  }
  return result;
}

}  // namespace riffle::plan
