// MaxPool, AveragePool, and the same over all pixels.
#include <algorithm>

#include "io/onnx/combine.hpp"
#include "io/onnx/operators.hpp"
#include "io/onnx/window.hpp"

namespace riffle::onnx {
namespace {

/// Is there room for a whole window beside the operand, in the padding around it and the window's own?
bool holds_a_window(const Padding& p, const graph::Window& w) {
  return p.top + w.pad_top >= w.kernel_h || p.bottom + w.pad_bottom >= w.kernel_h ||
         p.left + w.pad_left >= w.kernel_w || p.right + w.pad_right >= w.kernel_w;
}

}  // namespace

void import_pool(Call& call) {
  const bool is_max = call.type() == "MaxPool";
  const bool has_ceil_mode = call.integer("ceil_mode", 0) != 0;
  const bool count_own = !is_max && call.integer("count_include_pad", 0) != 0;
  const auto [own, has_own] = read_window(call, {}, 0, 0);
  // Zeros that a Pad node brought are as padding of the window's own where they count in a mean, whatever the window
  // says about its own, and where no window may lie wholly in them: a last one that hangs over the end may.
  const Padded* padded = call.padded(0);
  if (is_max || has_ceil_mode || (has_own && !count_own) ||
      (padded != nullptr && holds_a_window(padded->padding, own))) {
    padded = nullptr;
  }
  const Padding before = padded != nullptr ? padded->padding : Padding{};
  const graph::NodeId operand = padded != nullptr ? padded->view.node : call.image_or_line(0).node;
  graph::Pool pool;
  pool.kind = is_max ? graph::PoolKind::max : graph::PoolKind::average;
  pool.window = read_window(call, before, 0, 0).window;
  pool.window.ceil_mode = has_ceil_mode;
  pool.count_padding = padded != nullptr || (has_own && count_own);
  if (is_max) {
    call.ignore("storage_order");  // of the second output
    if (call.output_used(1)) throw Error("its second output, the indices, is used");
  }
  call.result_image(call.importer.add(call.name(), pool, {operand}));
}

void import_global_pool(Call& call) {
  const bool is_max = call.type() == "GlobalMaxPool";
  // Groups of channels may stand in the batch's place.
  if (const View& view = call.tensor(0); view.axes.size() != 4 || std::ranges::any_of(view.axes[0], is_channel)) {
    if (view.axes.size() < 3) throw Error("its input is a view " + text(view) + " without pixels");
    std::vector<bool> pixels(view.axes.size(), true);
    pixels[0] = pixels[1] = false;
    const auto kind = is_max ? graph::ReduceKind::maximum : graph::ReduceKind::mean;
    return call.result(reduced(call.importer, call.name(), kind, view, pixels));
  }
  graph::Operation operation = graph::GlobalAveragePool{};
  if (is_max) operation = graph::Pool{graph::PoolKind::max, {.kernel_h = 0, .kernel_w = 0}};
  call.result_image(call.importer.add(call.name(), std::move(operation), {call.image(0).node}));
}

}  // namespace riffle::onnx
