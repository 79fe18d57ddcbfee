// Which steps there are, and where every number lives. The steps themselves are made in the files called *steps.cpp.
#include "engine/plan/builder.hpp"

#include <algorithm>
#include <utility>

#include "base/sort.hpp"
#include "engine/graph/built.hpp"
#include "engine/graph/quantization.hpp"
#include "engine/memory/arena.hpp"

namespace riffle::plan {
namespace {

// In bytes. Kernels may read a few numbers behind a run; the last block of the arena needs that much behind it.
constexpr std::int64_t arena_slack = 256;
// Of a mapped file, what is read before it is evicted.
constexpr std::int64_t evicted_at_once = 128 * 1024;
// From which on a layer is packed before others.
constexpr std::int64_t packed_first = 1024 * 1024;
constexpr std::int64_t max_arena_bytes = 1LL << 33;

/// Channels rounded up so that pixels start on cache-line or vector boundaries, where that costs little memory.
std::int32_t pixel_stride_of(std::int32_t channels, Type type) {
  const auto rounded = [&](std::int32_t bytes) {
    const std::int32_t unit = bytes / size_of(type);
    return (channels + unit - 1) / unit * unit;
  };
  if (rounded(64) - channels <= channels / 16) return rounded(64);
  if (rounded(16) - channels <= channels / 8) return rounded(16);
  return channels;
}

}  // namespace

PlanBuilder::PlanBuilder(const graph::Graph& graph, const Choice& choice, const Without& without)
    : graph_(graph),
      kernels_(*choice.kernels),
      precision_(choice.precision == Type::i8 ? Type::f32 : choice.precision),
      bytes_(kernels::type_of_bytes(kernels_)),
      without_(without),
      shapes_(graph::infer_shapes(graph)),
      read_(graph::numbers_read(graph)),
      types_(passes::choose_types(graph, precision_, bytes_)),
      lowered_(passes::lower_channels(graph, shapes_)),
      layout_(block_layout(graph, shapes_, lowered_, without)),
      machine_(machine_of(kernels_, precision_)),
      block_of_(graph.nodes.size(), -1),
      gathered_block_of_(graph.nodes.size(), -1),
      literal_offset_(graph.nodes.size(), 0),
      destinations_(graph.nodes.size()),
      is_made_by_operands_(graph.nodes.size(), false),
      converted_input_(graph.input_count(), -1),
      planes_of_input_(graph.input_count(), -1),
      planes_of_output_(graph.outputs.size(), -1) {}

void PlanBuilder::make_steps() {
  plan_->name = graph_.name;
  plan_->kernels = &kernels_;
  plan_->precision = graph::is_quantised(graph_) ? Type::i8 : precision_;
  static_cast<Signature&>(*plan_) = signature_of(graph_, shapes_);
  plan_steps();
  place();
  place_literals();
  for (const PlannedStep& planned : planned_) make_step(planned);
}

std::shared_ptr<const Plan> PlanBuilder::pack() {
  const auto lines = [](std::int64_t bytes) {
    constexpr std::int64_t line = memory::cache_line;
    return (bytes + line - 1) / line * line;
  };
  std::int64_t bytes = 0;
  for (const Packing& packing : packings_) bytes += packing.write ? lines(packing.bytes) : 0;
  std::span<std::byte> left = storage_->allocate_weights(bytes);
  auto next = packings_.begin();
  for (Step& step : plan_->steps) {
    for_each_call(step.task, [&](auto& call) {
      if constexpr (requires { call.args.packed; }) {
        if (next->write) {
          next->place = left.first(static_cast<std::size_t>(next->bytes));
          call.args.packed = next->place.data();
          left = left.subspan(static_cast<std::size_t>(lines(next->bytes)));
        } else {
          call.args.packed = storage_->keep(std::vector{next->weights})[0].stored().data();
        }
        ++next;
      }
    });
  }
  std::erase_if(packings_, [](const Packing& packing) { return !packing.write; });
  // Large ones first, and those that bring two pieces of a file with them: what is in memory twice at a time then adds
  // to the least that is there already. The rest in the graph's order, which is a file's, so that what is read between
  // two evictions is near to one another.
  const auto packing_at = [&](std::int32_t i) -> Packing& { return packings_[static_cast<std::size_t>(i)]; };
  const auto rank = [&](std::int32_t i) {
    const memory::Pieces pieces = packing_at(i).weights.pieces();
    return packing_at(i).bytes >= packed_first || pieces.first != pieces.last ? packing_at(i).bytes : 0;
  };
  const std::vector<std::int32_t> order =
      sorted_indices(packings_.size(), [&](std::int32_t a, std::int32_t b) { return rank(a) > rank(b); });
  if (!order.empty()) packing_at(order[0]).weights.evict();  // what folding batch norm brought in
  std::int64_t read = 0;  // since the last eviction, which is not worth while for a small layer
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Packing& packing = packing_at(order[i]);
    memory::make_present(packing.place);
    packing.write(packing.place);
    read += packing.bytes;
    if (read >= evicted_at_once || i + 1 == order.size() ||
        packing_at(order[i + 1]).weights.pieces().first != packing.weights.pieces().last) {
      packing.weights.evict();
      read = 0;
    }
  }
  packings_.clear();
  for (const Step& step : plan_->steps) plan_->weight_bytes += step.weight_bytes;
  plan_->packed_bytes = bytes;
  plan_->storage = storage_;
  return plan_;
}

graph::Shape PlanBuilder::operand_shape(graph::NodeId id, std::size_t i) const { return shape(node(id).inputs[i]); }

kernels::Window PlanBuilder::resolved_window(graph::NodeId id) const {
  const auto* pool = std::get_if<graph::Pool>(&node(id).operation);
  const graph::Window& window =
      pool != nullptr ? pool->window : std::get<graph::Convolution>(node(id).operation).window;
  return graph::resolve(window, operand_shape(id, 0)).window;
}

std::optional<ConvolutionKind> PlanBuilder::kind(graph::NodeId id) const {
  if (!std::holds_alternative<graph::Convolution>(node(id).operation)) return std::nullopt;
  return convolution_kind(graph_, shapes_, lowered_, id, without_);
}

std::vector<PartRange> PlanBuilder::read_groups(graph::NodeId id) const {
  const auto* softmax = std::get_if<graph::Softmax>(&node(id).operation);
  const bool any_order = softmax != nullptr ? softmax->groups == 1
                                            : std::get<graph::Reduce>(node(id).operation).groups == 1 &&
                                                  !graph::is_index(node(id).operation);
  return any_order ? layout_.read_sorted(operand(id, 0)).runs : layout_.read_in_order(operand(id, 0));
}

bool PlanBuilder::needs_gather(graph::NodeId id) const {
  if constexpr (!graph::is_built<graph::Softmax>) return false;
  const bool is_of_groups = std::holds_alternative<graph::Softmax>(node(id).operation) ||
                            std::holds_alternative<graph::Reduce>(node(id).operation);
  return is_of_groups && read_groups(id).size() > 1;
}

/// The step before the consumer, if its result is read by the consumer alone, is large, and is worth making row by row:
/// where windows overlap by no more than they must (a stride of 2), little is computed twice.
graph::NodeId PlanBuilder::find_producer(graph::NodeId consumer) const {
  if (without_.chain) return -1;
  constexpr std::int32_t least_rings = 3;  // the whole tensor is at least so many times what the ring keeps
  const graph::Node& reader = node(consumer);
  if (lowered_.operands[consumer].size() != 1) return -1;
  const passes::ChannelList& channels = operand(consumer, 0);
  const graph::NodeId producer = channels[0].node;
  const bool all_of_one =
      std::all_of(channels.begin(), channels.end(), [&](const auto& c) { return c.node == producer; });
  if (!all_of_one || is_input(producer) || static_cast<std::int32_t>(channels.size()) != shape(producer).c) return -1;

  const auto* pool = std::get_if<graph::Pool>(&reader.operation);
  if (pool == nullptr && kind(consumer) != ConvolutionKind::depthwise) return -1;
  const kernels::Window window = resolved_window(consumer);
  if (window.stride_h < 2 || shape(producer).h < least_rings * ring_rows(window)) return -1;

  const std::optional<ConvolutionKind> made_by = kind(producer);
  if (made_by != ConvolutionKind::stem && made_by != ConvolutionKind::pointwise) return -1;
  for (graph::NodeId id = producer + 1; id < consumer; ++id) {
    if (lowered_.computes[id]) return -1;  // not the step before
  }
  const auto is_another = [&](graph::NodeId id) { return id != consumer; };
  for (std::int32_t c = 0; c < shape(producer).c; ++c) {
    if (std::ranges::any_of(layout_.readers().of({producer, c}), is_another)) return -1;
  }
  return producer;
}

/// Brings the inputs into the types and layouts in which they are read.
void PlanBuilder::plan_inputs() {
  constexpr std::int32_t as_planes = 1, as_pixels = 2;
  graph::ById<std::int32_t> read(plan_->inputs.size(), 0);  // how an input is
  const auto note = [&](const passes::ChannelList& list, std::int32_t how) {
    for (const passes::Channel& channel : list) {
      if (is_input(channel.node)) read[channel.node] |= how;
    }
  };
  for (graph::NodeId id = read.end_id(); id < graph_.nodes.end_id(); ++id) {
    const bool is_stem = kind(id) == ConvolutionKind::stem;
    for (const passes::ChannelList& list : lowered_.operands[id]) note(list, is_stem ? as_planes : as_pixels);
  }
  for (const passes::ChannelList& list : lowered_.outputs) note(list, as_pixels);
  for (graph::NodeId id = 0; id < read.end_id(); ++id) {
    if (read[id] == 0) continue;
    if (converts_input(id)) {
      converted_input_[id] = add_planes(node(id).name, shape(id), type_of_planes(id));
      planned_.push_back({PlannedStep::convert_input, id, converted_input_[id]});
    }
    const graph::Arrangement arrangement = graph::arrangement_of(plan_->inputs[id].arrangement);
    if ((read[id] & as_planes) != 0 && arrangement != graph::planes_arrangement()) {
      touch(converted_input_[id]);
      planes_of_input_[id] = add_planes(node(id).name, shape(id), type_of_planes(id));
      planned_.push_back({PlannedStep::input_to_planes, id, planes_of_input_[id]});
    }
    if ((read[id] & as_pixels) != 0) {
      touch(converted_input_[id]);
      block_of_[id] = add_block(node(id).name, shape(id), result_type(id));
      planned_.push_back({PlannedStep::input_to_pixels, id, block_of_[id]});
    }
  }
}

void PlanBuilder::plan_output(std::size_t output) {
  const graph::NodeId id = graph_.outputs[output].node;
  const passes::ChannelList& list = lowered_.outputs[output];
  const std::optional<Destination>& destination = destinations_[list[0].node];
  if (destination && destination->node < 0 && destination->output == output) return;
  const bool converts = converts_output(output);
  touch(list);
  const Type result = result_type(list[0].node);
  const bool is_convertible = result == Type::f32 || is_quantised(result);
  const bool is_of_pixels =
      pixel_stride_in(side_by_side(plan_->outputs[output].arrangement, shape(id), {}), shape(id)).has_value();
  if (!converts || !is_of_pixels || !is_convertible) {
    const Type planes = is_quantised(result) ? result : Type::f32;
    if (converts) planes_of_output_[output] = add_planes(plan_->outputs[output].name, shape(id), planes);
    planned_.push_back({PlannedStep::to_caller, id, planes_of_output_[output], -1, output});
    touch(planes_of_output_[output]);
  }
  if (converts) planned_.push_back({PlannedStep::convert_output, id, -1, -1, output});
}

void PlanBuilder::plan_steps() {
  find_destinations();
  plan_inputs();
  graph::ById<graph::NodeId> producers(graph_.nodes.size(), -1);  // by consumer
  for (graph::NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
    if (is_input(id) || is_literal(id) || !lowered_.computes[id]) continue;
    producers[id] = find_producer(id);
    if (producers[id] >= 0) add_ring(producers[id], id);
  }
  // An output is handed over as soon as it is there, so that its memory is free again.
  std::vector<graph::NodeId> last(lowered_.outputs.size(), 0);  // by output: the last node that makes a part of it
  for (std::size_t o = 0; o < last.size(); ++o) {
    for (const passes::Channel& channel : lowered_.outputs[o]) last[o] = std::max(last[o], channel.node);
  }
  for (graph::NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
    if (!is_input(id) && !is_literal(id) && lowered_.computes[id] && !is_produced_by_rows(id) &&
        !is_made_by_operands_[id]) {
      touch_operands(id);
      if (producers[id] >= 0) touch_operands(producers[id]);
      if (needs_gather(id)) {
        gathered_block_of_[id] =
            add_block(joined({node(id).name, ".gathered"}), operand_shape(id, 0), types_of(id).input);
        planned_.push_back({PlannedStep::gather, id, gathered_block_of_[id]});
        touch(gathered_block_of_[id]);
      }
      if (const std::optional<Destination>& destination = destinations_[id]; !destination) {
        block_of_[id] = own_block(id);
      } else if (destination->node >= 0) {
        block_of_[destination->node] = own_block(destination->node);
      }
      planned_.push_back({PlannedStep::compute, id, block_of_[id], producers[id]});
    }
    for (std::size_t o = 0; o < last.size(); ++o) {
      if (last[o] == id) plan_output(o);
    }
  }
}

/// The first of its blocks, which are made when the first step writes there.
std::int32_t PlanBuilder::own_block(graph::NodeId id) {
  if (block_of_[id] >= 0) {
    touch(block_of_[id]);
    return block_of_[id];
  }
  const auto first = static_cast<std::int32_t>(plan_->blocks.size());
  const graph::Shape of = shape(id);
  if (graph::moves_numbers(node(id).operation)) {
    add_planes(node(id).name, of, result_type(id));  // without gaps, so that one pixel may be several
    plan_->blocks.back().name = node(id).name;
    return first;
  }
  const std::span<const Part> parts = layout_.parts(id);
  for (std::size_t b = 0; b < parts.size(); ++b) {
    add_block(parts.size() == 1 ? node(id).name : joined({node(id).name, ".", b}), {of.h, of.w, parts[b].channels},
              result_type(id));
  }
  return first;
}

std::int32_t PlanBuilder::add_block(const std::string& name, const graph::Shape& shape, Type type) {
  BlockInfo info;
  info.name = name;
  info.shape = shape;
  info.type = type;
  info.pixel_stride = pixel_stride_of(shape.c, type);
  info.size = shape.pixels() * info.pixel_stride * size_of(info.type);
  info.first_step = info.last_step = next_step();
  plan_->blocks.push_back(std::move(info));
  return static_cast<std::int32_t>(plan_->blocks.size()) - 1;
}

std::int32_t PlanBuilder::add_planes(const std::string& name, const graph::Shape& shape, Type type) {
  const std::int32_t block = add_block(joined({name, ".planes"}), shape, type);
  BlockInfo& info = plan_->blocks.back();
  info.pixel_stride = shape.c;
  info.size = shape.size() * size_of(info.type);
  return block;
}

void PlanBuilder::add_ring(graph::NodeId producer, graph::NodeId consumer) {
  const graph::Shape& made = shape(producer);
  kernels::Block ring;
  ring.first = {0, kernels::Space::rows};  // a worker is in one chain at a time
  ring.type = result_type(producer);
  ring.pixel_stride = pixel_stride_of(made.c, ring.type);
  ring.spare = ring.pixel_stride - made.c;
  ring.ring = ring_rows(resolved_window(consumer)) * made.w;
  rings_[producer] = ring;
  const std::int64_t bytes = static_cast<std::int64_t>(ring.ring) * ring.pixel_stride * size_of(ring.type);
  plan_->rows_bytes = std::max(plan_->rows_bytes, bytes + arena_slack);
}

void PlanBuilder::touch(std::int32_t block) {
  if (block >= 0) plan_->blocks[static_cast<std::size_t>(block)].last_step = next_step();
}

void PlanBuilder::touch(const passes::ChannelList& channels) {
  for (const passes::Channel& channel : channels) {
    const std::int32_t first = block_of_[channel.node];
    const std::size_t part = part_at(layout_.parts(channel.node), layout_.position(channel));
    if (first >= 0) touch(first + static_cast<std::int32_t>(part));
    if (!is_input(channel.node)) continue;
    const std::int32_t planes = planes_of_input_[channel.node];
    touch(planes >= 0 ? planes : converted_input_[channel.node]);
  }
}

void PlanBuilder::touch_operands(graph::NodeId reader) {
  for (const passes::ChannelList& list : lowered_.operands[reader]) touch(list);
}

void PlanBuilder::place() {
  std::vector<memory::Lifetime> lifetimes;
  for (const BlockInfo& info : plan_->blocks) lifetimes.push_back({info.size, info.first_step, info.last_step});
  const memory::Placement placement = memory::place_blocks(lifetimes, memory::cache_line);
  for (std::size_t i = 0; i < plan_->blocks.size(); ++i) plan_->blocks[i].offset = placement.offsets[i];
  plan_->arena_bytes = placement.total + arena_slack;
  if (plan_->arena_bytes > max_arena_bytes) {
    throw Error({"graph '", graph_.name, "': it needs ", plan_->arena_bytes >> 20,
                 " MiB of working memory, more than is allowed"});
  }
}

/// Side by side, each as its node's type has its numbers, pixel by pixel.
void PlanBuilder::place_literals() {
  std::int64_t bytes = 0;
  const auto lines = [](std::int64_t size) { return (size + memory::cache_line - 1) & -memory::cache_line; };
  for (graph::NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
    if (!is_literal(id)) continue;
    literal_offset_[id] = bytes;
    bytes += lines(shape(id).size() * size_of(result_type(id)));
  }
  if (bytes == 0) return;
  const std::span<std::byte> all = storage_->allocate_literals(bytes + arena_slack);
  for (graph::NodeId id = 0; id < graph_.nodes.end_id(); ++id) {
    if (!is_literal(id)) continue;
    const graph::Shape& s = shape(id);
    const std::span<const float> values = std::get<graph::Literal>(node(id).operation).values.values();
    std::byte* const to = all.data() + literal_offset_[id];
    const auto write = [&](auto* numbers, auto encode) {
      for (std::int64_t p = 0; p < s.pixels(); ++p) {
        for (std::int32_t c = 0; c < s.c; ++c) {
          *numbers++ = encode(values[static_cast<std::size_t>(c * s.pixels() + p)]);
        }
      }
    };
    if (const auto& q = node(id).quantization; graph::built::quantised && q) {
      const graph::IntegerBounds bounds = graph::integer_bounds(node(id));
      write(reinterpret_cast<std::uint8_t*>(to), [&](float x) {
        return static_cast<std::uint8_t>(graph::rounded(x / q->scale, bounds.lower, bounds.upper) + zero_of(id));
      });
    } else if (result_type(id) == Type::f32) {
      write(reinterpret_cast<float*>(to), [](float x) { return x; });
    } else {
      write(reinterpret_cast<std::uint16_t*>(to), result_type(id) == Type::f16 ? kernels::to_f16 : kernels::to_bf16);
    }
  }
  plan_->literals = all;
}

kernels::Block PlanBuilder::block_at(std::int32_t block) const {
  const BlockInfo& info = plan_->blocks[static_cast<std::size_t>(block)];
  const std::int32_t spare = info.pixel_stride - info.shape.c;
  return {{info.offset, kernels::Space::arena}, info.pixel_stride, 0, info.type, spare};
}

kernels::Block PlanBuilder::block(const PlannedStep& planned, std::int32_t which) const {
  if (const auto ring = rings_.find(planned.node); ring != rings_.end()) return ring->second;
  if (const auto& to = destinations_[planned.node]; to && planned.kind == PlannedStep::compute) {
    kernels::Block block = to->node >= 0 ? block_at(block_of_[to->node]) : of_output(to->output, 0);
    block.first = block.first.behind(to->first, block.type);
    block.pixel_stride = to->pixel_stride;
    block.spare = 0;
    return block;
  }
  if (planned.written_block >= 0) return block_at(planned.written_block + which);
  return of_output(planned.output, shape(planned.node).c);
}

kernels::Block PlanBuilder::of_output(std::size_t output, std::int32_t pixel_stride) const {
  const kernels::Place first{0, kernels::Space::output, static_cast<std::uint16_t>(output)};
  return {first, pixel_stride, 0, plan_->outputs[output].type};
}

/// As the caller has arranged it, in a type that kernels read.
kernels::Numbers PlanBuilder::input_as_brought(graph::NodeId input) const {
  if (const std::int32_t converted = converted_input_[input]; converted >= 0) {
    return {block_at(converted).first, block_at(converted).type};
  }
  return {{0, kernels::Space::input, static_cast<std::uint16_t>(input)}, plan_->inputs[input].type};
}

kernels::Numbers PlanBuilder::planes_of_input(graph::NodeId input) const {
  const std::int32_t planes = planes_of_input_[input];
  return planes >= 0 ? kernels::Numbers{block_at(planes).first, block_at(planes).type} : input_as_brought(input);
}

Type PlanBuilder::type_of_planes(graph::NodeId input) const {
  if (!converts_input(input)) return plan_->inputs[input].type;
  return is_quantised(result_type(input)) ? result_type(input) : Type::f32;
}

/// Kernels read planes of f32, and of the type that the node has. Bytes they take from bytes alone.
bool PlanBuilder::converts_input(graph::NodeId input) const {
  const Type type = plan_->inputs[input].type, result = result_type(input);
  return type != result && (type != Type::f32 || is_quantised(result));
}
bool PlanBuilder::converts_output(std::size_t output) const {
  const Type type = plan_->outputs[output].type, result = result_type(lowered_.outputs[output][0].node);
  return is_quantised(result) ? type == Type::f32 : type != Type::f32 && type != result;
}

std::int32_t PlanBuilder::zero_of(graph::NodeId id) const {
  return *read_[id].zero_point - (bytes_ == Type::i8 ? 128 : 0);
}

kernels::ZeroPoints PlanBuilder::zeros_of(graph::NodeId id) const {
  const auto of = [&](graph::NodeId node) { return is_quantised(result_type(node)) ? zero_of(node) : 0; };
  const std::vector<passes::ChannelList>& operands = lowered_.operands[id];
  kernels::ZeroPoints zeros;
  if (!operands.empty()) zeros.input = of(operands[0][0].node);
  if (operands.size() > 1) zeros.residual = of(operands[1][0].node);
  zeros.output = of(id);
  // A table is of what the kernel makes, and has the result's zero point in it.
  if (const auto& q = node(id).quantization) zeros.output += graph::zero_before_table(node(id)) - q->zero_point;
  return zeros;
}

kernels::Types PlanBuilder::types_of(graph::NodeId id) const {
  const auto& [weights, result] = types_[id];
  Type input = result;
  if (kind(id) == ConvolutionKind::stem) {
    input = type_of_planes(operand(id, 0)[0].node);
  } else if (!node(id).inputs.empty()) {
    input = result_type(operand(id, 0)[0].node);
  }
  // Of 16 bits are weights that a kernel multiplies by as they are.
  const kernels::Types types{input, weights, result};
  const bool lacks_row =
      (kind(id) == ConvolutionKind::stem && kernels::find_row<kernels::StemKernel>(kernels_, types) == nullptr) ||
      (kind(id) == ConvolutionKind::depthwise &&
       kernels::find_row<kernels::DepthwiseKernel>(kernels_, types) == nullptr);
  return {input, size_of(weights) == 2 && lacks_row ? Type::f32 : weights, result};
}

kernels::ChannelRun PlanBuilder::address(const PartRange& range) const {
  if (is_literal(range.node)) {
    const Type type = result_type(range.node);
    const kernels::Place first = {literal_offset_[range.node], kernels::Space::literal};
    const std::int32_t stride = shape(range.node).pixels() == 1 ? 0 : shape(range.node).c;  // one for all
    return {first.behind(range.first, type), stride, range.channels, 0, type};
  }
  const std::span<const Part> parts = layout_.parts(range.node);
  const std::size_t part = part_at(parts, range.first);
  const kernels::Block from =
      block({PlannedStep::compute, range.node, block_of_[range.node]}, static_cast<std::int32_t>(part));
  return {from.first.behind(range.first - parts[part].first, from.type), from.pixel_stride, range.channels, from.ring,
          from.type};
}

kernels::ChannelRun PlanBuilder::one_run(graph::NodeId id) const {
  const std::int32_t gathered = gathered_block_of_[id];
  if (gathered < 0) return address(read_groups(id)[0]);
  const kernels::Block from = block_at(gathered);
  return {from.first, from.pixel_stride, operand_shape(id, 0).c, 0, from.type};
}

std::vector<kernels::ChannelRun> PlanBuilder::addresses(const std::vector<PartRange>& ranges) const {
  std::vector<kernels::ChannelRun> result;
  for (const PartRange& one : ranges) result.push_back(address(one));
  return result;
}

std::vector<kernels::ChannelwiseRun> PlanBuilder::channelwise(const std::vector<PartRange>& ranges) const {
  std::vector<kernels::ChannelwiseRun> result;
  std::int32_t channel = 0;
  for (const PartRange& one : ranges) {
    result.push_back({address(one), channel});
    channel += one.channels;
  }
  return result;
}

}  // namespace riffle::plan
