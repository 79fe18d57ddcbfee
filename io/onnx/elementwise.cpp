// Operations that leave a tensor's shape as it is.
#include <algorithm>
#include <cmath>
#include <limits>

#include "io/onnx/functions.hpp"
#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

void activate(Call& call, graph::Activation kind) {
  View& view = call.tensor(0);
  // The order of the elements does not matter here; it is only that a slice should not be computed in full.
  if (channel_axis(view)) call.importer.settle(view);
  View result = view;
  result.node = call.importer.add(call.name(), graph::Activate{kind}, {view.node});
  call.result(std::move(result));
}

/// A bound of Clip: an attribute before opset 11, an input since; `none` where there is neither. The greatest float,
/// and the least, are none as well: that is what opset 6 takes where the attribute is missing, and what exporters
/// write.
float bound(Call& call, const char* attribute, std::size_t input, float none) {
  float given = call.real(attribute, none);
  if (call.has(input)) {
    const auto* floats = std::get_if<Floats>(&call.value(input));
    if (floats != nullptr && floats->values.size() == 1) {
      given = floats->values.values()[0];
    } else {
      const Numbers numbers = call.numbers(input);
      if (numbers.values.size() != 1) throw Error("a bound is not a single number");
      given = static_cast<float>(known_integers(numbers)[0]);
    }
  }
  return given == std::copysign(std::numeric_limits<float>::max(), none) ? none : given;
}

/// Values a channel, from a constant that is broadcast to the view: of size 1 everywhere but on the channels' axis.
graph::Constant channel_values(Call& call, const Floats& constant, const View& view, std::int32_t count) {
  const std::size_t rank = constant.dims.size();
  if (rank > view.axes.size()) throw Error("the constant has more dimensions than the tensor");
  for (std::size_t i = 0; i < rank; ++i) {
    const Axis& axis = view.axes[view.axes.size() - rank + i];
    const bool is_channels = axis.size() == 1 && axis[0].index == Index::channel;
    if (constant.dims[i] != 1 && !(is_channels && constant.dims[i] == count)) {
      throw Error("a constant can be added to a tensor " + text(view) + " only as one value a channel");
    }
  }
  if (static_cast<std::int32_t>(constant.values.size()) == count) return constant.values;
  call.importer.charge(count);
  return graph::Constant(std::vector<float>(static_cast<std::size_t>(count), constant.values.values()[0]));
}

graph::Constant* bias_of(graph::Node& node) {
  if (auto* dense = std::get_if<graph::FullyConnected>(&node.operation)) return &dense->bias;
  if (auto* convolution = std::get_if<graph::Convolution>(&node.operation)) return &convolution->bias;
  return nullptr;
}

/// What is added behind a product without a bias of its own is its bias. Elsewhere it is a batch norm of which only the
/// shift is left, and the engine folds that.
void add_constant(Call& call, std::size_t tensor, const Floats& constant) {
  View& view = call.tensor(tensor);
  call.importer.settle(view);
  const std::int32_t count = call.importer.shape(view.node).c;
  graph::Constant shift = channel_values(call, constant, view, count);
  View result = view;
  graph::Constant* bias = bias_of(call.importer.node(view.node));
  if (bias != nullptr && bias->empty() && call.importer.is_private(call.input_name(tensor), view.node)) {
    *bias = std::move(shift);
  } else {
    call.importer.charge(2 * static_cast<std::int64_t>(count));
    const graph::Constant ones(std::vector<float>(static_cast<std::size_t>(count), 1.0F));
    const graph::Constant zeros(std::vector<float>(static_cast<std::size_t>(count), 0.0F));
    result.node = call.importer.add(
        call.name(),
        graph::BatchNorm{.scale = ones, .shift = std::move(shift), .mean = zeros, .variance = ones, .epsilon = 0.0F},
        {view.node});
  }
  call.result(std::move(result));
}

}  // namespace

void import_relu(Call& call) { activate(call, graph::Activation::relu); }

void import_function(Call& call) {
  const auto* const found = std::ranges::find(function_operators, call.type(), &FunctionOperator::type);
  activate(call, {{}, found->function});
}

void import_clip(Call& call) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float lower = bound(call, "min", 1, -infinity), upper = bound(call, "max", 2, infinity);
  activate(call, {{lower, upper}});
}

void import_add(Call& call) {
  const bool tensors[2] = {call.is_tensor(0), call.is_tensor(1)};
  if (!tensors[0] && !tensors[1]) return import_arithmetic(call);
  if (!tensors[0] || !tensors[1]) {
    const std::size_t tensor = tensors[0] ? 0 : 1;
    return add_constant(call, tensor, call.floats(1 - tensor));
  }
  View& a = call.tensor(0);
  View& b = call.tensor(1);
  call.importer.settle(a);
  call.importer.settle(b);
  if (a.axes != b.axes || call.importer.shape(a.node) != call.importer.shape(b.node)) {
    throw Error("only tensors of the same shape can be added, not " + text(a) + " and " + text(b));
  }
  View result = a;
  result.node = call.importer.add(call.name(), graph::Add{}, {a.node, b.node});
  call.result(std::move(result));
}

void import_softmax(Call& call) {
  View& view = call.tensor(0);
  if (channel_axis(view)) call.importer.settle(view);
  // Before opset 13 everything from `axis` on is one vector; since then only `axis` is.
  const bool flattens = call.importer.opset() < 13;
  const std::size_t first = Call::axis(call.integer("axis", flattens ? 1 : -1), view.axes.size());
  const std::size_t last = flattens ? view.axes.size() - 1 : first;
  Axis normalised;
  std::vector<std::size_t> axes;
  for (std::size_t i = first; i <= last; ++i) {
    normalised.insert(normalised.end(), view.axes[i].begin(), view.axes[i].end());
    axes.push_back(i);
  }
  const auto is_batch = [](const Factor& factor) { return factor.index == Index::batch; };
  if (std::ranges::any_of(normalised, is_batch)) throw Error("it is over the batch");
  const std::int32_t count = call.importer.shape(view.node).c;
  const Axis all = count == 1 ? Axis{} : Axis{{.index = Index::channel, .extent = count}};
  if (normalised != all) call.importer.arrange(view, with_channels(view, std::move(axes)));
  View result = view;
  result.node = call.importer.add(call.name(), graph::Softmax{}, {view.node});
  call.result(std::move(result));
}

void import_identity(Call& call) {
  if (call.type() == "Dropout") {  // which passes everything on where nothing is trained
    call.ignore("ratio");
    call.ignore("seed");
    if (call.output_used(1)) throw Error("its second output, the mask, is used");
    if (call.has(2)) {
      const std::vector<std::int64_t> training = known_integers(call.numbers(2));
      if (training.size() != 1 || training[0] != 0) throw Error("it is exported for training");
    }
  }
  call.result(call.value(0));
}

}  // namespace riffle::onnx
