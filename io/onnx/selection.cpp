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

/// An axis becomes the channels.
void make_channels(Call& call, View& view, std::size_t axis) {
  if (std::ranges::any_of(view.axes[axis], is_batch)) throw Error("images of a batch cannot be picked");
  if (view.axes[axis].empty() || is_of_channels(view.axes[axis])) return;
  call.importer.arrange(view, with_channels(view, {axis}));
}

std::int64_t known_extent(const View& view, std::size_t axis) {
  const auto known = extent(view.axes[axis]).known_integer();
  if (!known) throw Error("dimension " + std::to_string(axis) + " of " + text(view) + " depends on the batch");
  return *known;
}

/// Of rows or columns. `is_rule`: does it say the same of every size?
View crop(Call& call, View& view, std::size_t axis, Index index, const Selection& selection, bool is_rule) {
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
  // In reverse order only channels are to be had, which are names.
  const auto index = selection.step > 0 ? pixel_axis(call.importer, view, axis) : std::nullopt;
  if (index) return crop(call, view, axis, *index, selection, is_rule);
  make_channels(call, view, axis);
  if (auto result = slice(view, axis, selection.first, selection.count, selection.step)) return *result;
  throw Error("dimension " + std::to_string(axis) + " of a view " + text(view) + " cannot be picked from");
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

/// These positions of an axis, in any order and any number of times, which are names of channels.
View gathered(Call& call, View& view, std::size_t axis, std::span<const std::int64_t> which) {
  if (channel_axis(view)) call.importer.settle(view);
  make_channels(call, view, axis);
  View result = in_axis_order(call.importer, view);
  const std::span<const Axis> axes = result.axes;
  const std::int64_t outer = channel_count(axes.first(axis)), inner = channel_count(axes.subspan(axis + 1));
  const std::int64_t extent = channel_count(axes.subspan(axis, 1)), count = std::ssize(which);
  if (outer * count * inner > graph::max_extent) throw Error("the result has too many channels");
  call.importer.charge(outer * count * inner);
  graph::Gather gather;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const std::int64_t position : which) {
      for (std::int64_t i = 0; i < inner; ++i) {
        gather.channels.push_back(static_cast<std::int32_t>((o * extent + position) * inner + i));
      }
    }
  }
  result.node = call.importer.add(call.name(), std::move(gather), {result.node});
  result.axes[axis] = count == 1 ? Axis{} : Axis{{.index = Index::channel, .extent = count}};
  renumber(result);
  return result;
}

/// Several positions of an axis.
View picked(Call& call, View& view, std::size_t axis, std::span<const std::int64_t> which, std::int64_t extent) {
  const std::int64_t step = which.size() > 1 ? which[1] - which[0] : 1;
  bool even = step != 0;
  for (std::size_t i = 1; i < which.size(); ++i) even = even && which[i] - which[i - 1] == step;
  if (!even) return gathered(call, view, axis, which);
  const std::int64_t behind = extent - 1 - which.back();
  return pick(call, view, axis, {.first = which[0], .count = std::ssize(which), .step = step, .behind = behind});
}

/// The axis as one for each dimension of the indices that picked it: none where they are a single number.
void divide_axis(View& view, std::size_t axis, std::span<const std::int64_t> dims) {
  std::vector<Axis> parts(dims.size());
  const Axis whole = view.axes[axis];
  if (dims.size() == 1) {
    parts[0] = whole;
  } else {
    std::int64_t step = 1;
    for (std::size_t i = dims.size(); i-- > 0; step *= dims[i]) {
      if (dims[i] == 1) continue;
      if (whole.size() != 1) throw Error("indices of several dimensions pick " + text(view));
      Factor digit = whole[0];
      digit.extent = dims[i];
      digit.step *= step;
      parts[i] = {digit};
    }
  }
  const auto at = view.axes.begin() + static_cast<std::ptrdiff_t>(axis);
  view.axes.insert(view.axes.erase(at), parts.begin(), parts.end());
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
  const bool is_tensor = call.is_tensor(0);
  const std::size_t rank = is_tensor ? call.tensor(0).axes.size() : dims_of(call.constant(0)).size();
  const std::size_t axis = Call::axis(call.integer("axis", 0), rank);
  const std::int64_t extent = is_tensor ? known_extent(call.tensor(0), axis) : dims_of(call.constant(0))[axis];
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
    const Selection part = {.first = first, .count = count, .step = 1, .behind = extent - first - count};
    if (call.output_used(i)) {
      call.result(is_tensor ? Value(pick(call, call.tensor(0), axis, part))
                            : taken(call, call.constant(0), axis, positions(part)),
                  i);
    }
    first += count;
  }
  if (first != extent) throw Error("the parts' sizes do not add up to " + std::to_string(extent));
}

void import_gather(Call& call) {
  if (call.places(1) != nullptr) return import_lookup(call);
  const Numbers indices = call.numbers(1);
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
    const auto at = left.begin() + static_cast<std::ptrdiff_t>(axis);
    left.insert(left.erase(at), indices.dims.begin(), indices.dims.end());
    return call.result(std::move(result));
  }
  View& view = call.tensor(0);
  if (indices.dims.empty()) {
    if (auto result = select(view, axis, which[0])) return call.result(std::move(*result));
  }
  View result = picked(call, view, axis, which, extent);
  divide_axis(result, axis, indices.dims);
  call.result(std::move(result));
}

}  // namespace riffle::onnx
