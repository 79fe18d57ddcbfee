// Steps that choose or mix pixels of the operand: resizing, cropping, padding. Which ones is decided here, once.
#include <bit>

#include "engine/graph/pixels.hpp"
#include "engine/plan/append.hpp"

namespace riffle::plan {
namespace {

/// The bits with which a number of a type stands in memory.
std::uint32_t bits_of(float x, Type type) {
  return type == Type::f16    ? kernels::to_f16(x)
         : type == Type::bf16 ? kernels::to_bf16(x)
                              : std::bit_cast<std::uint32_t>(x);
}

}  // namespace

/// What all of them have in common.
template <class Args>
Args PlanBuilder::args_of_pixels(const PlannedStep& s) {
  std::vector<kernels::ChannelwiseRun> runs = channelwise(layout_.read_sorted(operand(s.node, 0)).runs);
  Args args;
  args.extent = extent_of(operand_shape(s.node, 0), shape(s.node));
  args.run_count = count_of(runs);
  args.runs = storage_->keep(std::move(runs)).data();
  args.output = block(s);
  args.tile_rows = 1;
  args.tiles = args.extent.out_h;
  return args;
}

void PlanBuilder::append_selection(const PlannedStep& s, std::string operation, graph::SelectedPixels pixels,
                                   std::uint32_t fill) {
  auto args = args_of_pixels<kernels::PixelsArgs>(s);
  args.rows = storage_->keep(std::move(pixels.rows)).data();
  args.columns = storage_->keep(std::move(pixels.columns)).data();
  args.fill = fill;
  const auto& kernel = row<kernels::PixelsKernel>(s.node);
  append(s, {std::move(operation), kernel.name}, kernel.run, args);
}

void PlanBuilder::make(const PlannedStep& s, const graph::Resize& o) {
  const graph::Shape in = operand_shape(s.node, 0), out = shape(s.node);
  if (o.mode == graph::ResizeMode::nearest) {
    return append_selection(s, "resize, nearest", graph::selected_pixels(o, in, out));
  }
  graph::MixedPixels pixels = graph::mixed_pixels(o, in, out);
  auto args = args_of_pixels<kernels::ResizeArgs>(s);
  args.rows = storage_->keep(std::move(pixels.rows)).data();
  args.columns = storage_->keep(std::move(pixels.columns)).data();
  if (const auto& q = node(s.node).quantization) {
    const graph::IntegerBounds bounds = graph::integer_bounds(node(s.node));
    args.clamp = {static_cast<float>(bounds.lower), static_cast<float>(bounds.upper)};
    args.zeros = zeros_of(s.node);
    args.factor = kernels::mean_factor(q->scale, kernels::resize_parts * kernels::resize_parts);
  }
  const auto& kernel = row<kernels::ResizeKernel>(s.node);
  append(s, {"resize, linear", kernel.name}, kernel.run, args);
}

void PlanBuilder::make(const PlannedStep& s, const graph::Crop& o) {
  append_selection(s, "crop", graph::selected_pixels(o, operand_shape(s.node, 0), shape(s.node)));
}

void PlanBuilder::make(const PlannedStep& s, const graph::Pad& o) {
  const auto& q = node(s.node).quantization;
  const std::uint32_t fill = q ? static_cast<std::uint32_t>(graph::padded_with(o, q->zero_point) + zero_of(s.node))
                               : bits_of(o.value, result_type(s.node));
  append_selection(s, "pad", graph::selected_pixels(o, operand_shape(s.node, 0), shape(s.node)), fill);
}

}  // namespace riffle::plan
