// Resize (and Upsample before it), Pad, and crops for those that pick rows and columns.
#include "io/onnx/pixels.hpp"

#include <onnx.pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "io/onnx/combine.hpp"
#include "io/onnx/filter.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

constexpr std::size_t row_axis = 2, column_axis = 3;  // of (N, C, H, W)

bool is_image(const View& view, const View& whole) {
  return view.axes.size() == whole.axes.size() && view.axes[0] == whole.axes[0] &&
         view.axes[row_axis] == whole.axes[row_axis] && view.axes[column_axis] == whole.axes[column_axis];
}

/// Of four dimensions, of which one is neither channels nor all rows nor all columns, or one long, an image is made.
void make_image(Call& call, View& view) {
  if (channel_axis(view)) call.importer.settle(view);
  const auto is_plain = [&](std::size_t axis) {
    return !view.axes[axis].empty() &&
           (is_of_channels(view.axes[axis]) || pixel_axis(call.importer, view, axis).has_value());
  };
  if (view.axes.size() != 4 || !std::ranges::all_of(view.axes[0], is_batch)) return;
  if (is_image(view, call.importer.whole(view.node))) return;
  if (channel_axis(view) && is_plain(1) && is_plain(2) && is_plain(3)) return;
  call.importer.arrange(view, as_image());
}

std::int32_t in_range(const char* what, std::int64_t value, std::int64_t least) {
  if (value < least || value > graph::max_extent) {
    throw Error(std::string(what) + " holds " + std::to_string(value) + ", not in " + std::to_string(least) + " to " +
                std::to_string(graph::max_extent));
  }
  return static_cast<std::int32_t>(value);
}

/// A list of floats, which may be none.
std::vector<float> float_list(Call& call, std::size_t input) {
  if (const auto* attribute = call.find("scales", ::onnx::AttributeProto::FLOATS)) {
    return {attribute->floats().begin(), attribute->floats().end()};
  }
  if (!call.has(input)) return {};
  std::vector<float> result;
  const Value& value = call.constant(input);
  if (const auto* floats = std::get_if<Floats>(&value)) {
    result.assign(floats->values.values().begin(), floats->values.values().end());
  } else {
    for (const Quantity& one : std::get<Numbers>(value).values) {
      if (one.made_of.any()) throw Error("the scale " + text(one) + " was computed from the input's size");
      if (one.times_batch) throw Error("the scale " + text(one) + " depends on the batch");
      result.push_back(static_cast<float>(static_cast<double>(one.numerator) / static_cast<double>(one.denominator)));
    }
  }
  return result;
}

/// One direction of a Resize.
struct ResizedAxis {
  float scale = 0.0F;            ///< 0: the sizes'
  std::optional<Quantity> size;  ///< none: the scale says it
};

/// Which axes the node's list of scales or sizes is for.
std::vector<std::size_t> axes_of(Call& call, std::size_t rank, std::size_t count) {
  std::vector<std::size_t> result;
  if (const auto given = call.integers("axes")) {
    for (const std::int64_t axis : *given) result.push_back(Call::axis(axis, rank));
  } else {
    result.resize(rank);
    std::iota(result.begin(), result.end(), std::size_t{0});
  }
  if (result.size() != count) {
    throw Error("it has " + std::to_string(count) + " scales or sizes for " + std::to_string(result.size()) + " axes");
  }
  return result;
}

/// Rows and columns.
using ResizedAxes = std::array<ResizedAxis, 2>;

ResizedAxes read_axes(Call& call, const View& view) {
  const std::size_t scales_at = call.type() == "Resize" && call.importer.opset() > 10 ? 2 : 1;
  const std::vector<float> scales = float_list(call, scales_at);
  Numbers sizes;
  if (scales_at == 2 && call.has(3)) sizes = call.numbers(3);
  if (scales.empty() == sizes.values.empty()) throw Error("it has neither scales nor sizes, or both");
  ResizedAxes result;
  result[0].scale = result[1].scale = scales.empty() ? 0.0F : 1.0F;
  const std::size_t count = std::max(scales.size(), sizes.values.size());
  const std::vector<std::size_t> axes = axes_of(call, view.axes.size(), count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto index = pixel_axis(call.importer, view, axes[i]);
    const bool is_kept = scales.empty() ? sizes.values[i] == extent(view.axes[axes[i]]) : scales[i] == 1.0F;
    if (!index) {
      if (!is_kept) throw Error("only height and width can be resized, not dimension " + std::to_string(axes[i]));
      continue;
    }
    ResizedAxis& axis = result[*index == Index::row ? 0 : 1];
    if (scales.empty()) {
      axis.size = sizes.values[i];
    } else {
      axis.scale = scales[i];
    }
  }
  for (std::size_t i = 0; sizes.values.size() > 0 && i < 2; ++i) {
    if (!result[i].size) result[i].scale = 1.0F;  // not named: as it was
  }
  return result;
}

/// The sizes as a rule where there is one: those of another node's tensor, whose name is returned, or a multiple of the
/// operand's. Throws Error where they were computed from the input's size in another way.
std::optional<graph::NodeId> settle_sizes(ResizedAxes& axes, graph::NodeId operand) {
  std::optional<graph::NodeId> like;
  int measured = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!axes[i].size || !axes[i].size->made_of.any()) continue;
    const std::optional<Measure> measure = axes[i].size->measure;
    const auto refuse = [&] { throw Error("the size " + text(*axes[i].size) + " was computed from the input's size"); };
    if (!measure || measure->of_rows != (i == 0)) refuse();
    if (measure->node == operand) {
      axes[i].scale = static_cast<float>(measure->times);
      axes[i].size.reset();
      continue;
    }
    if (measure->times != 1 || (like && *like != measure->node)) refuse();
    like = measure->node;
    ++measured;
  }
  if (like && measured != 2) throw Error("one of its sizes is of another tensor, the other one is not");
  return like;
}

/// What keep_aspect_ratio_policy makes of sizes: one scale for both directions, and sizes that follow from it.
void keep_aspect_ratio(ResizedAxes& axes, const graph::Shape& in, bool not_larger) {
  const std::array<std::int32_t, 2> extents = {in.h, in.w};
  std::optional<float> scale;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!axes[i].size) continue;
    const auto size = axes[i].size->known_integer();
    if (!size || axes[i].size->made_of.any()) throw Error("keep_aspect_ratio_policy of sizes that are no numbers");
    const float one = static_cast<float>(*size) / static_cast<float>(extents[i]);
    scale = !scale ? one : not_larger ? std::min(*scale, one) : std::max(*scale, one);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    if (!axes[i].size) continue;
    axes[i].scale = *scale;
    axes[i].size = Quantity(static_cast<std::int64_t>(std::floor(*scale * static_cast<float>(extents[i]) + 0.5F)));
  }
}

bool is_whole(float scale) { return scale == std::floor(scale); }

graph::Coordinates read_coordinates(Call& call, const ResizedAxes& axes, std::string& nearest) {
  const bool is_old = call.type() == "Upsample" || call.importer.opset() < 11;  // which have no such attributes
  const std::string mode = is_old ? "asymmetric" : call.text("coordinate_transformation_mode", "half_pixel");
  if (mode == "half_pixel") return graph::Coordinates::half_pixel;
  if (mode == "pytorch_half_pixel") return graph::Coordinates::pytorch_half_pixel;
  if (mode == "align_corners") return graph::Coordinates::align_corners;
  if (mode == "asymmetric") return graph::Coordinates::asymmetric;
  // Half a pixel further on than half_pixel has it: what rounds down there is the nearest one here.
  if (mode == "tf_half_pixel_for_nn" && nearest == "floor") {
    nearest = "round_prefer_ceil";
    return graph::Coordinates::half_pixel;
  }
  const auto fills = [](const ResizedAxis& axis) { return axis.scale == 0.0F || is_whole(axis.scale); };
  // The two differ where the scale times the size is no whole number.
  if (mode == "half_pixel_symmetric" && std::ranges::all_of(axes, fills)) return graph::Coordinates::half_pixel;
  throw Error("the coordinate_transformation_mode '" + mode + "' is not supported" +
              (mode == "half_pixel_symmetric" ? " where a scale is no whole number" : ""));
}

graph::Rounding read_rounding(const std::string& nearest) {
  if (nearest == "round_prefer_floor") return graph::Rounding::prefer_floor;
  if (nearest == "round_prefer_ceil") return graph::Rounding::prefer_ceil;
  if (nearest == "floor") return graph::Rounding::floor;
  if (nearest == "ceil") return graph::Rounding::ceil;
  throw Error("the nearest_mode '" + nearest + "' is not supported");
}

/// Before opset 11 nothing says how places are rounded: down, and where the result is smaller, up, as runtimes do.
std::string old_rounding(const ResizedAxes& axes) {
  const auto shrinks = [](const ResizedAxis& axis) { return axis.scale < 1.0F; };
  const auto rounds = [](const ResizedAxis& axis) { return axis.scale > 1.0F; };
  if (!std::ranges::any_of(axes, shrinks)) return "floor";
  if (std::ranges::any_of(axes, rounds)) throw Error("one direction becomes larger, the other one smaller");
  return "ceil";
}

/// What a Pad does to one direction; a negative number crops.
struct PaddedAxis {
  std::int64_t before = 0, after = 0;
  [[nodiscard]] bool is_any() const { return before != 0 || after != 0; }
  [[nodiscard]] bool crops() const { return before < 0 || after < 0; }
};

/// The value around a tensor.
float fill_value(Call& call) {
  if (!call.has(2)) return call.real("value", 0.0F);
  const Value& value = call.constant(2);
  if (const auto* floats = std::get_if<Floats>(&value); floats != nullptr && floats->values.size() == 1) {
    return floats->values.values()[0];
  }
  const auto* numbers = std::get_if<Numbers>(&value);
  const auto known =
      numbers != nullptr && numbers->values.size() == 1 ? numbers->values[0].known_integer() : std::nullopt;
  if (!known) throw Error("the value is not a single number");
  return static_cast<float>(*known);
}

graph::PadMode pad_mode(Call& call) {
  const std::string mode = call.text("mode", "constant");
  if (mode == "constant") return graph::PadMode::constant;
  if (mode == "edge") return graph::PadMode::edge;
  if (mode == "reflect") return graph::PadMode::reflect;
  throw Error("the mode '" + mode + "' is not supported (constant, edge, reflect and wrap are)");
}

/// What a Pad does to all of them.
struct Pads {
  PaddedAxis rows, columns;
  std::vector<std::pair<std::size_t, PaddedAxis>> others;
  [[nodiscard]] const PaddedAxis& of(Index index) const { return index == Index::row ? rows : columns; }
  [[nodiscard]] bool of_pixels() const { return rows.is_any() || columns.is_any(); }
};

Pads read_pads(Call& call, const View& view) {
  const auto pads = call.list("pads", 1);
  if (!pads) throw Error("it has no pads");
  const std::size_t rank = view.axes.size();
  std::vector<std::int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (const auto given = call.list("axes", 3)) axes = *given;
  if (axes.size() > rank || pads->size() != 2 * axes.size()) {
    throw Error("pads has " + std::to_string(pads->size()) + " values for " + std::to_string(axes.size()) + " axes");
  }
  Pads result;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = Call::axis(axes[i], rank);
    const PaddedAxis by = {(*pads)[i], (*pads)[i + axes.size()]};
    if (!by.is_any()) continue;
    const auto index = pixel_axis(call.importer, view, axis);
    for (const std::int64_t count : {by.before, by.after}) in_range("pads", count, index ? -graph::max_extent : 0);
    if (index) {
      (*index == Index::row ? result.rows : result.columns) = by;
    } else {
      result.others.emplace_back(axis, by);
    }
  }
  return result;
}

/// Of an axis that is neither rows nor columns: of channels with a constant beside them, or as the rows that it
/// becomes.
View padded_axis(Call& call, View view, std::size_t axis, const PaddedAxis& by, const graph::Pad& pad) {
  Importer& importer = call.importer;
  if (std::ranges::any_of(view.axes[axis], is_batch)) throw Error("the batch cannot be padded");
  if (!is_of_channels(view.axes[axis])) {
    importer.arrange(view, with_rows(view, axis));
    graph::Pad rows = pad;
    rows.top = static_cast<std::int32_t>(by.before);
    rows.bottom = static_cast<std::int32_t>(by.after);
    return with_pixels_of(importer, view, importer.add(call.name(), rows, {view.node}));
  }
  if (pad.mode != graph::PadMode::constant) throw Error("channels are padded with a constant alone");
  std::vector<View> parts;
  const auto append = [&](std::int64_t count, const char* name) {
    if (count == 0) return;
    Floats constant;
    for (const Axis& one : view.axes) constant.dims.push_back(is_of_channels(one) ? extent(one).numerator : 1);
    constant.dims[axis] = count;
    const std::int64_t size = element_count(constant.dims);
    importer.charge(size);
    constant.values = graph::Constant(std::vector<float>(static_cast<std::size_t>(size), pad.value));
    parts.push_back(literal_beside(importer, call.name() + name, view, axis, std::move(constant), true));
  };
  append(by.before, ".before");
  parts.push_back(view);
  append(by.after, ".behind");
  return concatenated(importer, call.name(), std::move(parts), axis);
}

}  // namespace

std::optional<Index> pixel_axis(const Importer& importer, const View& view, std::size_t axis) {
  const View whole = importer.whole(view.node);
  if (is_image(view, whole)) {
    if (axis < row_axis) return std::nullopt;
    return axis == row_axis ? Index::row : Index::column;
  }
  if (view.axes[axis].empty()) return std::nullopt;
  if (view.axes[axis] == whole.axes[row_axis]) return Index::row;
  if (view.axes[axis] == whole.axes[column_axis]) return Index::column;
  return std::nullopt;
}

View with_pixels_of(const Importer& importer, const View& view, graph::NodeId node) {
  const View before = importer.whole(view.node), after = importer.whole(node);
  View result = view;
  result.node = node;
  if (is_image(view, before)) {
    result.axes[row_axis] = after.axes[row_axis];
    result.axes[column_axis] = after.axes[column_axis];
    return result;
  }
  for (const std::size_t index : {row_axis, column_axis}) {
    if (before.axes[index] == after.axes[index]) continue;
    const auto axis = std::ranges::find(view.axes, before.axes[index]);
    if (before.axes[index].empty() || axis == view.axes.end()) {
      throw Error("height or width of a view " + text(view) + " cannot become another");
    }
    result.axes[static_cast<std::size_t>(axis - view.axes.begin())] = after.axes[index];
  }
  return result;
}

View cropped(Call& call, View& view, Index index, const CroppedAxis& by) {
  Importer& importer = call.importer;
  importer.settle(view);
  graph::NodeId operand = view.node;
  graph::Crop crop;
  if (const auto* before = std::get_if<graph::Crop>(&importer.node(operand).operation)) {
    const std::int32_t step = index == Index::row ? before->step_h : before->step_w;
    if (step == 1 || by.after == 0) {
      crop = *before;
      operand = importer.node(operand).inputs[0];
    }
  }
  const auto join = [&](std::int32_t& before, std::int32_t& after, std::int32_t& step) {
    before = in_range("a crop", std::int64_t{before} + std::int64_t{by.before} * step, 0);
    after = in_range("a crop", std::int64_t{after} + by.after, 0);
    step = in_range("a step", std::int64_t{step} * by.step, 1);
  };
  if (index == Index::row) {
    join(crop.top, crop.bottom, crop.step_h);
  } else {
    join(crop.left, crop.right, crop.step_w);
  }
  return with_pixels_of(importer, view, importer.add(call.name(), crop, {operand}));
}

void import_resize(Call& call) {
  View& view = call.tensor(0);
  make_image(call, view);
  const std::string mode = call.text("mode", "nearest");
  if (mode != "nearest" && mode != "linear" && mode != "bilinear" && mode != "cubic") {
    throw Error("the mode '" + mode + "' is not supported (nearest, linear and cubic are)");
  }
  graph::Resize resize;
  resize.mode = mode == "nearest" ? graph::ResizeMode::nearest : graph::ResizeMode::linear;
  const bool is_old = call.type() == "Upsample" || call.importer.opset() < 11;
  call.ignore("extrapolation_value");  // of another coordinate mode
  const Filter filter = {.is_cubic = mode == "cubic",
                         .a = static_cast<double>(call.real("cubic_coeff_a", -0.75F)),
                         .antialiases = call.integer("antialias", 0) != 0,
                         .excludes_outside = call.integer("exclude_outside", 0) != 0};
  const bool is_filtered = filter.is_cubic || (mode != "nearest" && (filter.antialiases || filter.excludes_outside));
  ResizedAxes axes = read_axes(call, view);
  std::string nearest = is_old ? old_rounding(axes) : call.text("nearest_mode", "round_prefer_floor");
  resize.coordinates = read_coordinates(call, axes, nearest);
  resize.rounding = resize.mode == graph::ResizeMode::nearest ? read_rounding(nearest) : graph::Rounding::prefer_floor;

  const std::string policy = call.text("keep_aspect_ratio_policy", "stretch");
  if (policy == "not_larger" || policy == "not_smaller") {
    const Extents open = call.importer.open(view.node);
    if (open.any()) throw Error("keep_aspect_ratio_policy of a size that may be another");
    keep_aspect_ratio(axes, call.importer.shape(view.node), policy == "not_larger");
  } else if (policy != "stretch") {
    throw Error("the keep_aspect_ratio_policy '" + policy + "' is not supported");
  }
  const std::optional<graph::NodeId> like = settle_sizes(axes, view.node);
  const auto extent = [](const ResizedAxis& axis) {
    if (!axis.size) return 0;
    const auto known = axis.size->known_integer();
    if (!known) throw Error("the size " + text(*axis.size) + " depends on the batch");
    return in_range("sizes", *known, 1);
  };
  resize.scale_h = axes[0].scale;
  resize.scale_w = axes[1].scale;
  std::vector<graph::NodeId> operands = {view.node};
  if (is_filtered && !like) {
    resize.height = extent(axes[0]);
    resize.width = extent(axes[1]);
    return call.result(filtered(call, view, resize, filter));
  }
  if (is_filtered) throw Error("it is resized by a filter to a size that may be another");
  if (like) {
    operands.push_back(*like);
  } else {
    resize.height = extent(axes[0]);
    resize.width = extent(axes[1]);
  }
  call.result(with_pixels_of(call.importer, view, call.importer.add(call.name(), resize, std::move(operands))));
}

namespace {

/// A node that crops, where a number is negative, and one that pads.
View padded_pixels(Call& call, View view, const Pads& pads, graph::Pad pad) {
  for (const Index index : {Index::row, Index::column}) {
    const auto& [before, after] = pads.of(index);
    if (before >= 0 && after >= 0) continue;
    view = cropped(call, view, index,
                   {static_cast<std::int32_t>(std::max<std::int64_t>(-before, 0)),
                    static_cast<std::int32_t>(std::max<std::int64_t>(-after, 0))});
  }
  const auto grown = [](std::int64_t pixels) { return static_cast<std::int32_t>(std::max<std::int64_t>(pixels, 0)); };
  pad.top = grown(pads.rows.before);
  pad.left = grown(pads.columns.before);
  pad.bottom = grown(pads.rows.after);
  pad.right = grown(pads.columns.after);
  if (pad.top == 0 && pad.left == 0 && pad.bottom == 0 && pad.right == 0) return view;
  return with_pixels_of(call.importer, view, call.importer.add(call.name(), pad, {view.node}));
}

/// The last of an axis in front of it, and the first behind it.
View wrapped(Call& call, const View& view, std::size_t axis, const PaddedAxis& by) {
  const auto count = extent(view.axes[axis]).known_integer();
  if (!count || open_extents(view.axes[axis]).any()) throw Error("it is wrapped around at its own size alone");
  if (by.crops() || std::max(by.before, by.after) > *count) {
    throw Error("of " + std::to_string(*count) + " it wraps " + std::to_string(by.before) + " and " +
                std::to_string(by.after) + " around");
  }
  const auto part = [&](std::int64_t first, std::int64_t length) {
    View whole = view;
    call.importer.settle(whole);
    if (auto channels = slice(whole, axis, first, length, 1)) return std::move(*channels);
    const auto index = pixel_axis(call.importer, whole, axis);
    if (!index) throw Error("dimension " + std::to_string(axis) + " of " + text(whole) + " cannot be wrapped around");
    return cropped(call, whole, *index,
                   {static_cast<std::int32_t>(first), static_cast<std::int32_t>(*count - first - length)});
  };
  std::vector<View> parts;
  if (by.before > 0) parts.push_back(part(*count - by.before, by.before));
  parts.push_back(view);
  if (by.after > 0) parts.push_back(part(0, by.after));
  return concatenated(call.importer, call.name(), std::move(parts), axis);
}

void import_wrapped(Call& call) {
  make_image(call, call.tensor(0));
  View view = call.tensor(0);
  if (channel_axis(view)) call.importer.settle(view);
  const Pads pads = read_pads(call, view);
  std::vector<std::pair<std::size_t, PaddedAxis>> axes = pads.others;
  for (std::size_t axis = 0; axis < view.axes.size(); ++axis) {
    const auto index = pixel_axis(call.importer, view, axis);
    if (index && pads.of(*index).is_any()) axes.emplace_back(axis, pads.of(*index));
  }
  for (const auto& [axis, by] : axes) view = wrapped(call, view, axis, by);
  call.result(std::move(view));
}

}  // namespace

void import_pad(Call& call) {
  if (call.text("mode", "constant") == "wrap") return import_wrapped(call);
  graph::Pad pad;
  pad.mode = pad_mode(call);
  const float fill = fill_value(call);
  if (pad.mode == graph::PadMode::constant) pad.value = fill;
  const bool is_zeros = pad.mode == graph::PadMode::constant && fill == 0.0F;

  // Zeros wait for what reads them. They may come in several steps; some exporters pad by nothing before every pooling.
  const Padded* padded = call.padded(0);
  if (padded == nullptr) make_image(call, call.tensor(0));
  const Pads pads = read_pads(call, padded != nullptr ? padded->view : call.tensor(0));
  if (!pads.others.empty()) {
    View view = call.tensor(0);
    if (channel_axis(view)) call.importer.settle(view);
    const auto moves_pixels = [&](const auto& other) { return !is_of_channels(view.axes[other.first]); };
    if (pads.of_pixels() && std::ranges::any_of(pads.others, moves_pixels)) {
      throw Error("rows or columns are padded together with an axis that holds more than channels");
    }
    for (const auto& [axis, by] : pads.others) view = padded_axis(call, std::move(view), axis, by, pad);
    return call.result(pads.of_pixels() ? padded_pixels(call, std::move(view), pads, pad) : std::move(view));
  }
  const auto& [rows, columns, others] = pads;
  if (!pads.of_pixels()) return padded != nullptr ? call.result(*padded) : call.result(call.tensor(0));
  const bool crops = rows.crops() || columns.crops();
  const bool is_of_image = padded != nullptr || call.tensor(0).axes == call.importer.whole(call.tensor(0).node).axes;
  if (is_zeros && !crops && is_of_image) {
    Padding padding = padded != nullptr ? padded->padding : Padding{};
    padding.top = in_range("pads", padding.top + rows.before, 0);
    padding.bottom = in_range("pads", padding.bottom + rows.after, 0);
    padding.left = in_range("pads", padding.left + columns.before, 0);
    padding.right = in_range("pads", padding.right + columns.after, 0);
    const View view = padded != nullptr ? padded->view : call.image(0);
    return call.result(Padded{.view = view, .padding = padding, .name = call.name()});
  }
  call.result(padded_pixels(call, call.tensor(0), pads, pad));
}

}  // namespace riffle::onnx
