#include "io/onnx/window.hpp"

namespace riffle::onnx {
namespace {

std::vector<std::int64_t> read_pair(Call& call, const char* attribute, std::int64_t otherwise) {
  const auto values = call.integers(attribute).value_or(std::vector<std::int64_t>{otherwise, otherwise});
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
  const auto kernel = call.integers("kernel_shape").value_or(std::vector<std::int64_t>{kernel_h, kernel_w});
  if (kernel.size() != 2) throw Error("kernel_shape must have 2 values: images have 2 dimensions");
  if (kernel_h != 0 && (kernel[0] != kernel_h || kernel[1] != kernel_w)) {
    throw Error("kernel_shape is " + std::to_string(kernel[0]) + "x" + std::to_string(kernel[1]) +
                ", but the weights are " + std::to_string(kernel_h) + "x" + std::to_string(kernel_w));
  }
  const auto strides = read_pair(call, "strides", 1);
  const auto dilations = read_pair(call, "dilations", 1);
  graph::Window window;
  window.kernel_h = in_range("kernel_shape", kernel[0], 1);
  window.kernel_w = in_range("kernel_shape", kernel[1], 1);
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
    const auto values = pads.value_or(std::vector<std::int64_t>(4, 0));
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
