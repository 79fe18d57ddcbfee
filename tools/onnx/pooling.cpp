// MaxPool, AveragePool and the means over a whole image.
#include <algorithm>

#include "tools/onnx/operators.hpp"
#include "tools/onnx/window.hpp"

namespace riffle::onnx {
namespace {

/// With ceil_mode a last window may hang over the end. It changes nothing where the windows end exactly there.
void refuse_ceil_mode(const graph::Window& w, const graph::Shape& in) {
  const auto rest = [](std::int64_t extent, std::int64_t kernel, std::int64_t stride, std::int64_t dilation) {
    return (extent - ((kernel - 1) * dilation + 1)) % stride;
  };
  if (rest(in.h + w.pad_top + w.pad_bottom, w.kernel_h, w.stride_h, w.dilation_h) != 0 ||
      rest(in.w + w.pad_left + w.pad_right, w.kernel_w, w.stride_w, w.dilation_w) != 0) {
    throw Error("ceil_mode is not supported where it changes the result");
  }
}

}  // namespace

void import_pool(Call& call) {
  const bool is_max = call.type() == "MaxPool";
  const auto* padded = is_max ? nullptr : std::get_if<Padded>(&call.value(0));
  const Padding before = padded != nullptr ? padded->padding : Padding{};
  const graph::NodeId operand = padded != nullptr ? padded->view.node : call.image(0).node;
  const graph::Shape in = call.importer.shape(operand);

  const auto [window, own_padding] = read_window(call, in, before, 0, 0);
  if (call.integer("ceil_mode", 0) != 0) refuse_ceil_mode(window, in);
  graph::Pool pool;
  pool.kind = is_max ? graph::PoolKind::max : graph::PoolKind::average;
  pool.window = window;
  if (is_max) {
    call.ignore("storage_order");  // of the second output
    if (call.output_used(1)) throw Error("its second output, the indices, is used");
  } else {
    const bool count_own = call.integer("count_include_pad", 0) != 0;
    const bool has_own = own_padding != Padding{}, has_before = before != Padding{};
    // Zeros that a Pad node brought count in the mean, whatever this node says about its own.
    if (has_before && has_own && !count_own) {
      throw Error("a Pad before it counts in the mean, its own padding does not: not supported together");
    }
    pool.count_padding = has_before || (has_own && count_own);
  }
  call.result_image(call.importer.add(call.name(), pool, {operand}));
}

void import_global_average_pool(Call& call) {
  call.result_image(call.importer.add(call.name(), graph::GlobalAveragePool{}, {call.image(0).node}));
}

void import_reduce_mean(Call& call) {
  View& view = call.tensor(0);
  call.importer.settle(view);
  const auto given = call.list("axes", 1);
  const bool keep = call.integer("keepdims", 1) != 0;
  call.ignore("noop_with_empty_axes");  // it decides what no axes mean; they are refused here
  if (!given || given->empty()) throw Error("a mean over all axes, the batch too, is not supported");

  std::vector<bool> reduced(view.axes.size(), false);
  for (const std::int64_t axis : *given) reduced[Call::axis(axis, view.axes.size())] = true;
  bool rows = false, columns = false;
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < view.axes.size(); ++i) {
    if (!reduced[i]) {
      axes.push_back(view.axes[i]);
      continue;
    }
    for (const Factor& factor : view.axes[i]) {
      if (factor.index == Index::batch || factor.index == Index::channel) {
        throw Error("only means over height and width are supported");
      }
      (factor.index == Index::row ? rows : columns) = true;
    }
    if (keep) axes.emplace_back();
  }

  const graph::Shape in = call.importer.shape(view.node);
  View result = view;
  result.axes = std::move(axes);
  if ((rows || in.h == 1) && (columns || in.w == 1)) {
    result.node = call.importer.add(call.name(), graph::GlobalAveragePool{}, {view.node});
  } else if (rows || columns) {
    graph::Pool pool;
    pool.kind = graph::PoolKind::average;
    pool.window.kernel_h = rows ? in.h : 1;
    pool.window.kernel_w = columns ? in.w : 1;
    result.node = call.importer.add(call.name(), pool, {view.node});
  }
  call.result(std::move(result));
}

}  // namespace riffle::onnx
