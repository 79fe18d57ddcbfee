// Planned steps to steps: what all have, chains, and what stands at the ends, from and to the caller's tensors.
#include <algorithm>
#include <cmath>

#include "engine/graph/quantization.hpp"
#include "engine/plan/append.hpp"

namespace riffle::plan {

Step& PlanBuilder::append_step(const PlannedStep& s, const Label& label, std::int32_t tiles) {
  Step step;
  const graph::NodeId id = s.node;
  const bool is_output = s.kind == PlannedStep::to_caller || s.kind == PlannedStep::convert_output;
  step.name = is_output ? plan_->outputs[s.output].name : node(id).name;
  step.operation = label.operation;
  step.kernel = label.kernel;
  step.kind = label.kind;
  step.tiles = tiles;
  Type read = result_type(id), written = read;
  step.in = step.out = shape(id);
  switch (s.kind) {
    case PlannedStep::compute:
      read = types_of(id).input;
      step.in = operand_shape(id, 0);
      step.macs = graph::cost(graph_, shapes_, id).macs;
      for (std::size_t i = 1; i < node(id).inputs.size(); ++i) {
        step.read_bytes += operand_shape(id, i).size() * size_of(read);
      }
      break;
    case PlannedStep::gather:
      read = written = types_of(id).input;
      step.in = step.out = operand_shape(id, 0);
      break;
    case PlannedStep::convert_input:
      read = plan_->inputs[id].type;
      written = input_as_brought(id).type;
      break;
    case PlannedStep::input_to_planes:
      read = written = input_as_brought(id).type;
      break;
    case PlannedStep::input_to_pixels:
      read = input_as_brought(id).type;
      break;
    case PlannedStep::to_caller:
      written = block(s).type;
      break;
    case PlannedStep::convert_output:
      read = is_quantised(result_type(lowered_.outputs[s.output][0].node)) ? bytes_ : Type::f32;
      written = plan_->outputs[s.output].type;
      break;
  }
  step.read_bytes += step.in.size() * size_of(read);
  step.write_bytes = step.out.size() * size_of(written);
  return plan_->steps.emplace_back(std::move(step));
}

void PlanBuilder::set_activation(const PlannedStep& s, const Label& label, Step& step, kernels::Clamp& clamp,
                                 float* slope, After& after) const {
  const graph::Activation* activation = graph::fused_activation(node(s.node).operation);
  if (activation == nullptr) return;
  if (node(s.node).quantization) {
    const graph::IntegerBounds bounds = graph::integer_bounds(node(s.node));
    clamp = {static_cast<float>(bounds.lower), static_cast<float>(bounds.upper)};
    if constexpr (built::function && built::quantised) {
      if (activation->function == kernels::Function::table) set_table(s, label, step, *activation, after);
    }
    return;
  }
  const auto& [lower, upper] = activation->bounds;
  clamp = {lower + 0.0F, upper + 0.0F};  // not -0, which is equal to 0 and says the same
  if (!built::function || activation->function == kernels::Function::none) return;
  step.operation += joined({", ", kernels::facts_of(activation->function).word});
  const Type type = result_type(s.node);
  const bool is_slope = activation->function == kernels::Function::leaky && std::isfinite(activation->a) &&
                        activation->a <= 1 && activation->a != 0 && !clamp.has_bounds();
  if (slope != nullptr && is_slope && type == Type::f32 && !reads_integers(s.node)) {
    *slope = activation->a;
    return;
  }
  std::vector<float> slopes;
  if (const std::span<const float> all = activation->slopes.values(); !all.empty()) {
    for (const std::int32_t channel : layout_.order(s.node)) slopes.push_back(all[static_cast<std::size_t>(channel)]);
  }
  after = {graph::function_args(*activation, slopes.empty() ? nullptr : storage_->keep(std::move(slopes)).data()),
           &row<kernels::FunctionKernel>(s.node, {type, Type::f32, type}), step.out.c, label.unit, label.tiles_at_once};
}

/// By the bytes as they stand in memory, of the channels as they stand there.
void PlanBuilder::set_table(const PlannedStep& s, const Label& label, Step& step, const graph::Activation& activation,
                            After& after) const {
  const std::span<const std::byte> stored = activation.table.stored();
  const bool is_one = stored.size() == 256;
  const auto flip = static_cast<std::uint8_t>(bytes_ == Type::i8 ? 128 : 0);
  std::vector<std::uint8_t> table;
  const auto append_table = [&](std::size_t row) {
    for (std::size_t i = 0; i < 256; ++i) {
      table.push_back(std::to_integer<std::uint8_t>(stored[row * 256 + (i ^ flip)]) ^ flip);
    }
  };
  if (is_one) append_table(0);
  if (!is_one) std::ranges::for_each(layout_.order(s.node), append_table);
  kernels::FunctionArgs args{kernels::Function::table, activation.a, activation.b};
  args.table = storage_->keep(std::move(table)).data();
  args.table_step = is_one ? 0 : 256;
  after = {args, &row<kernels::FunctionKernel>(s.node, {bytes_, Type::f32, bytes_}), step.out.c, label.unit,
           label.tiles_at_once};
  step.operation += ", table";
}

void PlanBuilder::make_step(const PlannedStep& planned) {
  switch (planned.kind) {
    case PlannedStep::convert_input:
      return make_convert_input(planned);
    case PlannedStep::input_to_planes:
    case PlannedStep::input_to_pixels:
    case PlannedStep::to_caller:
      if constexpr (!built::rearrange) missing(node(planned.node), kernels::RearrangeKernel::operation);
      return make_arranged(planned);
    case PlannedStep::convert_output:
      return make_convert_output(planned);
    case PlannedStep::gather:
      return make_gather(planned);
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
        if constexpr (requires { make(planned, operation); } && graph::is_built<std::decay_t<decltype(operation)>>) {
          make(planned, operation);
        } else {
          // Input, Literal, BatchNorm (folded) and the nodes that only move channels are no steps.
          throw Error({"node '", node(planned.node).name, "': no kernel computes it"});
        }
      },
      node(planned.node).operation);
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

void PlanBuilder::make_convert_input(const PlannedStep& s) {
  const Tensor& input = plan_->inputs[s.node];
  if (built::quantised && is_quantised(input.type) && is_quantised(result_type(s.node))) return make_recast_input(s);
  kernels::ConvertArgs args;
  args.pixels = static_cast<std::int32_t>(input.shape.size());
  const auto index = static_cast<std::uint16_t>(s.node);
  const kernels::ChannelRun planes = {{0, kernels::Space::input, index}, 1, 1, 0, input.type};
  args.runs = storage_->keep(std::vector<kernels::ChannelwiseRun>{{planes}}).data();
  args.run_count = 1;
  args.output = {block(s).first, 1, 0, input_as_brought(s.node).type};
  if (const auto& quantization = node(s.node).quantization) {
    args.to = {quantization->scale, zero_of(s.node)};
    return append_convert(s, args, {input.type, Type::f32, result_type(s.node)});
  }
  args.from = input.quantization;
  append_convert(s, args, {input.type, Type::f32, Type::f32});
}

/// The caller's u8 where kernels take i8.
void PlanBuilder::make_recast_input(const PlannedStep& s) {
  const Tensor& input = plan_->inputs[s.node];
  const kernels::Place brought{0, kernels::Space::input, static_cast<std::uint16_t>(s.node)};
  const Type type = result_type(s.node);
  const auto [h, w, c] = input.shape;
  MoveList list;
  list.add(side_by_side(graph::pixels_arrangement(), {c, h, w}, {block(s).first, type}), {brought, w, w, 0, input.type},
           0, h, MoveTo::arranged);
  append_moves(s, {"convert", nullptr, StepKind::type_conversion}, std::move(list), input.type, type);
}

void PlanBuilder::make_convert_output(const PlannedStep& s) {
  const Tensor& output = plan_->outputs[s.output];
  kernels::ConvertArgs args;
  args.output = block(s);
  std::vector<kernels::ChannelwiseRun> runs;
  if (const std::int32_t planes = planes_of_output_[s.output]; planes >= 0) {
    args.pixels = static_cast<std::int32_t>(output.shape.size());
    args.output.pixel_stride = 1;
    runs.push_back({{block_at(planes).first, 1, 1, 0, block_at(planes).type}});
  } else {
    args.pixels = static_cast<std::int32_t>(output.shape.pixels());
    runs = channelwise(layout_.read_in_order(lowered_.outputs[s.output]));
  }
  args.run_count = count_of(runs);
  args.runs = storage_->keep(std::move(runs)).data();
  const graph::NodeId computed = lowered_.outputs[s.output][0].node;
  if (is_quantised(result_type(computed))) {
    args.from = quantization_of(computed);
    return append_convert(s, args, {result_type(computed), Type::f32, output.type});
  }
  args.to = output.quantization;
  append_convert(s, args, {Type::f32, Type::f32, output.type});
}

void PlanBuilder::append_convert(const PlannedStep& s, kernels::ConvertArgs args, const kernels::Types& types) {
  const kernels::ConvertKernel* kernel = kernels::find_row<kernels::ConvertKernel>(kernels_, types);
  if (kernel == nullptr) missing(node(s.node), kernels::ConvertKernel::operation);
  args.tile_pixels = tile_pixels(machine_, args.pixels, 2);
  args.tiles = ceil_div(args.pixels, args.tile_pixels);
  append(s, {"convert", kernel->name, StepKind::type_conversion}, kernel->run, args);
}

}  // namespace riffle::plan
