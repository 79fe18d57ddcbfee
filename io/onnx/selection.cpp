// Operations that pick channels or join them: slice, split, gather, concat. On shapes they pick and join numbers. Rows
// and columns that are picked are a crop.
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "io/onnx/combine.hpp"
#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"
#include "io/onnx/pixels.hpp"

namespace riffle::onnx {
namespace {

/// Positions first, first + step ... of one axis.
struct Selection {
  std::int64_t first = 0, count = 0, step = 1;
  std::int64_t behind = 0;  ///< how many positions there are behind the end that was asked for
};

/// start:end:step of an axis, in Python's sense: negative positions count from the end, all are cut to the axis.
Selection clip(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent) {
  if (step == 0) throw Error("a step is 0");
  // A step beyond any axis picks one element, however large it is.
  constexpr std::int64_t beyond = 1LL << 40;
  step = std::clamp(step, -beyond, beyond);
  const auto position = [&](std::int64_t p, std::int64_t least, std::int64_t most) {
    return std::clamp(p < 0 ? p + extent : p, least, most);
  };
  Selection result;
  result.step = step;
  if (step > 0) {
    result.first = position(start, 0, extent);
    result.behind = extent - position(end, 0, extent);
    result.count = std::max<std::int64_t>(extent - result.behind - result.first + (step - 1), 0) / step;
  } else {
    result.first = position(start, -1, extent - 1);
    result.count = std::max<std::int64_t>(result.first - position(end, -1, extent - 1) + (-step - 1), 0) / -step;
  }
  return result;
}

/// An axis that has channels and something else becomes the channels; of images so does what stands where they have
/// them.
void make_channels(Call& call, View& view, std::size_t axis) {
  const bool has_channels = std::ranges::any_of(view.axes[axis], is_channel);
  if (!has_channels && (axis != 1 || view.axes.size() != 4)) return;
  if (has_channels && is_of_channels(view.axes[axis])) return;
  call.importer.arrange(view, with_channels(view, {axis}));
}

std::int64_t known_extent(const View& view, std::size_t axis) {
  const auto known = extent(view.axes[axis]).known_integer();
  if (!known) throw Error("dimension " + std::to_string(axis) + " of " + text(view) + " depends on the batch");
  return *known;
}

/// Of rows or columns. `is_rule`: does it say the same of every size?
View crop(Call& call, View& view, std::size_t axis, Index index, const Selection& selection, bool is_rule) {
  if (selection.step < 1) throw Error("rows or columns in reverse order are not supported");
  if (!is_rule && open_extents(view.axes[axis]).any()) throw Error("the rows or columns that it picks are of one size");
  const auto narrow = [](std::int64_t pixels) { return static_cast<std::int32_t>(pixels); };
  const std::int64_t step = std::min<std::int64_t>(selection.step, graph::max_extent);
  return cropped(call, view, index, {narrow(selection.first), narrow(selection.behind), narrow(step)});
}

View pick(Call& call, View& view, std::size_t axis, const Selection& selection, bool is_rule = false) {
  if (selection.count < 1) throw Error("the result is empty");
  if (auto result = slice(view, axis, selection.first, selection.count, selection.step)) return *result;
  call.importer.settle(view);
  if (auto result = slice(view, axis, selection.first, selection.count, selection.step)) return *result;
  if (const auto index = pixel_axis(call.importer, view, axis)) {
    return crop(call, view, axis, *index, selection, is_rule);
  }
  make_channels(call, view, axis);
  if (auto result = slice(view, axis, selection.first, selection.count, selection.step)) return *result;
  throw Error("only channels, rows and columns can be picked, not dimension " + std::to_string(axis) + " of a view " +
              text(view));
}

/// A start:end:step that leaves an axis of open extent whole, as `x[:]` does.
bool is_whole(std::int64_t start, std::int64_t end, std::int64_t step) {
  return start == 0 && step == 1 && end >= std::numeric_limits<std::int32_t>::max();
}

/// A start:end of rows or columns that says the same of every size: both are counted from the edge that they are near.
bool is_rule(std::int64_t start, std::int64_t end) {
  return start >= 0 && (end < 0 || end >= std::numeric_limits<std::int32_t>::max());
}

/// take(), if the model is large enough for what it makes.
Value taken(Call& call, const Value& constant, std::size_t axis, std::span<const std::int64_t> positions) {
  std::vector<std::int64_t> dims = dims_of(constant);
  dims[axis] = static_cast<std::int64_t>(positions.size());
  call.importer.charge(3 * loop_count(dims));
  return take(constant, axis, positions);
}

std::vector<std::int64_t> positions(const Selection& selection) {
  std::vector<std::int64_t> result;
  for (std::int64_t i = 0; i < selection.count; ++i) result.push_back(selection.first + i * selection.step);
  return result;
}

void gather_channels(Call& call, View& view, std::size_t axis, const std::vector<std::int64_t>& which) {
  call.importer.settle(view);
  make_channels(call, view, axis);
  const std::int32_t count = call.importer.shape(view.node).c;
  const bool are_its_channels =
      count == 1 ? view.axes[axis].empty() : channel_axis(view) == axis && is_of_channels(view.axes[axis]);
  if (!are_its_channels) {
    throw Error("only channels can be picked, not dimension " + std::to_string(axis) + " of a view " + text(view));
  }
  call.importer.charge(static_cast<std::int64_t>(which.size()));
  graph::Gather gather;
  for (const std::int64_t channel : which) gather.channels.push_back(static_cast<std::int32_t>(channel));
  View result = view;
  result.node = call.importer.add(call.name(), std::move(gather), {view.node});
  result.axes[axis] = {{.index = Index::channel, .extent = static_cast<std::int64_t>(which.size())}};
  call.result(std::move(result));
}

}  // namespace

void import_slice(Call& call) {
  const auto starts = call.list("starts", 1), ends = call.list("ends", 2);
  auto axes = call.list("axes", 3);
  const auto steps = call.list("steps", 4);
  if (!starts || !ends) throw Error("it has no starts or no ends");
  if (!axes) {
    axes.emplace(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (starts->size() > 8 || ends->size() != starts->size() || axes->size() != starts->size() ||
      (steps && steps->size() != starts->size())) {
    throw Error("starts, ends, axes and steps are not of one length");
  }
  const auto step = [&](std::size_t i) { return steps ? (*steps)[i] : 1; };

  if (!call.is_tensor(0)) {
    Value result = call.constant(0);
    for (std::size_t i = 0; i < starts->size(); ++i) {
      const std::vector<std::int64_t> dims = dims_of(result);
      const std::size_t axis = Call::axis((*axes)[i], dims.size());
      result = taken(call, result, axis, positions(clip((*starts)[i], (*ends)[i], step(i), dims[axis])));
    }
    return call.result(std::move(result));
  }
  // Each step settles what it picks from, if it must: the input itself, so that slices of one tensor share the work.
  View* source = &call.tensor(0);
  View result = *source;
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::size_t axis = Call::axis((*axes)[i], result.axes.size());
    if (is_whole((*starts)[i], (*ends)[i], step(i))) continue;
    const Selection selection = clip((*starts)[i], (*ends)[i], step(i), known_extent(result, axis));
    result = pick(call, *source, axis, selection, is_rule((*starts)[i], (*ends)[i]));
    source = &result;
  }
  call.result(std::move(result));
}

void import_split(Call& call) {
  View& view = call.tensor(0);
  const std::size_t axis = Call::axis(call.integer("axis", 0), view.axes.size());
  const std::int64_t extent = known_extent(view, axis);
  const auto parts = static_cast<std::int64_t>(call.outputs());
  const std::int64_t wanted = call.integer("num_outputs", parts);
  if (wanted != parts)
    throw Error("num_outputs is " + std::to_string(wanted) + ", but it has " + std::to_string(parts));
  auto sizes = call.list("split", 1);
  if (!sizes) {
    // From opset 18 on the last part may be smaller; before, parts are equal.
    const std::int64_t each = (extent + parts - 1) / parts;
    if (call.importer.opset() < 18 && each * parts != extent) {
      throw Error(std::to_string(extent) + " channels do not divide into " + std::to_string(parts) + " equal parts");
    }
    sizes.emplace(static_cast<std::size_t>(parts), each);
    sizes->back() = extent - each * (parts - 1);
  }
  if (static_cast<std::int64_t>(sizes->size()) != parts) {
    throw Error(std::to_string(sizes->size()) + " sizes for " + std::to_string(parts) + " outputs");
  }
  std::int64_t first = 0;
  for (std::size_t i = 0; i < sizes->size(); ++i) {
    const std::int64_t count = (*sizes)[i];
    if (count < 1 || count > extent - first) {
      throw Error("a part of " + std::to_string(count) + " of " + std::to_string(extent) + " channels from " +
                  std::to_string(first) + " on");
    }
    if (call.output_used(i))
      call.result(pick(call, view, axis, {.first = first, .count = count, .step = 1, .behind = extent - first - count}),
                  i);
    first += count;
  }
  if (first != extent) throw Error("the parts' sizes do not add up to " + std::to_string(extent));
}

void import_gather(Call& call) {
  const Numbers indices = call.numbers(1);
  if (indices.dims.size() > 1) throw Error("indices of more than one dimension are not supported");
  if (indices.values.empty()) throw Error("it has no indices");
  std::vector<std::int64_t> which = known_integers(indices);
  const bool is_tensor = call.is_tensor(0);
  const std::vector<std::int64_t> dims = is_tensor ? std::vector<std::int64_t>{} : dims_of(call.constant(0));
  const std::size_t rank = is_tensor ? call.tensor(0).axes.size() : dims.size();
  const std::size_t axis = Call::axis(call.integer("axis", 0), rank);
  const std::int64_t extent = is_tensor ? known_extent(call.tensor(0), axis) : dims[axis];
  for (std::int64_t& index : which) {
    if (index < -extent || index >= extent) {
      throw Error("index " + std::to_string(index) + " of a dimension of " + std::to_string(extent));
    }
    if (index < 0) index += extent;
  }
  if (!is_tensor) {
    Value result = taken(call, call.constant(0), axis, which);
    std::vector<std::int64_t>& left = dims_of(result);
    if (indices.dims.empty()) left.erase(left.begin() + static_cast<std::ptrdiff_t>(axis));
    return call.result(std::move(result));
  }
  View& view = call.tensor(0);
  if (indices.dims.empty()) {
    auto result = select(view, axis, which[0]);
    if (!result)
      throw Error("only channels can be picked, not dimension " + std::to_string(axis) + " of " + text(view));
    return call.result(std::move(*result));
  }
  const std::int64_t step = which.size() > 1 ? which[1] - which[0] : 1;
  bool even = step != 0;
  for (std::size_t i = 1; i < which.size(); ++i) even = even && which[i] - which[i - 1] == step;
  if (!even) return gather_channels(call, view, axis, which);
  const auto count = static_cast<std::int64_t>(which.size());
  const std::int64_t behind = extent - 1 - which.back();
  call.result(pick(call, view, axis, {.first = which[0], .count = count, .step = step, .behind = behind}));
}

namespace {

/// Is the axis all of the channels of every operand, and nothing else? That of images, (N, C, H, W), is made so.
bool are_channels(Call& call, std::size_t axis) {
  const View* first = nullptr;
  bool are_all = true, may_be = true, are_alike = true;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    if (!call.is_tensor(i)) continue;  // numbers beside a tensor's channels
    const View& view = call.tensor(i);
    if (first == nullptr) first = &view;
    const bool has_no_other = axis < view.axes.size() && is_of_channels(view.axes[axis]);
    are_all = are_all && has_no_other && channel_axis(view) == axis;
    may_be = may_be && has_no_other && axis == 1 && view.axes.size() == 4;
    for (std::size_t a = 0; a < view.axes.size(); ++a) {
      are_alike = are_alike && (a == axis || (a < first->axes.size() && view.axes[a] == first->axes[a]));
    }
  }
  for (std::size_t i = 0; !(are_all && are_alike) && may_be && i < call.inputs(); ++i) {
    if (call.is_tensor(i)) call.importer.arrange(call.tensor(i), as_image());
  }
  return are_all || may_be;
}

/// Along an axis that becomes the rows, or, if it is made of columns alone, the columns.
void join(Call& call, std::size_t axis) {
  const View first = call.tensor(0);
  std::vector<std::size_t> others = axes_but_batch(first, std::array{axis});
  if (axes_but_batch(first).size() == others.size() || std::ranges::any_of(first.axes[axis], is_batch)) {
    throw Error("tensors cannot be joined along the batch");
  }
  if (others.size() > 2) throw Error("joining along dimension " + std::to_string(axis) + " of " + text(first));
  const auto holds = [&](std::size_t a, Index index) {
    return std::ranges::any_of(first.axes[a], [&](const Factor& factor) { return factor.index == index; });
  };
  // What is channels already stays so, or else the last axis becomes them.
  if (others.size() == 2 && holds(others[0], Index::channel) && !holds(others[1], Index::channel)) {
    std::swap(others[0], others[1]);
  }
  AxesAs as{.rows = {axis}, .columns = {}, .channels = {}};
  if (!others.empty()) as.channels = {others.back()};
  if (others.size() == 2) as.columns = {others[0]};
  const bool along_columns = others.size() == 2 && holds(axis, Index::column) && holds(others[0], Index::row);
  if (along_columns) std::swap(as.rows, as.columns);

  View result;
  std::vector<graph::NodeId> operands;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    View& view = call.tensor(i);
    if (view.axes.size() != first.axes.size()) throw Error("the operands have different numbers of dimensions");
    call.importer.arrange(view, as);
    View same = view;
    same.axes[axis] = {};
    if (i == 0) result = same;
    if (same.axes != result.axes) throw Error("the shapes of " + text(first) + " and " + text(view) + " differ");
    operands.push_back(view.node);
  }
  const graph::Join operation{along_columns ? graph::Direction::columns : graph::Direction::rows};
  result.node = call.importer.add(call.name(), operation, operands);
  const View whole = call.importer.whole(result.node);
  result.axes[axis] = whole.axes[along_columns ? 3 : 2];
  call.result(std::move(result));
}

}  // namespace

void import_concat(Call& call) {
  const std::int64_t given = call.integer("axis", 1);
  if (call.inputs() == 0) throw Error("it has no inputs");
  std::size_t first = 0;  // that is a tensor
  while (first < call.inputs() && !call.is_tensor(first)) ++first;
  if (first == call.inputs()) {
    // Of floats alone floats; with numbers among them a shape's arithmetic.
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
    return call.result(concatenate(pointers, Call::axis(given, dims_of(parts[0]).size())));
  }
  const std::size_t axis = Call::axis(given, call.tensor(first).axes.size());
  if (!are_channels(call, axis)) return join(call, axis);
  View result = call.tensor(first);
  std::vector<graph::NodeId> operands;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    if (!call.is_tensor(i)) {
      const std::string name = call.name() + "." + std::to_string(i);
      operands.push_back(add_channels(call.importer, name, call.tensor(first), axis, call.floats(i)));
      continue;
    }
    View& view = call.tensor(i);
    call.importer.settle(view);
    const std::int32_t count = call.importer.shape(view.node).c;
    const Axis all = count == 1 ? Axis{} : Axis{{.index = Index::channel, .extent = count}};
    if (axis >= view.axes.size() || view.axes[axis] != all) {
      throw Error("only channels can be joined, not dimension " + std::to_string(axis) + " of a view " + text(view));
    }
    View others = view;
    result.axes[axis] = others.axes[axis] = {};
    if (others.axes != result.axes)
      throw Error("the shapes of " + text(call.tensor(first)) + " and " + text(view) + " differ");
    operands.push_back(view.node);
  }
  result.node = call.importer.add(call.name(), graph::Concat{}, operands);
  const std::int32_t count = call.importer.shape(result.node).c;
  if (count > 1) result.axes[axis] = {{.index = Index::channel, .extent = count}};
  result.first_channel = 0;
  call.result(std::move(result));
}

}  // namespace riffle::onnx
