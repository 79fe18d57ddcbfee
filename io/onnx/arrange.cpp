// Views that become arrangements: of a node that rearranges, where something computes on axes that are not yet a
// tensor's rows, columns and channels, or of an output.
#include <algorithm>
#include <array>
#include <numeric>

#include "io/onnx/importer.hpp"

namespace riffle::onnx {
namespace {

/// Takes the batch off the first axis. Throws Error where it is elsewhere.
Axis take_batch(std::vector<Axis>& axes) {
  Axis batch;
  if (!axes.empty()) {
    const auto end = std::ranges::find_if_not(axes[0], is_batch);
    batch.assign(axes[0].begin(), end);
    axes[0].erase(axes[0].begin(), end);
  }
  for (const Axis& axis : axes) {
    if (std::ranges::any_of(axis, is_batch)) throw Error("the batch is not its outermost dimension");
  }
  return batch;
}

graph::Index index_of(Index index) {
  return index == Index::row      ? graph::Index::row
         : index == Index::column ? graph::Index::column
                                  : graph::Index::channel;
}

/// The factors of the index, the one of the largest step first.
std::vector<Factor*> factors_of(std::vector<Axis>& axes, Index index) {
  std::vector<Factor*> result;
  for (Axis& axis : axes) {
    for (Factor& factor : axis) {
      if (factor.index == index) result.push_back(&factor);
    }
  }
  std::ranges::stable_sort(result,
                           [](const Factor* a, const Factor* b) { return std::abs(a->step) > std::abs(b->step); });
  return result;
}

/// Are they the digits of all values of an index of this extent?
bool are_digits(const std::vector<Factor*>& factors, std::int64_t extent) {
  std::int64_t step = 1;
  for (auto factor = factors.rbegin(); factor != factors.rend(); ++factor) {
    if ((*factor)->step != step) return false;
    step *= (*factor)->extent;
  }
  return step == extent;
}

Quantity size_of(const Axis& axis) { return extent(axis); }

}  // namespace

graph::Arrangement Importer::arrangement_of(View& view, const std::vector<std::size_t>& order) {
  std::vector<Axis> axes = view.axes;
  take_batch(axes);
  const std::vector<Factor*> channels = factors_of(axes, Index::channel);
  if (view.first_channel != 0 || !are_digits(channels, shape(view.node).c)) {
    View picked = view;  // on one axis, in the order of its digits
    picked.axes = {{}};
    for (const Factor* factor : channels) picked.axes[0].push_back(*factor);
    settle(picked);
    std::int64_t step = shape(picked.node).c;
    for (Factor* factor : channels) factor->step = step /= factor->extent;
    view.node = picked.node;
    view.first_channel = 0;
    const Axis batch = [&] {
      std::vector<Axis> all = view.axes;
      return take_batch(all);
    }();
    view.axes = axes;
    if (!view.axes.empty()) view.axes[0].insert(view.axes[0].begin(), batch.begin(), batch.end());
  }
  graph::Arrangement result;
  std::vector<const Factor*> placed;  // by digit
  for (const Index index : {Index::row, Index::column, Index::channel}) {
    const std::vector<Factor*> factors = factors_of(axes, index);
    const graph::Shape& of = shape(view.node);
    const std::int64_t size = index == Index::row ? of.h : index == Index::column ? of.w : of.c;
    if (!are_digits(factors, size)) throw Error("not all of " + text(view) + " is there once");
    for (const Factor* factor : factors) {
      // One digit is all there is, at every size.
      result.digits.push_back({index_of(index), factors.size() == 1 ? 0 : static_cast<std::int32_t>(factor->extent)});
      placed.push_back(factor);
    }
  }
  for (const std::size_t axis : order) {
    std::vector<std::int32_t>& to = result.axes.emplace_back();
    for (const Factor& factor : axes[axis]) {
      to.push_back(static_cast<std::int32_t>(std::ranges::find(placed, &factor) - placed.begin()));
    }
  }
  return result;
}

void Importer::arrange(View& view, const AxesAs& as) {
  const std::vector<std::size_t>* const lists[] = {&as.rows, &as.columns, &as.channels};
  std::vector<Axis> axes = view.axes;
  const Axis batch = take_batch(axes);
  std::vector<std::size_t> order;
  for (const auto* list : lists) {
    const auto is_open = [&](std::size_t axis) { return open_extents(axes[axis]).any(); };
    if (list->size() > 1 && std::ranges::any_of(*list, is_open)) {
      throw Error("dimensions of " + text(view) + " that the input's size changes become one");
    }
  }
  for (const auto* list : lists) order.insert(order.end(), list->begin(), list->end());
  const graph::Arrangement in_order = arrangement_of(view, order);
  graph::Arrangement to{.digits = in_order.digits, .axes = {}};
  auto next = in_order.axes.begin();
  for (const auto* list : lists) {
    std::vector<std::int32_t>& axis = to.axes.emplace_back();
    for (std::size_t i = 0; i < list->size(); ++i, ++next) axis.insert(axis.end(), next->begin(), next->end());
  }
  const graph::NodeId node =
      to_text(to) == "h w c" ? view.node : add(view.name, graph::Rearrange{std::move(to)}, {view.node});
  const Extents open_now = open(node);
  const bool is_open[] = {open_now.rows, open_now.columns, false};
  constexpr Index indices[] = {Index::row, Index::column, Index::channel};
  for (std::size_t k = 0; k < 3; ++k) {
    std::int64_t step = 1;
    for (std::size_t i = lists[k]->size(); i-- > 0;) {
      Axis& axis = axes[(*lists[k])[i]];
      const std::int64_t extent = size_of(axis).numerator;
      axis.clear();
      if (extent > 1 || is_open[k]) {
        axis.push_back({.index = indices[k], .open = is_open[k], .extent = extent, .step = step});
      }
      step *= extent;
    }
  }
  if (!batch.empty()) axes[0].insert(axes[0].begin(), batch.begin(), batch.end());
  view.node = node;
  view.first_channel = 0;
  view.axes = std::move(axes);
}

std::vector<std::size_t> axes_but_batch(const View& view, std::span<const std::size_t> without) {
  std::vector<std::size_t> result;
  for (std::size_t a = 0; a < view.axes.size(); ++a) {
    const bool is_of_batch = a == 0 && std::ranges::all_of(view.axes[0], is_batch);
    if (!is_of_batch && std::ranges::find(without, a) == without.end()) result.push_back(a);
  }
  return result;
}

AxesAs with_channels(const View& view, std::vector<std::size_t> channels) {
  AxesAs as{.rows = axes_but_batch(view, channels), .columns = {}, .channels = std::move(channels)};
  if (as.rows.size() > 1) {
    as.columns = {as.rows.back()};
    as.rows.pop_back();
  }
  return as;
}

AxesAs with_rows(const View& view, std::size_t axis) {
  AxesAs as{.rows = {axis}, .columns = {}, .channels = {}};
  const std::vector<std::size_t> others = axes_but_batch(view, std::array{axis});
  for (const std::size_t other : others) {
    const bool holds_channels = !view.axes[other].empty() && is_of_channels(view.axes[other]);
    (holds_channels ? as.channels : as.columns).push_back(other);
  }
  if (as.channels.empty() && !others.empty()) {
    as.channels = {others.back()};
    as.columns.pop_back();
  }
  return as;
}

}  // namespace riffle::onnx
