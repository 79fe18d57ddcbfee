// Gemm and MatMul: fully connected layers, pointwise convolutions, and products of two tensors.
#include "io/onnx/dense.hpp"

#include <algorithm>
#include <array>

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
  if (view.axes.size() == 2 && !std::ranges::all_of(view.axes[0], is_batch)) {  // rows that are not images'
    return call.result(product_along(call, view, 1, std::move(weights), inputs, outputs, std::move(bias)));
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

/// A constant as a matrix: a vector becomes a column, or a row where it is the first factor; ones in front of two
/// dimensions say nothing.
Floats as_matrix(Floats constant, bool is_first) {
  std::vector<std::int64_t>& dims = constant.dims;
  if (dims.size() == 1) dims.insert(is_first ? dims.begin() : dims.end(), 1);
  while (dims.size() > 2 && dims[0] == 1) dims.erase(dims.begin());
  if (dims.size() != 2) throw Error("the weights are not a matrix");
  return constant;
}

/// A matrix times a tensor, or a tensor times a matrix.
void multiply_by_matrix(Call& call, std::size_t matrix) {
  const Floats& given = call.floats(matrix);
  const bool is_first = matrix == 0, is_vector = given.dims.size() == 1;
  const Floats weights = as_matrix(given, is_first);
  const std::int64_t outputs = weights.dims[is_first ? 0 : 1], inputs = weights.dims[is_first ? 1 : 0];
  graph::Constant rows = weights_of(call, weights, is_first, 1.0F);
  View& view = call.tensor(1 - matrix);
  const std::size_t rank = view.axes.size();
  if (given.dims.size() > std::max<std::size_t>(rank, 2))
    throw Error("the weights have more dimensions than the tensor " + text(view));
  if (rank == 0 || (rank == 1 && std::ranges::any_of(view.axes[0], is_batch))) {
    throw Error("a product over the batch is not supported");
  }
  const bool is_of_images = rank == 2 && !is_first && !is_vector && std::ranges::all_of(view.axes[0], is_batch);
  if (is_of_images) return add_product(call, false, std::move(rows), inputs, outputs, {});
  const std::size_t axis = is_first && rank > 1 ? rank - 2 : rank - 1;
  View result = product_along(call, view, axis, std::move(rows), inputs, outputs, {});
  if (is_vector || rank == 1) result.axes.erase(result.axes.begin() + static_cast<std::ptrdiff_t>(axis));
  call.result(std::move(result));
}

/// Of two tensors (..., M, K) and (..., K, P).
void multiply_tensors(Call& call) {
  View a = call.tensor(0), b = call.tensor(1);
  const std::size_t rank = a.axes.size();
  if (rank < 2 || b.axes.size() != rank) {
    throw Error("the product of tensors " + text(a) + " and " + text(b) + " of different ranks is not supported");
  }
  const std::size_t row = rank - 2, column = rank - 1;
  std::vector<AxisPair> common;
  for (std::size_t i = 0; i < row; ++i) common.push_back({i, i});
  View result = a;
  result.node = sum_of_products(call.importer, call.name(), a, b, {common, {{column, row}}, {row}, {column}});
  for (std::size_t i = 0; i < column; ++i) result.axes[i] = a.axes[i];
  result.axes[column] = b.axes[column];
  result.first_channel = 0;
  call.result(std::move(result));
}

}  // namespace

View product_along(Call& call, View& view, std::size_t axis, graph::Constant weights, std::int64_t inputs,
                   std::int64_t outputs, graph::Constant bias) {
  if (std::ranges::any_of(view.axes[axis], is_batch)) throw Error("a product over the batch is not supported");
  const auto known = extent(view.axes[axis]).known_integer();
  if (known != inputs) {
    throw Error("the weights are for " + std::to_string(inputs) + " inputs, the tensor " + text(view) + " has " +
                text(extent(view.axes[axis])) + " on dimension " + std::to_string(axis));
  }
  const auto are_channels = [&] {
    return !view.axes[axis].empty() && is_of_channels(view.axes[axis]) && channel_axis(view) == axis;
  };
  if (are_channels()) call.importer.settle(view);
  if (!are_channels()) call.importer.arrange(view, with_channels(view, {axis}));
  graph::Convolution product;
  product.outputs = static_cast<std::int32_t>(outputs);
  product.weights = std::move(weights);
  product.bias = std::move(bias);
  View result = view;
  result.node = call.importer.add(call.name(), std::move(product), {view.node});
  result.axes[axis] = outputs == 1 ? Axis{} : Axis{{.index = Index::channel, .extent = outputs}};
  return result;
}

graph::NodeId sum_of_products(Importer& importer, const std::string& name, View& a, View& b,
                              const ContractedAxes& axes) {
  const auto fit = [&](const AxisPair& pair) { return extent(a.axes[pair.of_a]) == extent(b.axes[pair.of_b]); };
  if (!std::ranges::all_of(axes.common, fit) || !std::ranges::all_of(axes.summed, fit)) {
    throw Error("the tensors " + text(a) + " and " + text(b) + " cannot be multiplied");
  }
  const auto holds_batch = [](const Axis& axis) { return std::ranges::any_of(axis, is_batch); };
  const bool is_over_batch =
      std::ranges::any_of(axes.rows, [&](std::size_t axis) { return holds_batch(a.axes[axis]); }) ||
      std::ranges::any_of(axes.columns, [&](std::size_t axis) { return holds_batch(b.axes[axis]); }) ||
      std::ranges::any_of(axes.summed, [&](const AxisPair& pair) {
        return holds_batch(a.axes[pair.of_a]) || holds_batch(b.axes[pair.of_b]);
      });
  if (is_over_batch) throw Error("a product over the batch is not supported");
  std::int64_t each = 1;
  for (const AxisPair& pair : axes.summed) {
    const auto known = extent(a.axes[pair.of_a]).known_integer();
    if (!known || open_extents(a.axes[pair.of_a]).any()) throw Error("a sum over an axis of an open size");
    each *= *known;
  }
  const auto arrange = [&](View& view, std::size_t AxisPair::*side, AxesAs as) {
    const std::vector<std::size_t> inner = axes_but_batch(view);
    for (const auto* pairs : {&axes.common, &axes.summed}) {
      for (const AxisPair& pair : *pairs) {
        if (std::ranges::find(inner, pair.*side) != inner.end()) as.channels.push_back(pair.*side);
      }
    }
    importer.arrange(view, as);
    for (Axis& axis : view.axes) {
      for (Factor& factor : axis) factor.step /= is_channel(factor) ? std::min(factor.step, each) : 1;
    }
    return view.node;
  };
  const graph::NodeId of_a = arrange(a, &AxisPair::of_a, {.rows = axes.rows, .columns = {}, .channels = {}});
  const graph::NodeId of_b = arrange(b, &AxisPair::of_b, {.rows = {}, .columns = axes.columns, .channels = {}});
  const graph::NodeId products =
      importer.add(name + ".products", graph::Binary{.kind = graph::BinaryKind::multiply}, {of_a, of_b});
  const auto groups = static_cast<std::int32_t>(importer.shape(products).c / each);
  return importer.add(name, graph::Reduce{graph::ReduceKind::sum, groups}, {products});
}

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
  if (call.is_tensor(0) && call.is_tensor(1)) return multiply_tensors(call);
  multiply_by_matrix(call, call.is_tensor(0) ? 1 : 0);
}

}  // namespace riffle::onnx
