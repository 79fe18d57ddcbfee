// Concat and Tile: tensors one behind the other. Channels are names, so that joining them costs nothing, wherever the
// model has them; rows and columns are joined by a node.
#include <algorithm>
#include <array>
#include <numeric>

#include "io/onnx/combine.hpp"
#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

/// Of parts that differ_in_channels().
View join_channels(Importer& importer, const std::string& name, std::vector<View> parts, std::size_t axis) {
  std::vector<graph::NodeId> operands;
  std::vector<std::int64_t> shares;  // of each part, for one value of the channels' digits on the axes before
  View result = parts[0];
  const std::int64_t outer = channel_count(std::span(result.axes).first(axis));
  std::int64_t all = 0, along = 0;
  for (View& part : parts) {
    along += channel_count(std::span(part.axes).subspan(axis, 1));
    shares.push_back(channel_count(std::span(part.axes).subspan(axis)));
    all += shares.back() * outer;
    operands.push_back(in_axis_order(importer, std::move(part)).node);
  }
  result.node = operands.size() == 1 ? operands[0] : importer.add(name, graph::Concat{}, operands);
  if (outer > 1 && operands.size() > 1) {
    importer.charge(all);
    graph::Gather interleaved;
    for (std::int64_t o = 0; o < outer; ++o) {
      std::int64_t first = 0;  // of a part
      for (const std::int64_t share : shares) {
        for (std::int64_t i = 0; i < share; ++i) {
          interleaved.channels.push_back(static_cast<std::int32_t>(first + o * share + i));
        }
        first += outer * share;
      }
    }
    result.node = importer.add(name, std::move(interleaved), {result.node});
  }
  result.axes[axis] = along == 1 ? Axis{} : Axis{{.index = Index::channel, .extent = along}};
  renumber(result);
  return result;
}

/// Along an axis that becomes the rows, or, if it is made of columns alone, the columns.
View join_pixels(Importer& importer, const std::string& name, std::vector<View> parts, std::size_t axis) {
  const View first = parts[0];
  if (axes_but_batch(first).size() == axes_but_batch(first, std::array{axis}).size() ||
      std::ranges::any_of(first.axes[axis], is_batch)) {
    throw Error("tensors cannot be joined along the batch");
  }
  const auto holds = [&](std::size_t a, Index index) {
    return std::ranges::any_of(first.axes[a], [&](const Factor& factor) { return factor.index == index; });
  };
  AxesAs as = with_rows(first, axis);
  const bool along_columns = !as.columns.empty() && holds(axis, Index::column) && holds(as.columns[0], Index::row);
  if (along_columns) std::swap(as.rows, as.columns);

  View result;
  std::vector<graph::NodeId> operands;
  for (View& part : parts) {
    if (part.axes.size() != first.axes.size()) throw Error("the operands have different numbers of dimensions");
    importer.arrange(part, as);
    View same = part;
    same.axes[axis] = {};
    if (operands.empty()) result = same;
    if (same.axes != result.axes) throw Error("the shapes of " + text(first) + " and " + text(part) + " differ");
    operands.push_back(part.node);
  }
  const graph::Join operation{along_columns ? graph::Direction::columns : graph::Direction::rows};
  result.node = importer.add(name, operation, operands);
  const View whole = importer.whole(result.node);
  result.axes[axis] = whole.axes[along_columns ? 3 : 2];
  return result;
}

}  // namespace

bool differ_in_channels(std::span<const View> parts, std::size_t axis) {
  const auto fits = [&](const View& part) {
    if (part.axes.size() != parts[0].axes.size() || !is_of_channels(part.axes[axis])) return false;
    for (std::size_t i = 0; i < part.axes.size(); ++i) {
      if (i != axis && outline(part.axes[i]) != outline(parts[0].axes[i])) return false;
    }
    return true;
  };
  return std::ranges::all_of(parts, fits);
}

View concatenated(Importer& importer, const std::string& name, std::vector<View> parts, std::size_t axis) {
  const bool are_channels = differ_in_channels(parts, axis);
  return (are_channels ? join_channels : join_pixels)(importer, name, std::move(parts), axis);
}

namespace {

/// Of numbers of the model alone. Of floats floats; with a shape's numbers among them its arithmetic.
Value joined_constants(Call& call, std::int64_t axis) {
  std::vector<Value> parts;
  bool all_floats = true;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    parts.push_back(call.constant(i));
    all_floats = all_floats && std::holds_alternative<Floats>(parts[i]);
  }
  std::vector<const Value*> pointers;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    if (!all_floats) parts[i] = call.numbers(i);
    pointers.push_back(&parts[i]);
  }
  return concatenate(pointers, Call::axis(axis, dims_of(parts[0]).size()));
}

}  // namespace

void import_concat(Call& call) {
  const std::int64_t given = call.integer("axis", 1);
  if (call.inputs() == 0) throw Error("it has no inputs");
  std::size_t first = 0;  // that is a tensor
  while (first < call.inputs() && !call.is_tensor(first)) ++first;
  if (first == call.inputs()) return call.result(joined_constants(call, given));
  const std::size_t axis = Call::axis(given, call.tensor(first).axes.size());
  std::vector<View> tensors;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    if (!call.is_tensor(i)) continue;
    View& view = call.tensor(i);
    if (channel_axis(view)) call.importer.settle(view);  // for all that read it
    tensors.push_back(view);
  }
  // Of images, whatever has become of their channels.
  const auto is_image = [](const View& view) { return view.axes.size() == 4 && is_of_channels(view.axes[1]); };
  if (!differ_in_channels(tensors, axis) && axis == 1 && std::ranges::all_of(tensors, is_image)) {
    for (View& view : tensors) call.importer.arrange(view, as_image());
  }
  const bool are_channels = differ_in_channels(tensors, axis);
  std::vector<View> parts;
  auto next = tensors.begin();
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const std::string name = call.name() + "." + std::to_string(i);
    parts.push_back(call.is_tensor(i)
                        ? *next++
                        : literal_beside(call.importer, name, tensors[0], axis, call.any_floats(i), are_channels));
  }
  call.result(concatenated(call.importer, call.name(), std::move(parts), axis));
}

void import_tile(Call& call) {
  const std::vector<std::int64_t> repeats = known_integers(call.numbers(1));
  const bool is_tensor = call.is_tensor(0);
  const std::size_t rank = is_tensor ? call.tensor(0).axes.size() : dims_of(call.constant(0)).size();
  if (repeats.size() != rank)
    throw Error("it has " + std::to_string(repeats.size()) + " repeats for " + std::to_string(rank) + " dimensions");
  for (const std::int64_t times : repeats) {
    if (times < 1 || times > graph::max_extent) throw Error("it repeats " + std::to_string(times) + " times");
  }
  if (!is_tensor) {
    Value result = call.constant(0);
    for (std::size_t axis = 0; axis < rank; ++axis) {
      if (repeats[axis] == 1) continue;
      std::vector<std::int64_t> dims = dims_of(result), positions;
      const std::int64_t extent = dims[axis];
      dims[axis] *= repeats[axis];
      call.importer.charge(3 * loop_count(dims));
      for (std::int64_t i = 0; i < dims[axis]; ++i) positions.push_back(i % extent);
      result = take(result, axis, positions);
    }
    return call.result(std::move(result));
  }
  View view = call.tensor(0);
  std::vector<std::int64_t> of_one(rank, 1);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t times = repeats[axis];
    if (times == 1) continue;
    if (view.axes[axis].empty()) {
      of_one[axis] = times;
    } else if (is_of_channels(view.axes[axis])) {  // which are names
      view.axes[axis].insert(view.axes[axis].begin(), {.index = Index::channel, .extent = times, .step = 0});
    } else {
      const std::vector<View> parts(static_cast<std::size_t>(times), view);
      view = concatenated(call.importer, call.name(), parts, axis);
    }
  }
  call.result(expanded(call.importer, call.name(), std::move(view), of_one));
}

}  // namespace riffle::onnx
