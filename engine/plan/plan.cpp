#include "engine/plan/plan.hpp"

#include <algorithm>

#include "engine/graph/quantization.hpp"
#include "engine/passes/passes.hpp"
#include "engine/plan/append.hpp"
#include "engine/plan/contracts.hpp"

namespace riffle::plan {

namespace {

/// Of what both an input and an output say.
template <class End>
Tensor tensor_of(const std::string& name, const End& end, const graph::Shape& shape) {
  Tensor result{name, shape, end.type, end.quantization, end.arrangement, {}};
  if (end.arrangement != graph::Arrangement{}) {
    result.dims = graph::resolve(end.arrangement, shape).extents;
  } else if (shape.pixels() == 1) {
    result.dims = {shape.c};
  } else {
    result.dims = {shape.c, shape.h, shape.w};
  }
  return result;
}

}  // namespace

Signature signature_of(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes) {
  Signature result;
  for (std::size_t i = 0; i < graph.input_count(); ++i) {
    result.inputs.push_back(tensor_of(graph.nodes[i].name, graph.input(i), graph.input(i).shape));
  }
  for (const graph::Output& output : graph.outputs) {
    result.outputs.push_back(tensor_of(graph.output_name(output), output, shapes[output.node]));
  }
  return result;
}

void After::run(const kernels::Addresses& memory, const Written& written) const {
  const auto& [block, first, pixels, count, channel] = written;
  const kernels::Place at =
      block.first.behind(kernels::slot(first, block.ring) * std::int64_t{block.pixel_stride}, block.type);
  kernels::FunctionArgs args = function;
  // What is nobody's may be changed as well, so that pixels are one long row.
  const bool is_one_row = args.table_step == 0 && count + block.spare == block.pixel_stride;
  const std::int32_t channels_run = args.table != nullptr && is_one_row ? block.pixel_stride : count;
  if (args.slopes != nullptr) args.slopes += channel;
  if (args.table != nullptr) args.table += std::int64_t{channel} * args.table_step;
  kernel->run(args, memory.write<std::byte>(at), pixels, channels_run, block.pixel_stride);
}

void Chain::run(const kernels::Addresses& memory, kernels::TileRange range) const {
  std::int32_t made = 0;
  for (std::int32_t y = range.first; y < range.last; ++y) {
    const std::int32_t top = y * window.stride_h - window.pad_top;
    const std::int32_t bottom = std::min(top + (window.kernel_h - 1) * window.dilation_h + 1, producer_rows);
    const kernels::TileRange missing{std::max({made, top, 0}), bottom};
    if (missing.first < missing.last) {
      std::visit([&](const auto& call) { call.run(memory, missing); }, producer);
      made = bottom;
    }
    std::visit([&](const auto& call) { call.run(memory, {y, y + 1}); }, consumer);
  }
}

Type precision_of(const kernels::Kernels& kernels, Type wanted) {
  const bool is_precision = wanted == Type::f16 || wanted == Type::bf16;
  return is_precision && kernels::find_kernels(kernels, wanted) != nullptr ? wanted : Type::f32;
}

Choice choose(const graph::Graph& graph, const Options& options) {
  const kernels::Kernels& best = options.kernels != nullptr ? *options.kernels : kernels::choose_kernels();
  const Type precision = precision_of(best, options.precision);
  if (!graph::is_quantised(graph)) return {kernels::find_kernels(best, precision), precision};
  if (!built::quantised) {
    throw Unsupported(
        {"graph '", graph.name, "': it is quantised, and this build leaves that out (RIFFLE_OPERATIONS)"});
  }
  for (const Type bytes : {Type::u8, Type::i8}) {  // an instruction set that is there for them alone
    if (const kernels::Kernels* found = kernels::find_kernels(best, bytes)) return {found, Type::i8};
  }
  return {kernels::find_kernels(best, Type::f32), Type::i8};
}

std::shared_ptr<const Plan> make(graph::Graph graph, const Options& options) {
  const Choice choice = choose(graph, options);
  if (options.height != 0 || options.width != 0) {
    const graph::Shape shape = graph.input_shape();
    graph.set_input_size(options.height != 0 ? options.height : shape.h, options.width != 0 ? options.width : shape.w);
  }
  for (graph::Output& output : graph.outputs) {  // keep their names, whatever node makes them in the end
    if (output.node >= 0 && output.node < graph.nodes.end_id()) output.name = graph.output_name(output);
  }
  passes::optimise(graph, !options.without.fusion);
  passes::lower_fully_connected(graph);
  if constexpr (graph::is_built<graph::Resize>) passes::fix_sizes(graph);
  if constexpr (graph::is_built<graph::TransposedConvolution>) passes::lower_transposed_convolution(graph);
  PlanBuilder builder(graph, choice, options.without);
  builder.make_steps();
  auto plan = builder.pack();
#ifdef RIFFLE_CONTRACTS
  check_contracts(*plan);
#endif
  return plan;
}

}  // namespace riffle::plan
