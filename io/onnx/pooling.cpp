// MaxPool, AveragePool, and what is over all rows or columns.
#include "io/onnx/operators.hpp"
#include "io/onnx/window.hpp"

namespace riffle::onnx {
namespace {

/// A maximum or mean over all rows, all columns or, if both, the whole image.
graph::Operation over(graph::PoolKind kind, bool rows, bool columns) {
  if (kind == graph::PoolKind::average && rows && columns) return graph::GlobalAveragePool{};
  graph::Pool pool;
  pool.kind = kind;
  pool.window.kernel_h = rows ? 0 : 1;
  pool.window.kernel_w = columns ? 0 : 1;
  return pool;
}

}  // namespace

void import_pool(Call& call) {
  const bool is_max = call.type() == "MaxPool";
  const auto* padded = is_max ? nullptr : std::get_if<Padded>(&call.value(0));
  const Padding before = padded != nullptr ? padded->padding : Padding{};
  const graph::NodeId operand = padded != nullptr ? padded->view.node : call.image(0).node;
  const auto [window, has_own] = read_window(call, before, 0, 0);
  const bool has_before = before != Padding{};
  graph::Pool pool;
  pool.kind = is_max ? graph::PoolKind::max : graph::PoolKind::average;
  pool.window = window;
  pool.window.ceil_mode = call.integer("ceil_mode", 0) != 0;
  // A last window may lie wholly in zeros that a Pad node brought; of its own padding there would be none.
  if (pool.window.ceil_mode && has_before) throw Error("ceil_mode behind a Pad is not supported");
  if (is_max) {
    call.ignore("storage_order");  // of the second output
    if (call.output_used(1)) throw Error("its second output, the indices, is used");
  } else {
    const bool count_own = call.integer("count_include_pad", 0) != 0;
    // Zeros that a Pad node brought count in the mean, whatever this node says about its own.
    if (has_before && has_own && !count_own) {
      throw Error("a Pad before it counts in the mean, its own padding does not: not supported together");
    }
    pool.count_padding = has_before || (has_own && count_own);
  }
  call.result_image(call.importer.add(call.name(), pool, {operand}));
}

void import_global_pool(Call& call) {
  const auto kind = call.type() == "GlobalMaxPool" ? graph::PoolKind::max : graph::PoolKind::average;
  call.result_image(call.importer.add(call.name(), over(kind, true, true), {call.image(0).node}));
}

void import_reduce(Call& call) {
  const auto kind = call.type() == "ReduceMax" ? graph::PoolKind::max : graph::PoolKind::average;
  View& view = call.tensor(0);
  call.importer.settle(view);
  const auto given = call.list("axes", 1);
  const bool keep = call.integer("keepdims", 1) != 0;
  call.ignore("noop_with_empty_axes");  // it decides what no axes mean; they are refused here
  if (!given || given->empty()) throw Error("reducing all axes, the batch too, is not supported");

  std::vector<bool> reduced(view.axes.size(), false);
  for (const std::int64_t axis : *given) reduced[Call::axis(axis, view.axes.size())] = true;
  // Of an image it is height and width that are reduced, whatever they are made of.
  if (view.axes.size() == 4 && !reduced[0] && !reduced[1]) (void)call.image(0);
  bool rows = false, columns = false, unnamed = false;
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < view.axes.size(); ++i) {
    if (!reduced[i]) {
      axes.push_back(view.axes[i]);
      continue;
    }
    unnamed |= view.axes[i].empty();  // it is one long, of whatever index
    for (const Factor& factor : view.axes[i]) {
      if (factor.index == Index::batch || factor.index == Index::channel) {
        throw Error("only height and width can be reduced");
      }
      (factor.index == Index::row ? rows : columns) = true;
    }
    if (keep) axes.emplace_back();
  }

  // Rows that are one at every size may be reduced with the columns, and the other way round.
  const graph::Shape in = call.importer.shape(view.node);
  const Extents open = call.importer.open(view.node);
  const bool all_rows = rows || (in.h == 1 && !open.rows), all_columns = columns || (in.w == 1 && !open.columns);
  if (unnamed && ((in.h == 1 && open.rows && !rows) || (in.w == 1 && open.columns && !columns))) {
    throw Error("it reduces an axis of one, which may be longer at other sizes");
  }
  View result = view;
  result.axes = std::move(axes);
  if ((all_rows && all_columns) || rows || columns) {
    result.node = call.importer.add(call.name(), over(kind, all_rows, all_columns), {view.node});
  }
  call.result(std::move(result));
}

}  // namespace riffle::onnx
