// Normalisations by what is computed from the tensor itself, in words that the engine has.
#include <algorithm>

#include "io/onnx/combine.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

using graph::BinaryKind;
using graph::ReduceKind;

/// (x - mean) / sqrt(variance + epsilon) over the axes.
View normalised(Call& call, View x, const std::vector<bool>& axes, float epsilon) {
  Importer& importer = call.importer;
  const std::string name = call.name();
  const View mean = reduced(importer, name + ".mean", ReduceKind::mean, x, axes);
  const View centred = combined(importer, name + ".centred", BinaryKind::subtract, std::move(x), mean);
  View variance = combined(importer, name + ".squares", BinaryKind::multiply, centred, centred);
  variance = reduced(importer, name + ".variance", ReduceKind::mean, std::move(variance), axes);
  variance = combined(importer, name + ".epsilon", BinaryKind::add, std::move(variance), epsilon);
  const View factor = combined(importer, name + ".factor", BinaryKind::power, std::move(variance), -0.5F);
  return combined(importer, name + ".normalised", BinaryKind::multiply, centred, factor);
}

/// Times the second input, plus the third, if there is one, both as arrays of these dimensions.
View scaled(Call& call, View x, const std::vector<std::int64_t>* dims) {
  for (std::size_t i = 1; i <= 2; ++i) {
    if (!call.has(i)) continue;
    Floats constant = call.floats(i);
    if (dims != nullptr) {
      if (element_count(*dims) != static_cast<std::int64_t>(constant.values.size())) {
        throw Error("input " + std::to_string(i) + " has " + std::to_string(constant.values.size()) + " values");
      }
      constant.dims = *dims;
    }
    const bool is_last = i == 2 || !call.has(2);
    const std::string name = call.name() + (is_last ? "" : ".scale");
    x = combined(call.importer, name, i == 1 ? BinaryKind::multiply : BinaryKind::add, std::move(x), constant);
  }
  return x;
}

/// Every axis from `first` on.
std::vector<bool> axes_from(std::size_t first, std::size_t rank) {
  std::vector<bool> axes(rank, false);
  std::fill(axes.begin() + static_cast<std::ptrdiff_t>(first), axes.end(), true);
  return axes;
}

}  // namespace

void import_layer_normalization(Call& call) {
  View view = call.tensor(0);
  const std::size_t axis = Call::axis(call.integer("axis", -1), view.axes.size());
  const float epsilon = call.real("epsilon", 1e-5F);
  call.ignore("stash_type");  // in which it computes: in float
  if (call.output_used(1) || call.output_used(2)) throw Error("its further outputs are used");
  const std::vector<bool> axes = axes_from(axis, view.axes.size());
  call.result(scaled(call, normalised(call, std::move(view), axes, epsilon), nullptr));
}

void import_instance_normalization(Call& call) {
  View view = call.tensor(0);
  const std::size_t rank = view.axes.size();
  if (rank < 3) throw Error("its input is a view " + text(view) + " without pixels");
  const float epsilon = call.real("epsilon", 1e-5F);
  std::vector<std::int64_t> dims(rank - 1, 1);  // (C, 1, ... 1)
  dims[0] = static_cast<std::int64_t>(call.floats(1).values.size());
  call.result(scaled(call, normalised(call, std::move(view), axes_from(2, rank), epsilon), &dims));
}

void import_group_normalization(Call& call) {
  const View& view = call.image(0);
  const std::int64_t groups = call.integer("num_groups", 0);
  const float epsilon = call.real("epsilon", 1e-5F);
  call.ignore("stash_type");
  const std::vector<Quantity> whole = extents(view);
  const std::int64_t channels = whole[1].numerator;
  if (groups < 1 || channels % groups != 0) {
    throw Error(std::to_string(channels) + " channels do not divide by " + std::to_string(groups) + " groups");
  }
  const std::vector<Quantity> grouped = {whole[0], Quantity(groups), Quantity(channels / groups), whole[2], whole[3]};
  const auto cut = reshape(view, grouped);
  if (!cut) throw Error("its input " + text(view) + " cannot be cut into groups");
  View result = normalised(call, *cut, axes_from(2, 5), epsilon);
  const bool by_group = static_cast<std::int64_t>(call.floats(1).values.size()) == groups;  // before opset 21
  const std::vector<std::int64_t> dims = by_group ? std::vector<std::int64_t>{groups, 1, 1, 1}
                                                  : std::vector<std::int64_t>{groups, channels / groups, 1, 1};
  result = scaled(call, std::move(result), &dims);
  const auto back = reshape(result, whole);
  if (!back) throw Error("its groups " + text(result) + " cannot be joined");
  call.result(*back);
}

void import_lp_normalization(Call& call) {
  View view = call.tensor(0);
  const std::size_t axis = Call::axis(call.integer("axis", -1), view.axes.size());
  const std::int64_t p = call.integer("p", 2);
  if (p != 1 && p != 2) throw Error("p is " + std::to_string(p) + ", not 1 or 2");
  std::vector<bool> axes(view.axes.size(), false);
  axes[axis] = true;
  View norm = view;
  if (p == 1) norm = activated(call.importer, call.name() + ".absolute", {{}, kernels::Function::absolute}, norm);
  norm = reduced(call.importer, call.name() + ".norm", p == 1 ? ReduceKind::sum : ReduceKind::l2, norm, axes);
  call.result(combined(call.importer, call.name(), BinaryKind::divide, std::move(view), norm));
}

/// What is added to the deviation is next to nothing, and so is its square, added to the variance.
void import_mean_variance_normalization(Call& call) {
  View view = call.tensor(0);
  std::vector<bool> axes(view.axes.size(), false);
  for (const std::int64_t axis : call.integers("axes").value_or(std::vector<std::int64_t>{0, 2, 3})) {
    const std::size_t i = Call::axis(axis, view.axes.size());
    axes[i] = !view.axes[i].empty();  // of a batch of one it is over nothing
  }
  call.result(normalised(call, std::move(view), axes, 1e-18F));
}

void import_softmax(Call& call) {
  View& view = call.tensor(0);
  if (channel_axis(view)) call.importer.settle(view);
  // Before opset 13 everything from `axis` on is one vector; since then only `axis` is.
  const bool flattens = call.importer.opset() < 13;
  const std::size_t first = Call::axis(call.integer("axis", flattens ? 1 : -1), view.axes.size());
  const std::size_t last = flattens ? view.axes.size() - 1 : first;
  std::vector<bool> normalised(view.axes.size(), false);
  std::vector<std::size_t> axes;
  bool are_channels = true;
  for (std::size_t i = first; i <= last; ++i) {
    if (std::ranges::any_of(view.axes[i], is_batch)) throw Error("it is over the batch");
    normalised[i] = true;
    are_channels = are_channels && is_of_channels(view.axes[i]);
    axes.push_back(i);
  }
  if (!are_channels) call.importer.arrange(view, with_channels(view, std::move(axes)));
  call.result(softmax_of_channels(call.importer, call.name(), view, normalised));
}

/// x / (bias + alpha / size * the sum of the squares of `size` neighbours among the channels)^beta: the sum is a
/// pointwise convolution.
void import_lrn(Call& call) {
  const View& view = call.image(0);
  const std::int64_t size = call.integer("size", 0), channels = call.importer.shape(view.node).c;
  if (size < 1 || size > graph::max_extent) throw Error("size is " + std::to_string(size));
  const float alpha = call.real("alpha", 1e-4F), beta = call.real("beta", 0.75F), bias = call.real("bias", 1.0F);
  call.importer.charge(channels * channels);
  std::vector<float> weights;
  for (std::int64_t o = 0; o < channels; ++o) {
    for (std::int64_t i = 0; i < channels; ++i) {
      const bool is_near = i >= o - (size - 1) / 2 && i <= o + size / 2;
      weights.push_back(is_near ? alpha / static_cast<float>(size) : 0.0F);
    }
  }
  graph::Convolution sum;
  sum.outputs = static_cast<std::int32_t>(channels);
  sum.weights = graph::Constant(std::move(weights));
  sum.bias = graph::Constant(std::vector<float>(static_cast<std::size_t>(channels), bias));
  View power = combined(call.importer, call.name() + ".squares", BinaryKind::multiply, view, view);
  power.node = call.importer.add(call.name() + ".sum", std::move(sum), {power.node});
  power = combined(call.importer, call.name() + ".power", BinaryKind::power, std::move(power), -beta);
  call.result(combined(call.importer, call.name(), BinaryKind::multiply, view, power));
}

/// x - most - log(sum(exp(x - most))), which no probability that is too small for a float makes infinite.
void import_log_softmax(Call& call) {
  const View view = call.tensor(0);
  const bool flattens = call.importer.opset() < 13;  // as Softmax does
  const std::size_t first = Call::axis(call.integer("axis", flattens ? 1 : -1), view.axes.size());
  std::vector<bool> axes = axes_from(first, view.axes.size());
  if (!flattens) {
    axes.assign(view.axes.size(), false);
    axes[first] = true;
  }
  Importer& importer = call.importer;
  const std::string name = call.name();
  const View most = reduced(importer, name + ".most", ReduceKind::maximum, view, axes);
  const View less = combined(importer, name + ".less", BinaryKind::subtract, view, most);
  View sum = activated(importer, name + ".powers", {{}, kernels::Function::exp}, less);
  sum = reduced(importer, name + ".sum", ReduceKind::sum, std::move(sum), axes);
  sum = activated(importer, name + ".log", {{}, kernels::Function::log}, std::move(sum));
  call.result(combined(importer, name, BinaryKind::subtract, less, sum));
}

}  // namespace riffle::onnx
