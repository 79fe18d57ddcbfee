// Conv, ConvTranspose, and the batch normalisation behind them.
#include <algorithm>
#include <array>

#include "io/onnx/combine.hpp"
#include "io/onnx/operators.hpp"
#include "io/onnx/window.hpp"

namespace riffle::onnx {

void import_convolution(Call& call) {
  const Padded* padded = call.padded(0);
  const Padding before = padded != nullptr ? padded->padding : Padding{};
  Floats weights = call.floats(1);
  const bool is_line = weights.dims.size() == 3 && padded == nullptr && call.tensor(0).axes.size() == 3;
  const graph::NodeId operand = padded != nullptr ? padded->view.node
                                : is_line         ? call.image_or_line(0).node
                                                  : call.image(0).node;
  const graph::Shape in = call.importer.shape(operand);

  if (is_line) weights.dims.insert(weights.dims.begin() + 2, 1);
  if (weights.dims.size() != 4) throw Error("the weights must be (outputs, channels, height, width)");
  const std::int64_t groups = call.integer("group", 1);
  if (groups < 1 || groups > graph::max_extent) throw Error("group is " + std::to_string(groups));
  if (weights.dims[0] < 1 || weights.dims[0] > graph::max_extent) {
    throw Error("the weights are for " + std::to_string(weights.dims[0]) + " outputs");
  }
  if (weights.dims[1] > graph::max_extent || weights.dims[1] * groups != in.c) {
    throw Error("the weights are for " + std::to_string(groups) + " groups of " + std::to_string(weights.dims[1]) +
                " channels, the input has " + std::to_string(in.c));
  }
  if (weights.dims[2] < 1 || weights.dims[3] < 1) throw Error("the kernel is empty");

  graph::Convolution convolution;
  convolution.outputs = static_cast<std::int32_t>(weights.dims[0]);
  convolution.groups = static_cast<std::int32_t>(groups);
  convolution.window = read_window(call, before, weights.dims[2], weights.dims[3]).window;
  convolution.weights = weights.values;
  if (call.has(2)) {
    convolution.bias = call.floats(2).values;
    if (static_cast<std::int64_t>(convolution.bias.size()) != weights.dims[0]) {
      throw Error("the bias has " + std::to_string(convolution.bias.size()) + " values for " +
                  std::to_string(weights.dims[0]) + " outputs");
    }
  }
  call.result_image(call.importer.add(call.name(), std::move(convolution), {operand}));
}

namespace {

/// One direction of a ConvTranspose.
struct TransposedAxis {
  std::int64_t in, kernel, stride, dilation, more;
  std::int64_t before = 0, after = 0;

  /// How long the result is without padding.
  [[nodiscard]] std::int64_t whole() const { return (in - 1) * stride + (kernel - 1) * dilation + 1 + more; }

  /// Pads so that the result is `wanted` long, where that is less; else the result is as long as it is.
  void pad_to(std::int64_t wanted, bool more_behind) {
    const std::int64_t total = std::max<std::int64_t>(whole() - wanted, 0), less = total / 2;
    before = more_behind ? less : total - less;
    after = total - before;
  }
};

std::vector<std::int64_t> pair_of(Call& call, const char* attribute, std::int64_t otherwise) {
  const auto values = call.integers(attribute).value_or(std::vector<std::int64_t>{otherwise, otherwise});
  if (values.size() != 2) throw Error(std::string(attribute) + " must have 2 values: images have 2 dimensions");
  for (const std::int64_t value : values) {
    if (value < 0 || value > graph::max_extent) {
      throw Error(std::string(attribute) + " holds " + std::to_string(value) + ", not in 0 to " +
                  std::to_string(graph::max_extent));
    }
  }
  return values;
}

/// Of padding and the like, which were computed from numbers that are in range.
std::int32_t in_range(std::int64_t value) {
  if (value < 0 || value > graph::max_extent) {
    throw Error("padding by " + std::to_string(value) + " is not in 0 to " + std::to_string(graph::max_extent));
  }
  return static_cast<std::int32_t>(value);
}

/// Padding and what is added, of both directions: as the attributes say it, or as the size asks for it that they name.
void read_padding(Call& call, std::array<TransposedAxis, 2>& axes, const graph::Shape& in, Extents open) {
  axes[0].in = in.h;
  axes[1].in = in.w;
  const std::string auto_pad = call.text("auto_pad", "NOTSET");
  const auto pads = call.integers("pads");
  const auto wanted = call.integers("output_shape");
  if (auto_pad != "NOTSET" && auto_pad != "VALID" && auto_pad != "SAME_UPPER" && auto_pad != "SAME_LOWER") {
    throw Error("auto_pad '" + auto_pad + "' is not supported");
  }
  const bool is_upper = auto_pad == "SAME_UPPER";
  if (wanted) {
    const std::size_t first = wanted->size() == 4 ? 2 : 0;  // with the batch and the channels in front, or without
    if (wanted->size() != first + 2) throw Error("output_shape must have 2 values: images have 2 dimensions");
    if (open.any()) throw Error("output_shape is a size in numbers");
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t size = (*wanted)[first + i];
      if (size < 1 || size > graph::max_extent) throw Error("output_shape holds " + std::to_string(size));
      axes[i].pad_to(size, is_upper);
      axes[i].more += std::max<std::int64_t>(size - axes[i].whole(), 0);
    }
  } else if (is_upper || auto_pad == "SAME_LOWER") {
    for (TransposedAxis& axis : axes) axis.pad_to(axis.in * axis.stride, is_upper);
  } else if (pads && auto_pad == "NOTSET") {
    if (pads->size() != 4) throw Error("pads must have 4 values: images have 2 dimensions");
    for (std::size_t i = 0; i < 2; ++i) {
      axes[i].before = (*pads)[i];
      axes[i].after = (*pads)[i + 2];
    }
  }
}

}  // namespace

void import_transposed_convolution(Call& call) {
  const graph::NodeId operand = call.image(0).node;
  const graph::Shape in = call.importer.shape(operand);
  const Floats& weights = call.floats(1);
  if (weights.dims.size() != 4) throw Error("the weights must be (channels, outputs, height, width)");
  const std::int64_t groups = call.integer("group", 1);
  if (groups < 1 || groups > graph::max_extent) throw Error("group is " + std::to_string(groups));
  if (weights.dims[0] != in.c) {
    throw Error("the weights are for " + std::to_string(weights.dims[0]) + " channels, the input has " +
                std::to_string(in.c));
  }
  if (weights.dims[1] < 1 || weights.dims[1] > graph::max_extent || weights.dims[1] * groups > graph::max_extent) {
    throw Error("the weights are for " + std::to_string(weights.dims[1]) + " outputs a group");
  }
  const auto kernel = call.integers("kernel_shape").value_or(std::vector{weights.dims[2], weights.dims[3]});
  if (kernel != std::vector{weights.dims[2], weights.dims[3]}) throw Error("kernel_shape is not that of the weights");
  for (const std::int64_t extent : kernel) {
    if (extent < 1 || extent > graph::max_extent) throw Error("the kernel is " + std::to_string(extent));
  }
  const auto strides = pair_of(call, "strides", 1), dilations = pair_of(call, "dilations", 1);
  const auto more = pair_of(call, "output_padding", 0);
  std::array<TransposedAxis, 2> axes;
  for (std::size_t i = 0; i < 2; ++i) {
    axes[i] = {.in = 0, .kernel = kernel[i], .stride = strides[i], .dilation = dilations[i], .more = more[i]};
  }
  read_padding(call, axes, in, call.importer.open(operand));

  graph::TransposedConvolution result;
  result.outputs = static_cast<std::int32_t>(weights.dims[1] * groups);
  result.groups = static_cast<std::int32_t>(groups);
  result.window = {.kernel_h = in_range(axes[0].kernel),
                   .kernel_w = in_range(axes[1].kernel),
                   .stride_h = in_range(axes[0].stride),
                   .stride_w = in_range(axes[1].stride),
                   .pad_top = in_range(axes[0].before),
                   .pad_left = in_range(axes[1].before),
                   .pad_bottom = in_range(axes[0].after),
                   .pad_right = in_range(axes[1].after),
                   .dilation_h = in_range(axes[0].dilation),
                   .dilation_w = in_range(axes[1].dilation)};
  result.more_bottom = in_range(axes[0].more);
  result.more_right = in_range(axes[1].more);
  result.weights = weights.values;
  if (call.has(2)) result.bias = call.floats(2).values;
  call.result_image(call.importer.add(call.name(), std::move(result), {operand}));
}

void import_batch_normalization(Call& call) {
  View& view = call.tensor(0);
  call.importer.settle(view);
  const auto are_its_channels = [&] {
    return view.axes.size() > 1 && channel_axis(view) == 1 && is_of_channels(view.axes[1]);
  };
  if (!are_its_channels() && view.axes.size() > 1) call.importer.arrange(view, with_channels(view, {1}));
  if (!are_its_channels()) {
    throw Error("the channels of its input " + text(view) + " are not dimension 1");
  }
  for (std::size_t i = 1; i < call.outputs(); ++i) {
    if (call.output_used(i)) throw Error("it is exported for training: its further outputs are used");
  }
  if (call.integer("training_mode", 0) != 0) throw Error("it is exported for training (training_mode is set)");
  call.ignore("momentum");  // of training
  if (call.integer("spatial", 1) != 1) throw Error("it has a mean and a variance for each pixel (spatial is 0)");
  graph::BatchNorm norm;
  norm.scale = call.floats(1).values;
  norm.shift = call.floats(2).values;
  norm.mean = call.floats(3).values;
  norm.variance = call.floats(4).values;
  norm.epsilon = call.real("epsilon", 1e-5F);
  View result = view;
  result.node = call.importer.add(call.name(), std::move(norm), {view.node});
  call.result(std::move(result));
}

}  // namespace riffle::onnx
