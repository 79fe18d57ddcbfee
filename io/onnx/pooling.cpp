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

/// Has it rows or columns that are as many as the input's size says?
bool is_size_open(const View& view) {
  return std::ranges::any_of(view.axes, [](const Axis& axis) { return open_extents(axis).any(); });
}

bool has_gaps(const graph::Window& w) { return w.dilation_h > 1 || w.dilation_w > 1; }

/// The window with as much padding as those windows need that hang over the end, which is known for an operand of one
/// size.
graph::Window without_ceil_mode(graph::Window window, const View& view, const graph::Shape& operand) {
  if (!window.ceil_mode) return window;
  if (is_size_open(view)) throw Error("how far its windows, which have gaps, hang over the end depends on the size");
  const graph::ResolvedWindow resolved = graph::resolve(window, operand);
  const auto behind = [](std::int32_t out, std::int32_t stride, std::int32_t reach, std::int32_t before,
                         std::int32_t in) { return std::max(0, (out - 1) * stride + reach - before - in); };
  window.pad_bottom = behind(resolved.extent.out_h, window.stride_h, (window.kernel_h - 1) * window.dilation_h + 1,
                             window.pad_top, operand.h);
  window.pad_right = behind(resolved.extent.out_w, window.stride_w, (window.kernel_w - 1) * window.dilation_w + 1,
                            window.pad_left, operand.w);
  window.ceil_mode = false;
  return window;
}

/// Of windows with gaps: the largest of crops that are as far apart, of rows and then of columns.
void import_dilated_maximum(Call& call, const graph::Window& own) {
  Importer& importer = call.importer;
  const std::string name = call.name();
  View view = call.image_or_line(0);
  const graph::Window window = without_ceil_mode(own, view, importer.shape(view.node));
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

/// How many of a window's taps stand in a picture of `in` rows with so many others around it that count, of each
/// window.
std::vector<float> taps_inside(std::int32_t out, std::int32_t kernel, std::int32_t stride, std::int32_t dilation,
                               std::int32_t pad, std::int32_t before, std::int32_t in, std::int32_t behind) {
  std::vector<float> counts;
  for (std::int32_t y = 0; y < out; ++y) {
    float& count = counts.emplace_back(0.0F);
    for (std::int32_t i = 0; i < kernel; ++i) {
      const std::int32_t at = y * stride - pad + i * dilation;
      if (at >= -before && at < in + behind) ++count;
    }
    if (count == 0) throw Error("a window lies in the padding alone");
  }
  return counts;
}

/// Of windows with gaps: a depthwise convolution, and where some of a window's taps do not count, which is known for
/// one size, a factor for each pixel.
void import_dilated_mean(Call& call, const graph::Pool& pool, View view) {
  Importer& importer = call.importer;
  const graph::Shape shape = importer.shape(view.node);
  const graph::Window& own = pool.window;
  const bool is_padded = own.pad_top + own.pad_left + own.pad_bottom + own.pad_right > 0;
  const bool counts_differ = own.ceil_mode || (is_padded && !pool.count_padding);
  const std::int32_t taps = own.kernel_h * own.kernel_w;
  importer.charge(std::int64_t{shape.c} * taps);
  graph::Convolution mean;
  mean.outputs = mean.groups = shape.c;
  mean.window = without_ceil_mode(own, view, shape);
  mean.weights = graph::Constant(std::vector<float>(static_cast<std::size_t>(shape.c) * static_cast<std::size_t>(taps),
                                                    1.0F / static_cast<float>(taps)));
  const graph::ResolvedWindow resolved = graph::resolve(own, shape);
  view = importer.whole(importer.add(call.name() + (counts_differ ? ".sum" : ""), std::move(mean), {view.node}));
  if (counts_differ) {
    if (is_size_open(view))
      throw Error("how many numbers its means are of, whose windows have gaps, depends on the size");
    const kernels::Window& w = resolved.window;
    const kernels::Extent& e = resolved.extent;
    const bool all = pool.count_padding;
    const std::vector<float> rows = taps_inside(e.out_h, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top,
                                                all ? w.pad_top : 0, shape.h, all ? own.pad_bottom : 0);
    const std::vector<float> columns = taps_inside(e.out_w, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left,
                                                   all ? w.pad_left : 0, shape.w, all ? own.pad_right : 0);
    Floats factors;
    factors.dims = {1, 1, e.out_h, e.out_w};
    std::vector<float> numbers;
    for (const float row : rows) {
      for (const float column : columns) numbers.push_back(static_cast<float>(taps) / (row * column));
    }
    factors.values = graph::Constant(std::move(numbers));
    view = combined(importer, call.name(), graph::BinaryKind::multiply, std::move(view), factors);
  }
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
  if (has_gaps(pool.window) && pool.window.auto_pad != graph::AutoPad::none) {
    throw Error(
        "auto_pad together with dilations is not supported, for other runtimes do not pad as ONNX says; give pads");
  }
  pool.count_padding = padded != nullptr || (has_own && count_own);
  if (is_max) {
    call.ignore("storage_order");  // of the second output
    if (call.output_used(1)) throw Error("its second output, the indices, is used");
    if (has_gaps(pool.window)) return import_dilated_maximum(call, pool.window);
  } else if (has_gaps(pool.window)) {
    return import_dilated_mean(call, pool, call.importer.whole(operand));
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
