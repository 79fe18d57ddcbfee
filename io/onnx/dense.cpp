// Gemm and MatMul: fully connected layers.
#include <algorithm>

#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

/// The (outputs, inputs) weights of a product with `matrix`, which is that or its transpose, times `scale`.
graph::Constant weights_of(Call& call, const Floats& matrix, bool transposed, float scale) {
  if (matrix.dims.size() != 2) throw Error("the weights are not a matrix");
  const std::int64_t outputs = matrix.dims[transposed ? 0 : 1];
  if (outputs < 1 || outputs > graph::max_extent) {
    throw Error("the weights are for " + std::to_string(outputs) + " outputs");
  }
  graph::Constant weights = transposed ? matrix.values : matrix.transpose;
  if (weights.empty()) {
    call.importer.charge(3 * static_cast<std::int64_t>(matrix.values.size()));
    const auto positions = transposed_positions(matrix.dims, std::vector<std::size_t>{1, 0});
    weights = std::get<Floats>(pick(matrix, {matrix.dims[1], matrix.dims[0]}, positions)).values;
  }
  if (scale == 1.0F) return weights;
  return weights.scaled(std::vector<double>(static_cast<std::size_t>(outputs), scale));
}

/// C of Gemm, which may be a value an output or one for all.
graph::Constant bias_of(Call& call, const Floats& c, std::int64_t outputs, float scale) {
  for (std::size_t i = 0; i < c.dims.size(); ++i) {
    if (c.dims[i] != 1 && !(i + 1 == c.dims.size() && c.dims[i] == outputs)) {
      throw Error("the bias is not one value for each of the " + std::to_string(outputs) + " outputs");
    }
  }
  const std::span<const float> from = c.values.values();
  if (static_cast<std::int64_t>(from.size()) == outputs && scale == 1.0F) return c.values;
  call.importer.charge(outputs);
  std::vector<float> values;
  for (std::int64_t i = 0; i < outputs; ++i) {
    values.push_back(scale * from[from.size() == 1 ? 0 : static_cast<std::size_t>(i)]);
  }
  return graph::Constant(std::move(values));
}

/// (N, C * H * W)
View flattened(Call& call, graph::NodeId node) {
  View view = call.importer.whole(node);
  for (const std::size_t i : {2, 3}) {
    view.axes[1].insert(view.axes[1].end(), view.axes[i].begin(), view.axes[i].end());
  }
  view.axes.resize(2);
  return view;
}

/// The matrix's columns are the flattened image's channels of rows of columns. `transposed`: the tensor is (C * H * W,
/// N).
void add_product(Call& call, bool transposed, graph::Constant weights, std::int64_t inputs, std::int64_t outputs,
                 graph::Constant bias) {
  View view = call.tensor(0);
  if (transposed) {
    if (view.axes.size() != 2)
      throw Error("the input is a view " + text(view) + " that is not a matrix (C * H * W, N)");
    view = transpose(view, std::vector<std::size_t>{1, 0});
  }
  if (channel_axis(view)) call.importer.settle(view);
  if (view.axes.size() == 2 && view.axes != flattened(call, view.node).axes) {
    call.importer.arrange(view, {.rows = {}, .columns = {}, .channels = {1}});
  }
  const graph::Shape in = call.importer.shape(view.node);
  if (view.axes != flattened(call, view.node).axes) {
    throw Error("the input is a view " + text(view) + " that is not a flattened tensor (N, C * H * W)");
  }
  if (inputs != in.size()) {
    throw Error("the weights are for " + std::to_string(inputs) + " inputs, the input has " +
                std::to_string(in.size()));
  }
  graph::FullyConnected dense;
  dense.outputs = static_cast<std::int32_t>(outputs);
  dense.weights = std::move(weights);
  dense.bias = std::move(bias);
  dense.height = in.h;
  dense.width = in.w;
  const graph::NodeId node = call.importer.add(call.name(), std::move(dense), {view.node});
  call.result(whole_vector("", node, static_cast<std::int32_t>(outputs), call.importer.batch()));
}

}  // namespace

void import_gemm(Call& call) {
  const bool operand_transposed = call.integer("transA", 0) != 0;
  const bool transposed = call.integer("transB", 0) != 0;
  const float alpha = call.real("alpha", 1.0F), beta = call.real("beta", 1.0F);
  const Floats& b = call.floats(1);
  graph::Constant weights = weights_of(call, b, transposed, alpha);
  const std::int64_t outputs = b.dims[transposed ? 0 : 1], inputs = b.dims[transposed ? 1 : 0];
  graph::Constant bias;
  if (call.has(2)) bias = bias_of(call, call.floats(2), outputs, beta);
  add_product(call, operand_transposed, std::move(weights), inputs, outputs, std::move(bias));
}

void import_matmul(Call& call) {
  const Floats& b = call.floats(1);
  graph::Constant weights = weights_of(call, b, false, 1.0F);
  add_product(call, false, std::move(weights), b.dims[0], b.dims[1], {});
}

}  // namespace riffle::onnx
