// MaxPool, AveragePool, and the same over all pixels.
#include "io/onnx/operators.hpp"
#include "io/onnx/window.hpp"

namespace riffle::onnx {
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
  graph::Operation operation = graph::GlobalAveragePool{};
  if (call.type() == "GlobalMaxPool") operation = graph::Pool{graph::PoolKind::max, {.kernel_h = 0, .kernel_w = 0}};
  call.result_image(call.importer.add(call.name(), std::move(operation), {call.image(0).node}));
}

}  // namespace riffle::onnx
