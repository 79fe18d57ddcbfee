// MaxPool, AveragePool, LpPool, and the same over all pixels.
#include <algorithm>
#include <limits>
#include <optional>

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

/// Of an LpPool: |x|^p, of which it takes sums.
View powers(Call& call, View view, std::int64_t p) {
  if (p < 1 || p > static_cast<std::int64_t>(kernels::most_power)) throw Error("p is " + std::to_string(p));
  Importer& importer = call.importer;
  if (p == 2) return combined(importer, call.name() + ".squares", graph::BinaryKind::multiply, view, view);
  view = activated(importer, call.name() + ".absolute", {{}, kernels::Function::absolute}, std::move(view));
  if (p == 1) return view;
  return combined(importer, call.name() + ".powers", graph::BinaryKind::power, std::move(view), static_cast<float>(p));
}

View root(Call& call, View view, std::int64_t p) {
  if (p == 1) return view;
  const std::string name = call.name() + ".root";
  if (p == 2) return activated(call.importer, name, {{}, kernels::Function::sqrt}, std::move(view));
  return combined(call.importer, name, graph::BinaryKind::power, std::move(view), 1.0F / static_cast<float>(p));
}

/// Sums are means, in which the padding counts, times the window's size.
void import_lp_pool(Call& call) {
  const std::int64_t p = call.integer("p", 2);
  graph::Pool pool{graph::PoolKind::average, read_window(call, {}, 0, 0).window, true};
  if (call.integer("ceil_mode", 0) != 0) throw Error("ceil_mode is not supported");
  const View view = powers(call, call.image_or_line(0), p);
  const std::int32_t size = pool.window.kernel_h * pool.window.kernel_w;
  View sums = view;
  sums.node = call.importer.add(call.name(), pool, {view.node});
  sums = combined(call.importer, call.name() + ".sum", graph::BinaryKind::multiply, std::move(sums),
                  static_cast<float>(size));
  call.result_image(root(call, std::move(sums), p).node);
}

/// Of windows with gaps: the largest of crops that are as far apart, of rows and then of columns.
void import_dilated_maximum(Call& call, const graph::Window& window) {
  Importer& importer = call.importer;
  const std::string name = call.name();
  if (window.ceil_mode || window.auto_pad != graph::AutoPad::none) {
    throw Error("a dilation together with ceil_mode or auto_pad is not supported");
  }
  View view = call.image_or_line(0);
  const graph::Pad pad{.top = window.pad_top,
                       .left = window.pad_left,
                       .bottom = window.pad_bottom,
                       .right = window.pad_right,
                       .value = -std::numeric_limits<float>::infinity()};
  view = importer.whole(importer.add(name + ".pad", pad, {view.node}));
  const auto largest = [&](std::int32_t kernel, std::int32_t dilation, const auto& crop_of) {
    std::optional<View> result;
    for (std::int32_t i = 0; i < kernel; ++i) {
      const graph::Crop crop = crop_of(i * dilation, (kernel - 1 - i) * dilation);
      View part = importer.whole(importer.add(name + ".tap", crop, {view.node}));
      result =
          result ? combined(importer, name, graph::BinaryKind::maximum, std::move(*result), std::move(part)) : part;
    }
    view = std::move(*result);
  };
  largest(window.kernel_h, window.dilation_h, [&](std::int32_t before, std::int32_t behind) {
    return graph::Crop{.top = before, .bottom = behind, .step_h = window.stride_h};
  });
  largest(window.kernel_w, window.dilation_w, [&](std::int32_t before, std::int32_t behind) {
    return graph::Crop{.left = before, .right = behind, .step_w = window.stride_w};
  });
  call.result_image(view.node);
}

}  // namespace

void import_pool(Call& call) {
  if (call.type() == "LpPool") return import_lp_pool(call);
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
    if (pool.window.dilation_h > 1 || pool.window.dilation_w > 1) return import_dilated_maximum(call, pool.window);
  }
  call.result_image(call.importer.add(call.name(), pool, {operand}));
}

void import_global_pool(Call& call) {
  if (call.type() == "GlobalLpPool") {
    const std::int64_t p = call.integer("p", 2);
    View view = powers(call, call.tensor(0), p);
    std::vector<bool> pixels(view.axes.size(), true);
    for (std::size_t i = 0; i < std::min<std::size_t>(2, pixels.size()); ++i) pixels[i] = false;
    view = reduced(call.importer, call.name(), graph::ReduceKind::sum, std::move(view), pixels);
    return call.result(root(call, std::move(view), p));
  }
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
