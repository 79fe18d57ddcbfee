#include "io/onnx/window.hpp"

namespace riffle::onnx {
namespace {

/// Of a line's list those of an image that is one row high: in front of each half what changes no row.
void widen(std::vector<std::int64_t>& values, bool is_line, std::int64_t neutral) {
  if (is_line && values.size() == 2) values.insert(values.begin() + 1, neutral);
  if (is_line) values.insert(values.begin(), neutral);
}

std::vector<std::int64_t> read_pair(Call& call, const char* attribute, std::int64_t otherwise, bool is_line) {
  auto values = call.integers(attribute).value_or(std::vector<std::int64_t>(is_line ? 1 : 2, otherwise));
  widen(values, is_line, 1);
  if (values.size() != 2) {
    throw Error(std::string(attribute) + " has " + std::to_string(values.size()) + " values; images have 2 dimensions");
  }
  return values;
}

std::int32_t in_range(const char* attribute, std::int64_t value, std::int64_t least) {
  if (value < least || value > graph::max_extent) {
    throw Error(std::string(attribute) + " holds " + std::to_string(value) + ", not in " + std::to_string(least) +
                " to " + std::to_string(graph::max_extent));
  }
  return static_cast<std::int32_t>(value);
}

}  // namespace

WindowAttributes read_window(Call& call, const Padding& before, std::int64_t kernel_h, std::int64_t kernel_w) {
  const auto* operand = std::get_if<View>(&call.importer.value(call.input_name(0)));
  const bool is_line = operand != nullptr && operand->axes.size() == 3;
  auto kernel = call.integers("kernel_shape");
  if (kernel) widen(*kernel, is_line, 1);
  if (!kernel) kernel = {kernel_h, kernel_w};
  if (kernel->size() != 2) throw Error("kernel_shape must have 2 values: images have 2 dimensions");
  if (kernel_h != 0 && ((*kernel)[0] != kernel_h || (*kernel)[1] != kernel_w)) {
    throw Error("kernel_shape is " + std::to_string((*kernel)[0]) + "x" + std::to_string((*kernel)[1]) +
                ", but the weights are " + std::to_string(kernel_h) + "x" + std::to_string(kernel_w));
  }
  const auto strides = read_pair(call, "strides", 1, is_line);
  const auto dilations = read_pair(call, "dilations", 1, is_line);
  graph::Window window;
  window.kernel_h = in_range("kernel_shape", (*kernel)[0], 1);
  window.kernel_w = in_range("kernel_shape", (*kernel)[1], 1);
  window.stride_h = in_range("strides", strides[0], 1);
  window.stride_w = in_range("strides", strides[1], 1);
  window.dilation_h = in_range("dilations", dilations[0], 1);
  window.dilation_w = in_range("dilations", dilations[1], 1);

  const std::string auto_pad = call.text("auto_pad", "NOTSET");
  const auto pads = call.integers("pads");
  Padding own;
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    window.auto_pad = auto_pad == "SAME_UPPER" ? graph::AutoPad::same_upper : graph::AutoPad::same_lower;
  } else if (auto_pad == "NOTSET") {
    auto values = pads.value_or(std::vector<std::int64_t>(is_line ? 2 : 4, 0));
    widen(values, is_line, 0);
    if (values.size() != 4) throw Error("pads must have 4 values: images have 2 dimensions");
    for (const std::int64_t value : values) in_range("pads", value, 0);
    own = {.top = values[0], .left = values[1], .bottom = values[2], .right = values[3]};
  } else if (auto_pad != "VALID") {
    throw Error("auto_pad '" + auto_pad + "' is not supported");
  }
  window.pad_top = in_range("padding", own.top + before.top, 0);
  window.pad_left = in_range("padding", own.left + before.left, 0);
  window.pad_bottom = in_range("padding", own.bottom + before.bottom, 0);
  window.pad_right = in_range("padding", own.right + before.right, 0);
  return {.window = window, .pads = own != Padding{} || window.auto_pad != graph::AutoPad::none};
}

}  // namespace riffle::onnx
