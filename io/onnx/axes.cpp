// Operations that only rename axes: reshape, transpose, flatten, squeeze, unsqueeze. Of tensors they make views.
#include <algorithm>
#include <limits>
#include <numeric>

#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

std::vector<Quantity> extents_of(const std::vector<std::int64_t>& dims) {
  std::vector<Quantity> result;
  for (const std::int64_t dim : dims) result.emplace_back(dim);
  return result;
}

Quantity product(std::span<const Quantity> factors) {
  return std::accumulate(factors.begin(), factors.end(), Quantity(1), multiply);
}

std::string list_text(std::span<const Quantity> extents) {
  std::string result = "(";
  for (const Quantity& one : extents) result.append(result.size() > 1 ? ", " : "").append(text(one));
  return result + ")";
}

/// The shape that Reshape asks for.
struct WantedShape {
  std::vector<Quantity> extents;        ///< with 0 (as it was) and -1 (what is left) made plain
  std::vector<bool> kept;               ///< by axis: was it a 0?
  std::optional<std::size_t> inferred;  ///< the axis that was -1
};

WantedShape wanted_shape(Call& call, std::span<const Quantity> from) {
  const bool keeps_zero = call.integer("allowzero", 0) != 0;
  const Numbers asked = call.numbers(1);
  if (asked.dims.size() != 1 || asked.values.size() > 8) throw Error("the shape is not a list of at most 8 numbers");
  WantedShape shape{.extents = asked.values, .kept = std::vector<bool>(asked.values.size(), false), .inferred = {}};
  std::vector<Quantity>& result = shape.extents;
  std::optional<std::size_t>& inferred = shape.inferred;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (result[i] == Quantity(0) && !keeps_zero) {
      if (i >= from.size()) throw Error("the shape keeps a dimension that the input does not have");
      result[i] = from[i];
      shape.kept[i] = true;
    } else if (result[i] == Quantity(-1)) {
      if (inferred) throw Error("the shape leaves two dimensions open");
      inferred = i;
      result[i] = Quantity(1);
    } else if (!result[i].is_integer() || result[i].numerator < 0) {
      throw Error("the shape holds " + text(result[i]));
    }
  }
  const Quantity total = product(from);
  // A model that was exported for one picture may say 1 where it means its batch, which was opened afterwards.
  const bool is_of_batch = !from.empty() && from[0] == Quantity::batch();
  if (is_of_batch && !result.empty() && result[0] == Quantity(1) && inferred != std::size_t{0}) {
    result[0] = Quantity::batch();
  }
  if (inferred) result[*inferred] = divide(total, product(result));
  if (product(result) != total || (inferred && !result[*inferred].is_integer())) {
    throw Error("a tensor " + list_text(from) + " cannot be viewed as " + list_text(result));
  }
  return shape;
}

std::vector<std::int64_t> known_shape(const WantedShape& shape) { return known_integers(list_of(shape.extents)); }

/// Throws Error where `view`, made as `shape` asks at the model's size, is not what it asks for at another one. A
/// number that was computed from the input's size must be of the rows and columns that stand there. One that is written
/// in the model is taken for the rows, the columns or all that is flattened there: a model that says 28 where it means
/// its height, as exporters write it, fits no other size by itself. Not where a -1 would make something else of it:
/// (-1, 49) of (N, C, 7, 7) has four times as many rows at twice the size.
void expect_for_all_sizes(const View& view, const WantedShape& shape) {
  const auto fail = [&](std::size_t axis) {
    throw Error("dimension " + std::to_string(axis) + " of the shape " + list_text(shape.extents) +
                " does not follow the input's size as the tensor does");
  };
  bool divides_others = false;  // the -1 is of more than the batch, and not of rows and columns
  if (shape.inferred) {
    const Axis& axis = view.axes[*shape.inferred];
    divides_others = !std::ranges::all_of(axis, is_batch) && !open_extents(axis).any();
  }
  for (std::size_t i = 0; i < view.axes.size(); ++i) {
    if (shape.kept[i] || i == shape.inferred) continue;
    const Extents asked = shape.extents[i].made_of, there = open_extents(view.axes[i]);
    if (asked.any() ? asked != there : there.any() && divides_others && view.axes[i].size() > 1) fail(i);
  }
}

template <typename T, typename IsOne>
std::vector<T> squeezed(const std::vector<T>& axes, const std::optional<std::vector<std::int64_t>>& which,
                        IsOne is_one) {
  std::vector<bool> gone(axes.size(), false);
  if (which) {
    for (const std::int64_t axis : *which) gone[Call::axis(axis, axes.size())] = true;
  }
  std::vector<T> result;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const bool one = is_one(axes[i]);
    if (gone[i] && !one) throw Error("dimension " + std::to_string(i) + " is not 1");
    if (!gone[i] && (which || !one)) result.push_back(axes[i]);
  }
  return result;
}

template <typename T>
std::vector<T> unsqueezed(const std::vector<T>& axes, const std::vector<std::int64_t>& which, const T& one) {
  if (which.size() > 8) throw Error("more than 8 axes");
  const std::size_t rank = axes.size() + which.size();
  std::vector<bool> added(rank, false);
  for (const std::int64_t axis : which) {
    const std::size_t i = Call::axis(axis, rank);
    if (added[i]) throw Error("axis " + std::to_string(axis) + " is given twice");
    added[i] = true;
  }
  std::vector<T> result;
  auto next = axes.begin();
  for (std::size_t i = 0; i < rank; ++i) result.push_back(added[i] ? one : *next++);
  return result;
}

/// Applies `of_axes` to a view's axes and `of_dims` to a constant's dimensions.
template <typename OfAxes, typename OfDims>
Value with_axes(Call& call, OfAxes of_axes, OfDims of_dims) {
  Value result = call.value(0);
  if (auto* view = std::get_if<View>(&result)) {
    view->axes = of_axes(view->axes);
  } else if (auto* floats = std::get_if<Floats>(&result)) {
    *floats = {.dims = of_dims(floats->dims), .values = floats->values};
  } else if (auto* numbers = std::get_if<Numbers>(&result)) {
    numbers->dims = of_dims(numbers->dims);
  }
  return result;
}

}  // namespace

void import_reshape(Call& call) {
  Value& data = call.value(0);
  if (auto* floats = std::get_if<Floats>(&data)) {
    Floats result{.dims = {}, .values = floats->values};
    result.dims = known_shape(wanted_shape(call, extents_of(floats->dims)));
    return call.result(std::move(result));
  }
  if (auto* numbers = std::get_if<Numbers>(&data)) {
    Numbers result = *numbers;
    result.dims = known_shape(wanted_shape(call, extents_of(numbers->dims)));
    expect_few(result.dims);
    return call.result(std::move(result));
  }
  View& view = call.tensor(0);
  const WantedShape shape = wanted_shape(call, extents(view));
  std::optional<View> result = reshape(view, shape.extents);
  if (!result && channel_axis(view)) {
    call.importer.settle(view);  // a shuffled axis divided in another way: from the shuffled channels, then
    result = reshape(view, shape.extents);
  }
  if (!result && view.axes.size() > 1) {  // along no borders of rows, columns and channels: of a vector of them all
    call.importer.arrange(view, {.rows = {}, .columns = {}, .channels = axes_but_batch(view)});
    result = reshape(view, shape.extents);
  }
  if (!result) throw Error("viewing " + text(view) + " as " + list_text(shape.extents) + " is not supported");
  expect_for_all_sizes(*result, shape);
  call.result(std::move(*result));
}

void import_transpose(Call& call) {
  Value& data = call.value(0);
  const bool is_constant = std::holds_alternative<Floats>(data) || std::holds_alternative<Numbers>(data);
  const std::size_t rank = is_constant ? dims_of(data).size() : call.tensor(0).axes.size();
  std::vector<std::size_t> order(rank);
  std::iota(order.rbegin(), order.rend(), std::size_t{0});
  if (const auto perm = call.integers("perm")) {
    if (perm->size() != rank) throw Error("perm is not an order of " + std::to_string(rank) + " axes");
    std::vector<bool> seen(rank, false);
    for (std::size_t i = 0; i < rank; ++i) {
      order[i] = Call::axis((*perm)[i], rank);
      if (seen[order[i]]) throw Error("perm names axis " + std::to_string((*perm)[i]) + " twice");
      seen[order[i]] = true;
    }
  }
  if (!is_constant) return call.result(transpose(call.tensor(0), order));
  std::vector<std::int64_t> dims;
  for (const std::size_t axis : order) dims.push_back(dims_of(data)[axis]);
  const auto* floats = std::get_if<Floats>(&data);
  const bool is_transpose = floats != nullptr && rank == 2 && order[0] == 1;
  const bool has_rows = floats != nullptr && floats->values.type() == Type::i8 && !floats->are_raw();
  if (is_transpose && !floats->transpose.empty()) {
    return call.result(
        Floats{.dims = dims, .values = floats->transpose, .transpose = has_rows ? floats->values : graph::Constant()});
  }
  call.importer.charge(4 * element_count(dims));
  Value result = pick(data, dims, transposed_positions(dims_of(data), order));
  if (is_transpose && has_rows) std::get<Floats>(result).transpose = floats->values;
  call.result(std::move(result));
}

void import_flatten(Call& call) {
  const View& view = call.tensor(0);
  const auto rank = static_cast<std::int64_t>(view.axes.size());
  const std::int64_t given = call.integer("axis", 1);
  const std::int64_t axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis > rank) throw Error("axis is " + std::to_string(given));
  View result = view;
  result.axes.assign(2, {});
  for (std::int64_t i = 0; i < rank; ++i) {
    Axis& side = result.axes[i < axis ? 0 : 1];
    const Axis& from = view.axes[static_cast<std::size_t>(i)];
    side.insert(side.end(), from.begin(), from.end());
  }
  call.result(std::move(result));
}

void import_squeeze(Call& call) {
  const auto which = call.list("axes", 1);
  call.result(with_axes(
      call,
      [&](const std::vector<Axis>& axes) {
        if (!which && std::ranges::any_of(axes, [](const Axis& a) { return open_extents(a).any(); })) {
          throw Error("which dimensions are 1 depends on the input's size");
        }
        return squeezed(axes, which, [](const Axis& a) { return a.empty(); });
      },
      [&](const std::vector<std::int64_t>& dims) {
        return squeezed(dims, which, [](std::int64_t d) { return d == 1; });
      }));
}

void import_unsqueeze(Call& call) {
  const auto which = call.list("axes", 1);
  if (!which) throw Error("it has no axes");
  call.result(with_axes(
      call, [&](const std::vector<Axis>& axes) { return unsqueezed(axes, *which, Axis{}); },
      [&](const std::vector<std::int64_t>& dims) { return unsqueezed(dims, *which, std::int64_t{1}); }));
}

namespace {

std::int64_t block_size(Call& call) {
  const std::int64_t size = call.integer("blocksize", 0);
  if (size < 1 || size > graph::max_extent) throw Error("blocksize is " + std::to_string(size));
  return size;
}

}  // namespace

void import_depth_to_space(Call& call) {
  const std::int64_t size = block_size(call);
  const std::string mode = call.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") throw Error("its mode is '" + mode + "'");
  View result = call.image(0);
  const std::int64_t channels = call.importer.shape(result.node).c, outputs = channels / (size * size);
  if (outputs * size * size != channels) {
    throw Error(std::to_string(channels) + " channels are not squares of " + std::to_string(size));
  }
  const bool depth_last = mode == "DCR";  // the place in the square is the outer digits of a channel, or the inner
  const std::int64_t row = depth_last ? size * outputs : size, column = depth_last ? outputs : 1;
  const auto digit = [](std::int64_t extent, std::int64_t step) {
    return extent == 1 ? Axis{} : Axis{{.index = Index::channel, .extent = extent, .step = step}};
  };
  const auto append = [](Axis& to, const Axis& from) { to.insert(to.end(), from.begin(), from.end()); };
  result.axes[1] = digit(outputs, depth_last ? 1 : size * size);
  append(result.axes[2], digit(size, row));
  append(result.axes[3], digit(size, column));
  call.result(std::move(result));
}

void import_space_to_depth(Call& call) {
  const std::string size = std::to_string(block_size(call));
  const graph::NodeId operand = call.image(0).node;
  graph::Rearrange squares{graph::arranged("h0 w0 (h1:" + size + " w1:" + size + " c)")};
  call.result_image(call.importer.add(call.name(), std::move(squares), {operand}));
}

}  // namespace riffle::onnx
