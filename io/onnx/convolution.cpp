// Conv, the batch normalisation behind it and the zeros that a Pad puts before it.
#include <algorithm>

#include "io/onnx/operators.hpp"
#include "io/onnx/window.hpp"

namespace riffle::onnx {

void import_convolution(Call& call) {
  const auto* padded = std::get_if<Padded>(&call.value(0));
  const Padding before = padded != nullptr ? padded->padding : Padding{};
  const graph::NodeId operand = padded != nullptr ? padded->view.node : call.image(0).node;
  const graph::Shape in = call.importer.shape(operand);

  const Floats& weights = call.floats(1);
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

void import_batch_normalization(Call& call) {
  View& view = call.tensor(0);
  call.importer.settle(view);
  const auto is_channel = [](const Factor& f) { return f.index == Index::channel; };
  const auto is_of_channels = [&] {
    return view.axes.size() > 1 && channel_axis(view) == 1 && std::ranges::all_of(view.axes[1], is_channel);
  };
  if (!is_of_channels() && view.axes.size() > 1) call.importer.arrange(view, with_channels(view, {1}));
  if (!is_of_channels()) {
    throw Error("the channels of its input " + text(view) + " are not dimension 1");
  }
  for (std::size_t i = 1; i < call.outputs(); ++i) {
    if (call.output_used(i)) throw Error("it is exported for training: its further outputs are used");
  }
  if (call.integer("training_mode", 0) != 0) throw Error("it is exported for training (training_mode is set)");
  call.ignore("momentum");  // of training
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

void import_pad(Call& call) {
  const std::string mode = call.text("mode", "constant");
  if (mode != "constant") throw Error("the mode '" + mode + "' is not supported (constant is)");
  float fill = call.real("value", 0.0F);
  if (call.has(2)) {
    const Numbers given = call.numbers(2);
    if (given.values.size() != 1) throw Error("the value is not a single number");
    fill = given.values[0] == Quantity(0) ? 0.0F : 1.0F;
  }
  if (fill != 0.0F) throw Error("padding with anything but zero is not supported");
  const auto pads = call.list("pads", 1);
  if (!pads) throw Error("it has no pads");

  // Padding may come in several steps; some exporters pad by nothing before every pooling.
  auto* padded = std::get_if<Padded>(&call.value(0));
  const View& view = padded != nullptr ? padded->view : call.tensor(0);
  const std::size_t rank = view.axes.size();
  std::vector<std::int64_t> axes;
  if (const auto given = call.list("axes", 3)) {
    axes = *given;
  } else {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  if (axes.size() > rank || pads->size() != 2 * axes.size()) {
    throw Error("pads has " + std::to_string(pads->size()) + " values for " + std::to_string(axes.size()) + " axes");
  }
  Padding padding = padded != nullptr ? padded->padding : Padding{};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = Call::axis(axes[i], rank);
    const std::int64_t before = (*pads)[i], after = (*pads)[i + axes.size()];
    if (before == 0 && after == 0) continue;
    if (rank != 4 || axis < 2) throw Error("only the height and width of images can be padded");
    if (before < 0 || after < 0 || before > graph::max_extent || after > graph::max_extent) {
      throw Error("pads holds " + std::to_string(before) + " and " + std::to_string(after) + ", not in 0 to " +
                  std::to_string(graph::max_extent));
    }
    (axis == 2 ? padding.top : padding.left) += before;
    (axis == 2 ? padding.bottom : padding.right) += after;
  }
  if (padding == Padding{}) return call.result(view);
  call.result(Padded{.view = padded != nullptr ? padded->view : call.image(0), .padding = padding});
}

}  // namespace riffle::onnx
