#include "io/onnx/combine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "io/onnx/numbers.hpp"

namespace riffle::onnx {
namespace {

using graph::BinaryKind;
using graph::NodeId;

/// Of as many dimensions; new ones are in front, and one long.
void extend(View& view, std::size_t rank) {
  view.axes.insert(view.axes.begin(), rank - std::min(rank, view.axes.size()), Axis{});
}

[[noreturn]] void fail(const View& a, const View& b) {
  throw Error("tensors " + text(a) + " and " + text(b) + " cannot be combined element by element: what one has on a " +
              "dimension is neither one long nor the same as what the other has there");
}

/// The same digits, whatever channels they pick?
bool are_alike(const Axis& a, const Axis& b) {
  return std::ranges::equal(a, b, [](const Factor& x, const Factor& y) {
    return x.index == y.index && x.extent == y.extent && x.open == y.open;
  });
}

/// Digits that say the same may be cut differently: (6) and (2, 3) on one axis.
void cut_alike(Axis& a, Axis& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    Factor &x = a[i], &y = b[i];
    if (!is_channel(x) || !is_channel(y) || x.extent == y.extent) continue;
    const auto cut = [i](Axis& axis, std::int64_t extent) {
      Factor inner = axis[i];
      inner.extent /= extent;
      axis[i].extent = extent;
      axis[i].step = inner.step * inner.extent;
      axis.insert(axis.begin() + static_cast<std::ptrdiff_t>(i) + 1, inner);
    };
    if (x.extent % y.extent == 0) {
      cut(a, y.extent);
    } else if (y.extent % x.extent == 0) {
      cut(b, x.extent);
    }
  }
}

/// Do both have the same digits on every axis that is not one long?
bool are_of_like_digits(const View& a, const View& b) {
  for (std::size_t i = 0; i < a.axes.size(); ++i) {
    Axis x = a.axes[i], y = b.axes[i];
    cut_alike(x, y);
    if (!x.empty() && !y.empty() && !are_alike(x, y)) return false;
  }
  return true;
}

/// What one has as rows and another one as channels is arranged in both as an image, or a list, has it.
void arrange_alike(Importer& importer, View& a, View& b) {
  const std::size_t rank = a.axes.size();
  if (rank < 2) return;
  for (std::size_t i = 0; i < rank; ++i) {
    const bool is_one = a.axes[i].empty() || b.axes[i].empty();
    if (extent(a.axes[i]) != extent(b.axes[i]) && (!is_one || rank > 4)) return;
  }
  for (const View* view : {&a, &b}) {
    if (!std::ranges::all_of(view->axes[0], is_batch)) return;
  }
  const AxesAs as = rank == 4 ? as_image() : with_channels(a, {rank - 1});
  importer.arrange(a, as);
  importer.arrange(b, as);
}

/// One view's channel digits where the other has none: its channels are repeated, which are only names.
void repeat_channels(const Axis& from, Axis& to) {
  for (const Factor& factor : from) {
    if (is_channel(factor)) to.push_back({.index = Index::channel, .extent = factor.extent, .step = 0});
  }
}

/// Of a view that repeats one channel on all of its axes: that channel, which counts for as many as are there.
View without_repeats(View view) {
  for (const Axis& axis : view.axes) {
    if (std::ranges::any_of(axis, [](const Factor& f) { return is_channel(f) && f.step != 0; })) return view;
  }
  for (Axis& axis : view.axes) std::erase_if(axis, is_channel);
  return view;
}

/// Numbers that are the same for every row, or every column, once, on every axis but this one.
Floats without_repeats(Floats constant, const View& view, std::size_t axis) {
  const auto first = [](const Floats& of, std::size_t i) {
    return std::get<Floats>(take(of, i, std::vector<std::int64_t>{0}));
  };
  for (std::size_t i = 0; i < view.axes.size(); ++i) {
    if (i == axis || is_of_channels(view.axes[i]) || constant.dims[i] == 1) continue;
    Floats once = first(constant, i);
    const Value again = broadcast(once, constant.dims);
    if (std::ranges::equal(std::get<Floats>(again).values.values(), constant.values.values())) constant = once;
  }
  return constant;
}

/// What a constant is over a view: which of the tensor's extents it has values for, and where they are.
class Spread {
 public:
  Spread(const View& view, const graph::Shape& shape, const Floats& constant) : view_(view), constant_(constant) {
    const std::size_t rank = view.axes.size(), skipped = rank - constant.dims.size();
    std::int64_t stride = 1;
    for (std::size_t i = rank; i-- > skipped;) {
      const std::int64_t dim = constant.dims[i - skipped];
      if (dim != 1) add(view.axes[i], i, shape, dim, stride);
      stride *= dim;
    }
    if (count_channels_) shape_.c = static_cast<std::int32_t>(std::max(channel_count(view.axes), new_channels_));
  }

  /// (1, 1, C) where it is one value a channel, (1, 1, 1) where it is one for all.
  [[nodiscard]] const graph::Shape& shape() const { return shape_; }
  /// Of new digits, which the tensor has not.
  [[nodiscard]] const View& result() const { return view_; }

  /// In the order (C, H, W).
  [[nodiscard]] std::vector<float> values() const {
    std::vector<float> result;
    result.reserve(static_cast<std::size_t>(shape_.size()));
    const std::span<const float> from = constant_.values.values();
    for (std::int64_t c = 0; c < shape_.c; ++c) {
      for (std::int64_t y = 0; y < shape_.h; ++y) {
        for (std::int64_t x = 0; x < shape_.w; ++x) {
          std::int64_t at = 0;
          for (const Digit& digit : digits_) {
            const std::int64_t index = digit.index == Index::channel ? c : digit.index == Index::row ? y : x;
            at += index / digit.step % digit.extent * digit.stride;
          }
          result.push_back(from[static_cast<std::size_t>(at)]);
        }
      }
    }
    return result;
  }

 private:
  /// Of an index of the tensor: how far its values are apart in the constant.
  struct Digit {
    Index index;
    std::int64_t extent, step, stride;
  };

  void add(const Axis& axis, std::size_t i, const graph::Shape& shape, std::int64_t dim, std::int64_t stride) {
    if (axis.empty()) return add_new(i, shape, dim, stride);
    if (extent(axis) != Quantity(dim)) {
      throw Error("a constant of " + std::to_string(dim) + " values on dimension " + std::to_string(i) +
                  " does not fit a tensor " + text(view_));
    }
    if (open_extents(axis).any()) throw Error("a constant has a value for each row or column of one size");
    for (auto digit = axis.rbegin(); digit != axis.rend(); ++digit) {
      if (digit->index == Index::batch) throw Error("a constant has a value for each image of a batch");
      digits_.push_back({digit->index, digit->extent, digit->step, stride});
      stride *= digit->extent;
      note(digit->index, shape);
    }
  }

  /// The tensor is one long there: of (N, C, H, W) it is known what that is.
  void add_new(std::size_t i, const graph::Shape& shape, std::int64_t dim, std::int64_t stride) {
    constexpr Index usual[] = {Index::batch, Index::channel, Index::row, Index::column};
    const bool is_usual = view_.axes.size() == 4 && i > 0;
    const std::int32_t extents[] = {0, shape.c, shape.h, shape.w};
    if (!is_usual || extents[i] != 1 || dim > graph::max_extent) {
      throw Error("a constant of " + std::to_string(dim) + " values on dimension " + std::to_string(i) +
                  " does not fit a tensor " + text(view_));
    }
    digits_.push_back({usual[i], dim, 1, stride});
    view_.axes[i] = {{.index = usual[i], .extent = dim}};
    const auto size = static_cast<std::int32_t>(dim);
    note(usual[i], {.h = size, .w = size, .c = size});
    if (usual[i] == Index::channel) new_channels_ = dim;
  }

  void note(Index index, const graph::Shape& shape) {
    if (index == Index::channel) count_channels_ = true;
    if (index == Index::row) shape_.h = shape.h;
    if (index == Index::column) shape_.w = shape.w;
  }

  View view_;
  const Floats& constant_;
  std::vector<Digit> digits_;
  graph::Shape shape_{1, 1, 1};
  bool count_channels_ = false;
  std::int64_t new_channels_ = 1;
};

/// scale * x + shift, one of each a channel.
NodeId add_affine(Importer& importer, const std::string& name, NodeId node, std::vector<float> scale,
                  std::vector<float> shift) {
  const auto count = static_cast<std::size_t>(importer.shape(node).c);
  importer.charge(4 * static_cast<std::int64_t>(count));
  const auto all = [&](std::vector<float> values, float otherwise) {
    if (values.empty()) values = {otherwise};
    if (values.size() == 1) values.resize(count, values[0]);
    return graph::Constant(std::move(values));
  };
  return importer.add(name,
                      graph::BatchNorm{.scale = all(std::move(scale), 1.0F),
                                       .shift = all(std::move(shift), 0.0F),
                                       .mean = all({}, 0.0F),
                                       .variance = all({}, 1.0F),
                                       .epsilon = 0.0F},
                      {node});
}

/// A node for one value a channel, or one for all; none where the engine has nothing but Binary for it.
std::optional<NodeId> add_by_channel(Importer& importer, const std::string& name, BinaryKind kind, NodeId node,
                                     std::vector<float> values, bool constant_first) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const bool are_equal = std::ranges::all_of(values, [&](float x) { return x == values[0]; });
  const auto each = [&](auto&& f) {
    std::ranges::transform(values, values.begin(), f);
    return values;
  };
  switch (kind) {
    case BinaryKind::add:
      return add_affine(importer, name, node, {}, values);
    case BinaryKind::subtract:
      if (constant_first) return add_affine(importer, name, node, {-1.0F}, values);
      return add_affine(importer, name, node, {}, each([](float x) { return -x; }));
    case BinaryKind::multiply:
      return add_affine(importer, name, node, values, {});
    case BinaryKind::divide: {
      if (constant_first) {
        if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); })) return std::nullopt;
        const NodeId inverse =
            importer.add(name + ".reciprocal", graph::Activate{{{}, kernels::Function::reciprocal}}, {node});
        return are_equal && values[0] == 1.0F ? inverse : add_affine(importer, name, inverse, values, {});
      }
      const bool has_inverse = std::ranges::all_of(values, [](float x) { return std::isnormal(1.0F / x); });
      if (!has_inverse) return std::nullopt;
      return add_affine(importer, name, node, each([](float x) { return 1.0F / x; }), {});
    }
    case BinaryKind::maximum:
      if (!are_equal || !(values[0] < infinity)) return std::nullopt;
      return importer.add(name, graph::Activate{{{values[0], infinity}}}, {node});
    case BinaryKind::minimum:
      if (!are_equal || !(values[0] > -infinity)) return std::nullopt;
      return importer.add(name, graph::Activate{{{-infinity, values[0]}}}, {node});
    case BinaryKind::power:
      if (constant_first || !are_equal || !(std::abs(values[0]) <= 64.0F)) return std::nullopt;
      if (values[0] == 2.0F) return importer.add(name, graph::Binary{.kind = BinaryKind::multiply}, {node, node});
      return importer.add(name, graph::Activate{{{}, kernels::Function::power, values[0]}}, {node});
  }
  return std::nullopt;
}

}  // namespace

void renumber(View& view) {
  std::int64_t step = 1;
  for (auto axis = view.axes.rbegin(); axis != view.axes.rend(); ++axis) {
    for (auto digit = axis->rbegin(); digit != axis->rend(); ++digit) {
      if (!is_channel(*digit)) continue;
      digit->step = step;
      step *= digit->extent;
    }
  }
  view.first_channel = 0;
}

View in_axis_order(Importer& importer, View view) {
  const std::int32_t count = importer.shape(view.node).c;
  std::vector<std::int32_t> picked = channels(view);
  importer.charge(static_cast<std::int64_t>(picked.size()));
  if (auto operation = choose_channels(std::move(picked), count)) {
    view.node = importer.add(view.name, std::move(*operation), {view.node});
  }
  renumber(view);
  return view;
}

View combined(Importer& importer, const std::string& name, BinaryKind kind, View a, View b) {
  const std::size_t rank = std::max(a.axes.size(), b.axes.size());
  extend(a, rank);
  extend(b, rank);
  if (!are_of_like_digits(a, b)) arrange_alike(importer, a, b);
  const auto repeats = [](const View& view) {
    return channel_count(without_repeats(view).axes) < channel_count(view.axes);
  };
  if (!repeats(a) || !repeats(b)) a = without_repeats(std::move(a)), b = without_repeats(std::move(b));
  View result = a;
  const bool is_pixel[] = {channel_count(a.axes) == 1, channel_count(b.axes) == 1};  // one channel counts for all
  for (std::size_t i = 0; i < rank; ++i) {
    Axis &x = a.axes[i], &y = b.axes[i];
    if (x.empty() != y.empty()) {
      const Axis& there = x.empty() ? y : x;
      if (std::ranges::any_of(there, is_batch)) fail(a, b);
      result.axes[i] = there;
      if (!is_pixel[x.empty() ? 0 : 1]) repeat_channels(there, x.empty() ? x : y);
      continue;
    }
    cut_alike(x, y);
    if (!are_alike(x, y)) fail(a, b);
    result.axes[i] = x;
  }
  // Where one has rows, the other has them on the same axis, or is one pixel high.
  const graph::Shape &of_a = importer.shape(a.node), &of_b = importer.shape(b.node);
  if ((of_a.h != of_b.h && of_a.h != 1 && of_b.h != 1) || (of_a.w != of_b.w && of_a.w != 1 && of_b.w != 1)) fail(a, b);
  a = in_axis_order(importer, std::move(a));
  b = in_axis_order(importer, std::move(b));
  result.node = importer.add(name, graph::Binary{.kind = kind}, {a.node, b.node});
  renumber(result);
  return result;
}

std::optional<std::vector<float>> values_by_channel(Importer& importer, const View& view, const Floats& constant) {
  if (constant.dims.size() > view.axes.size()) return std::nullopt;
  const std::int32_t count = importer.shape(view.node).c;
  const Spread spread(view, importer.shape(view.node), constant);
  const graph::Shape& shape = spread.shape();
  if (shape.pixels() != 1 || (shape.c != 1 && shape.c != count)) return std::nullopt;
  importer.charge(count);
  std::vector<float> values = spread.values();
  if (shape.c == 1) values.resize(static_cast<std::size_t>(count), values[0]);
  return values;
}

View combined(Importer& importer, const std::string& name, BinaryKind kind, View view, const Floats& constant,
              bool constant_first) {
  extend(view, constant.dims.size());
  View ordered = in_axis_order(importer, view);
  const Spread spread(ordered, importer.shape(ordered.node), constant);
  importer.charge(spread.shape().size());
  const graph::Shape& shape = spread.shape();
  std::vector<float> values = spread.values();
  const bool is_by_channel = shape.pixels() == 1 && (shape.c == 1 || shape.c == importer.shape(ordered.node).c);
  if (is_by_channel) {
    const auto made = add_by_channel(importer, name, kind, ordered.node, values, constant_first);
    if (made) {
      ordered.node = *made;
      return ordered;
    }
  }
  const NodeId literal = add_literal(importer, name + ".constant", shape, std::move(values));
  std::vector<NodeId> operands = {ordered.node, literal};
  if (constant_first) std::swap(operands[0], operands[1]);
  View result = spread.result();
  result.node = importer.add(name, graph::Binary{.kind = kind}, operands);
  renumber(result);
  return result;
}

View combined(Importer& importer, const std::string& name, BinaryKind kind, View view, float constant) {
  return combined(importer, name, kind, std::move(view),
                  Floats{.dims = {}, .values = graph::Constant(std::vector<float>{constant})});
}

View activated(Importer& importer, const std::string& name, const graph::Activation& activation, View view) {
  view.node = importer.add(name, graph::Activate{activation}, {view.node});
  return view;
}

Floats activated(Importer& importer, const Floats& constant, const graph::Activation& activation) {
  const std::span<const float> from = constant.values.values();
  importer.charge(static_cast<std::int64_t>(from.size()));
  const kernels::FunctionArgs function = graph::function_args(activation);
  const double lower = static_cast<double>(activation.bounds.lower),
               upper = static_cast<double>(activation.bounds.upper);
  std::vector<float> values;
  for (const float one : from) {
    const auto x = static_cast<double>(one);
    values.push_back(static_cast<float>(kernels::reference_of(function, x < lower ? lower : x > upper ? upper : x)));
  }
  return {.dims = constant.dims, .values = graph::Constant(std::move(values))};
}

Operand activated(Importer& importer, const std::string& name, const graph::Activation& activation,
                  const Operand& operand) {
  if (const auto* constant = std::get_if<Floats>(&operand)) return activated(importer, *constant, activation);
  return activated(importer, name, activation, std::get<View>(operand));
}

Operand operand(Call& call, std::size_t i) {
  if (call.is_tensor(i)) return call.tensor(i);
  return call.any_floats(i);  // of a shape, or written as integers, too
}

Operand combined(Importer& importer, const std::string& name, BinaryKind kind, const Operand& a, const Operand& b) {
  const auto *view_a = std::get_if<View>(&a), *view_b = std::get_if<View>(&b);
  if (view_a != nullptr && view_b != nullptr) return combined(importer, name, kind, *view_a, *view_b);
  if (view_a != nullptr) return combined(importer, name, kind, *view_a, std::get<Floats>(b));
  if (view_b != nullptr) return combined(importer, name, kind, *view_b, std::get<Floats>(a), true);
  return combined(importer, kind, std::get<Floats>(a), std::get<Floats>(b));
}

Floats combined(Importer& importer, const Floats& a, const Floats& b, const std::function<double(double, double)>& f) {
  const std::size_t rank = std::max(a.dims.size(), b.dims.size());
  const auto dim = [&](const Floats& of, std::size_t i) {
    const std::size_t skipped = rank - of.dims.size();
    return i < skipped ? 1 : of.dims[i - skipped];
  };
  std::vector<std::int64_t> dims;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t x = dim(a, i), y = dim(b, i);
    if (x != y && x != 1 && y != 1) throw Error("the shapes of the constants do not fit together");
    dims.push_back(x == 1 ? y : x);
  }
  importer.charge(3 * loop_count(dims));
  const Value all_a = broadcast(a, dims), all_b = broadcast(b, dims);
  const std::span<const float> x = std::get<Floats>(all_a).values.values(), y = std::get<Floats>(all_b).values.values();
  std::vector<float> values;
  for (std::size_t i = 0; i < x.size(); ++i) {
    values.push_back(static_cast<float>(f(static_cast<double>(x[i]), static_cast<double>(y[i]))));
  }
  return {.dims = std::move(dims), .values = graph::Constant(std::move(values))};
}

Floats combined(Importer& importer, BinaryKind kind, const Floats& a, const Floats& b) {
  return combined(importer, a, b, [&](double x, double y) { return kernels::reference_of(kind, x, y); });
}

View expanded(Importer& importer, const std::string& name, View view, std::span<const std::int64_t> extents) {
  std::vector<std::int64_t> pixels(extents.size(), 1);
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == 1) continue;
    if (extents.size() == 4 && i > 1) {
      pixels[i] = extents[i];
    } else {
      view.axes[i] = {{.index = Index::channel, .extent = extents[i], .step = 0}};
    }
  }
  if (std::ranges::all_of(pixels, [](std::int64_t one) { return one == 1; })) return view;
  importer.arrange(view, as_image());  // which says what is one row high, or one column wide
  const std::int64_t count = element_count(pixels);
  importer.charge(count);
  const Floats zeros{.dims = pixels,
                     .values = graph::Constant(std::vector<float>(static_cast<std::size_t>(count), 0.0F))};
  return combined(importer, name, BinaryKind::add, std::move(view), zeros);
}

View reduced_channels(Importer& importer, const std::string& name, graph::ReduceKind kind, View view,
                      const std::vector<bool>& reduced) {
  // What is reduced stands innermost, so that each group is neighbours.
  View grouped = view;
  grouped.axes.clear();
  for (const bool of_reduced : {false, true}) {
    for (std::size_t i = 0; i < view.axes.size(); ++i) {
      if (reduced[i] == of_reduced) grouped.axes.push_back(view.axes[i]);
    }
  }
  std::int64_t each = 1;
  for (std::size_t i = 0; i < view.axes.size(); ++i) {
    for (const Factor& factor : view.axes[i]) each *= reduced[i] && is_channel(factor) ? factor.extent : 1;
  }
  grouped = in_axis_order(importer, std::move(grouped));
  const auto groups = static_cast<std::int32_t>(importer.shape(grouped.node).c / each);
  view.node = importer.add(name, graph::Reduce{kind, groups}, {grouped.node});
  for (std::size_t i = 0; i < view.axes.size(); ++i) {
    if (reduced[i]) view.axes[i] = {};
  }
  renumber(view);
  return view;
}

View softmax_of_channels(Importer& importer, const std::string& name, View view, const std::vector<bool>& normalised) {
  View grouped = view;
  grouped.axes.clear();
  std::vector<std::size_t> from;
  for (const bool inside : {false, true}) {
    for (std::size_t i = 0; i < view.axes.size(); ++i) {
      if (normalised[i] != inside) continue;
      grouped.axes.push_back(view.axes[i]);
      from.push_back(i);
    }
  }
  std::int64_t each = 1;
  for (std::size_t i = 0; i < view.axes.size(); ++i) {
    for (const Factor& factor : view.axes[i]) each *= normalised[i] ? factor.extent : 1;
  }
  grouped = in_axis_order(importer, std::move(grouped));
  const auto groups = static_cast<std::int32_t>(importer.shape(grouped.node).c / each);
  view.node = importer.add(name, graph::Softmax{groups}, {grouped.node});
  view.first_channel = 0;
  for (std::size_t i = 0; i < from.size(); ++i) view.axes[from[i]] = grouped.axes[i];
  return view;
}

namespace {

/// The view with an axis of its own for every digit on those that are reduced; `axes` says afterwards which these are.
View cut_into_digits(const View& view, std::vector<bool>& axes) {
  View result = view;
  result.axes.clear();
  std::vector<bool> reduced;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (!axes[i] || view.axes[i].size() < 2) {
      result.axes.push_back(view.axes[i]);
      reduced.push_back(axes[i]);
      continue;
    }
    for (const Factor& digit : view.axes[i]) {
      result.axes.push_back({digit});
      reduced.push_back(true);
    }
  }
  axes = std::move(reduced);
  return result;
}

/// Is any digit on the axes one of some rows or some columns?
bool are_spread(const Importer& importer, const View& view, const std::vector<bool>& axes) {
  const graph::Shape& shape = importer.shape(view.node);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (!axes[i]) continue;
    for (const Factor& factor : view.axes[i]) {
      if (factor.index == Index::row && factor.extent != shape.h) return true;
      if (factor.index == Index::column && factor.extent != shape.w) return true;
    }
  }
  return false;
}

/// Of axes of one digit each, of channels, all rows or all columns.
View reduced_digits(Importer& importer, const std::string& name, graph::ReduceKind kind, View view,
                    const std::vector<bool>& axes) {
  using graph::ReduceKind;
  std::vector<bool> of_channels(axes.size(), false);
  bool rows = false, columns = false, unnamed = false, any_channels = false;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (!axes[i]) continue;
    unnamed |= view.axes[i].empty();  // it is one long, of whatever index
    of_channels[i] = !view.axes[i].empty() && is_of_channels(view.axes[i]);
    any_channels |= of_channels[i];
    for (const Factor& factor : view.axes[i]) {
      if (of_channels[i]) continue;
      if (factor.index == Index::batch || factor.index == Index::channel) {
        throw Error("only channels, height and width can be reduced, each as a whole");
      }
      (factor.index == Index::row ? rows : columns) = true;
    }
  }
  // Rows that are one at every size may be reduced with the columns, and the other way round.
  const graph::Shape in = importer.shape(view.node);
  const Extents open = importer.open(view.node);
  const bool all_rows = rows || (in.h == 1 && !open.rows), all_columns = columns || (in.w == 1 && !open.columns);
  if (unnamed && ((in.h == 1 && open.rows && !rows) || (in.w == 1 && open.columns && !columns))) {
    throw Error("it reduces an axis of one, which may be longer at other sizes");
  }
  if (kind == ReduceKind::l2 && (rows || columns)) {
    view = combined(importer, name + ".squares", BinaryKind::multiply, view, view);
    view = reduced_digits(importer, name + ".sum", ReduceKind::sum, std::move(view), axes);
    return activated(importer, name, {{}, kernels::Function::sqrt}, std::move(view));
  }
  if (any_channels) view = reduced_channels(importer, name, kind, std::move(view), of_channels);
  if (!any_channels && !rows && !columns && kind == ReduceKind::l2) {  // of axes that are one long
    return activated(importer, name, {{}, kernels::Function::absolute}, std::move(view));
  }
  if (!rows && !columns) return view;
  if (kind == ReduceKind::sum && (open.rows || open.columns)) throw Error("a sum over rows or columns of an open size");
  view = in_axis_order(importer, std::move(view));
  const bool is_min = kind == ReduceKind::minimum, is_max = is_min || kind == ReduceKind::maximum;
  if (is_min) view = combined(importer, name + ".negative", BinaryKind::multiply, std::move(view), -1.0F);
  graph::Operation operation = graph::GlobalAveragePool{};
  if (is_max || !all_rows || !all_columns) {
    graph::Pool pool;
    pool.kind = is_max ? graph::PoolKind::max : graph::PoolKind::average;
    pool.window.kernel_h = all_rows ? 0 : 1;
    pool.window.kernel_w = all_columns ? 0 : 1;
    operation = pool;
  }
  view.node = importer.add(name, std::move(operation), {view.node});
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i]) view.axes[i] = {};
  }
  if (is_min) view = combined(importer, name, BinaryKind::multiply, std::move(view), -1.0F);
  const float count = static_cast<float>(rows ? in.h : 1) * static_cast<float>(columns ? in.w : 1);
  if (kind == ReduceKind::sum) view = combined(importer, name, BinaryKind::multiply, std::move(view), count);
  return view;
}

}  // namespace

View reduced(Importer& importer, const std::string& name, graph::ReduceKind kind, View view,
             const std::vector<bool>& axes) {
  if (are_spread(importer, view, axes)) {
    std::vector<std::size_t> channels;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (axes[i]) channels.push_back(i);
    }
    importer.arrange(view, with_channels(view, std::move(channels)));
  }
  std::vector<bool> of_digits = axes;
  const View digits = cut_into_digits(view, of_digits);
  View result = reduced_digits(importer, name, kind, digits, of_digits);
  std::vector<Axis> whole;
  auto next = result.axes.begin();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    whole.push_back(axes[i] ? Axis{} : *next);
    next += axes[i] ? std::max<std::ptrdiff_t>(std::ssize(view.axes[i]), 1) : 1;
  }
  result.axes = std::move(whole);
  return result;
}

View literal_beside(Importer& importer, const std::string& name, View like, std::size_t axis, Floats constant,
                    bool as_pixel) {
  if (constant.dims.size() != like.axes.size()) throw Error("a constant has another rank than the tensor");
  for (std::size_t i = 0; i < like.axes.size(); ++i) {
    const auto wanted = extent(like.axes[i]).known_integer();
    if (i != axis && constant.dims[i] != 1 && wanted && *wanted != constant.dims[i]) {
      throw Error("a constant does not fit a tensor " + text(like) + " on dimension " + std::to_string(i));
    }
  }
  const std::int64_t count = constant.dims[axis];
  if (count < 1 || count > graph::max_extent) throw Error("a constant of " + std::to_string(count) + " channels");
  like.axes[axis] = count == 1 ? Axis{} : Axis{{.index = Index::channel, .extent = count}};
  like.first_channel = 0;
  renumber(like);
  importer.charge(3 * loop_count(constant.dims));
  graph::Shape shape = importer.shape(like.node);
  shape.c = static_cast<std::int32_t>(channel_count(like.axes));
  const auto add = [&](const Spread& spread) {
    if (spread.shape().c != shape.c) throw Error("a constant does not have all channels of a tensor " + text(like));
    like.node = add_literal(importer, name, spread.shape(), spread.values());
    return like;
  };
  if (as_pixel) {
    const Floats once = without_repeats(constant, like, axis);
    const Spread spread(like, shape, once);
    if (spread.shape().pixels() == 1) return add(spread);
  }
  const Spread spread(like, shape, constant);
  if (element_count(constant.dims) != spread.shape().size()) {
    throw Error("a constant has values for some dimensions of a tensor " + text(like) + " alone");
  }
  return add(spread);
}

View literal(Importer& importer, const std::string& name, const Floats& constant, Batch batch) {
  // Rows and columns, for these are cut into dimensions as the model has them.
  const std::vector<std::int64_t>& dims = constant.dims;
  graph::Shape shape{1, 1, 1};
  std::int64_t rows = 1, columns = 1;
  bool is_full = false;
  for (std::size_t i = dims.size(); i-- > 0;) {
    is_full = is_full || columns * dims[i] > graph::max_extent;
    (is_full ? rows : columns) *= dims[i];
  }
  if (rows < 1 || columns < 1 || rows > graph::max_extent) {
    throw Error("a constant of " + std::to_string(element_count(dims)) + " numbers is an output");
  }
  shape.h = static_cast<std::int32_t>(rows), shape.w = static_cast<std::int32_t>(columns);
  std::vector<Quantity> wanted(dims.begin(), dims.end());
  const bool has_batch = !dims.empty() && dims[0] == 1;
  if (has_batch) wanted[0] = batch ? Quantity(*batch) : Quantity::batch();
  const std::span<const float> values = constant.values.values();
  const graph::NodeId node = add_literal(importer, name, shape, {values.begin(), values.end()});
  const auto view = reshape(whole(name, node, shape, batch), wanted);
  if (!view) throw Error("it does not depend on the input, and has no dimension for the batch, which is open");
  return *view;
}

graph::NodeId add_literal(Importer& importer, const std::string& name, const graph::Shape& shape,
                          std::vector<float> values) {
  importer.charge(shape.size());
  return importer.add(name, graph::Literal{shape, graph::Constant(std::move(values))}, {});
}

}  // namespace riffle::onnx
