#include "io/onnx/view.hpp"

#include <algorithm>
#include <numeric>

namespace riffle::onnx {
namespace {

/// Drops digits of one value, and joins neighbours that count as one digit.
Axis merged(const Axis& axis) {
  Axis result;
  for (const Factor& factor : axis) {
    if (factor.extent == 1 && !factor.open) continue;
    if (!result.empty() && factor.index != Index::batch && result.back().index == factor.index &&
        result.back().step == factor.step * factor.extent) {
      result.back().extent *= factor.extent;
      result.back().step = factor.step;
    } else {
      result.push_back(factor);
    }
  }
  return result;
}

Factor batch_factor(Batch batch) {
  return {.index = Index::batch, .open = !batch.has_value(), .extent = batch.value_or(1)};
}

View with_axes(const View& view, std::vector<Axis> axes) {
  return {.name = view.name, .node = view.node, .first_channel = view.first_channel, .axes = std::move(axes)};
}

}  // namespace

bool is_of_channels(const Axis& axis) { return std::ranges::all_of(axis, is_channel); }

Axis outline(const Axis& axis) {
  Axis result;
  for (const Factor& factor : axis) {
    if (is_channel(factor) && !result.empty() && is_channel(result.back())) {
      result.back().extent *= factor.extent;
    } else {
      result.push_back(factor);
      if (is_channel(factor)) result.back().step = 1;
    }
  }
  return result;
}

View whole(std::string name, graph::NodeId node, const graph::Shape& shape, Batch batch, Extents open) {
  View view{.name = std::move(name), .node = node, .first_channel = 0, .axes = {}};
  view.axes = {merged({batch_factor(batch)}), merged({{.index = Index::channel, .extent = shape.c}}),
               merged({{.index = Index::row, .open = open.rows, .extent = shape.h}}),
               merged({{.index = Index::column, .open = open.columns, .extent = shape.w}})};
  return view;
}

View whole_vector(std::string name, graph::NodeId node, std::int32_t channels, Batch batch) {
  View view = whole(std::move(name), node, {.h = 1, .w = 1, .c = channels}, batch);
  view.axes.resize(2);
  return view;
}

std::int64_t channel_count(std::span<const Axis> axes) {
  std::int64_t count = 1;
  for (const Axis& axis : axes) {
    for (const Factor& factor : axis) count *= is_channel(factor) ? factor.extent : 1;
  }
  return count;
}

Extents open_extents(const Axis& axis) {
  Extents result;
  for (const Factor& factor : axis) {
    result.rows = result.rows || (factor.open && factor.index == Index::row);
    result.columns = result.columns || (factor.open && factor.index == Index::column);
  }
  return result;
}

View closed(const View& view) {
  View result = view;
  for (Axis& axis : result.axes) {
    for (Factor& factor : axis) factor.open = factor.open && factor.index == Index::batch;
    axis = merged(axis);
  }
  return result;
}

Quantity extent(const Axis& axis) {
  Quantity result(1);
  for (const Factor& factor : axis) {
    const bool is_open_batch = factor.open && factor.index == Index::batch;
    result = multiply(result, is_open_batch ? Quantity::batch() : Quantity(factor.extent));
  }
  result.made_of = open_extents(axis);
  return result;
}

std::vector<Quantity> extents(const View& view) {
  std::vector<Quantity> result;
  for (const Axis& axis : view.axes) {
    result.push_back(extent(axis));
    const bool is_one = axis.size() == 1 && (axis[0].index == Index::row || axis[0].index == Index::column);
    if (is_one) result.back().measure = Measure{view.node, axis[0].index == Index::row};
  }
  return result;
}

std::string text(const View& view) {
  std::string result = "(";
  for (const Quantity& one : extents(view)) result.append(result.size() > 1 ? ", " : "").append(text(one));
  return result + ")";
}

std::optional<View> reshape(const View& view, std::span<const Quantity> shape) {
  const auto is_open_pixel = [](const Factor& digit) {
    return digit.open && digit.extent == 1 && digit.index != Index::batch;
  };
  Axis digits;
  for (const Axis& axis : view.axes) digits.insert(digits.end(), axis.begin(), axis.end());
  digits = merged(digits);
  // Of more ones than there are rows and columns nobody can say which they are.
  const auto pixels = std::ranges::count_if(digits, is_open_pixel);
  if (pixels != 0 && std::ranges::count(shape, Quantity(1)) > pixels) return std::nullopt;

  std::size_t next = 0;
  std::vector<Axis> axes;
  for (const Quantity& wanted : shape) {
    Axis axis;
    std::int64_t left = wanted.numerator;
    bool batch = wanted.times_batch;
    while (left > 1 || batch) {
      if (next == digits.size()) return std::nullopt;
      Factor& digit = digits[next];
      if (digit.open && digit.index == Index::batch) {
        if (!batch) return std::nullopt;
        batch = false;
        axis.push_back(digit);
        ++next;
      } else if (left % digit.extent == 0) {
        left /= digit.extent;
        axis.push_back(digit);
        ++next;
      } else if (left > 1 && digit.extent % left == 0 && digit.index != Index::batch && !digit.open) {
        Factor outer = digit;
        outer.extent = left;
        digit.extent /= left;
        outer.step = digit.step * digit.extent;
        axis.push_back(outer);
        left = 1;
      } else {
        return std::nullopt;
      }
    }
    if (axis.empty() && next < digits.size() && is_open_pixel(digits[next])) axis.push_back(digits[next++]);
    axes.push_back(std::move(axis));
  }
  while (next < digits.size() && !axes.empty() && is_open_pixel(digits[next])) axes.back().push_back(digits[next++]);
  if (next != digits.size()) return std::nullopt;
  return with_axes(view, std::move(axes));
}

View transpose(const View& view, std::span<const std::size_t> order) {
  std::vector<Axis> axes;
  for (const std::size_t axis : order) axes.push_back(view.axes[axis]);
  return with_axes(view, std::move(axes));
}

std::optional<View> slice(const View& view, std::size_t axis, std::int64_t first, std::int64_t count,
                          std::int64_t step) {
  const Axis& digits = view.axes[axis];
  const bool is_all = first == 0 && (step == 1 || count == 1) && extent(digits) == Quantity(count);
  if (is_all && !open_extents(digits).any()) return view;
  if (digits.size() != 1 || digits[0].index != Index::channel) return std::nullopt;
  View result = view;
  Factor& digit = result.axes[axis][0];
  result.first_channel += first * digit.step;
  digit.extent = count;
  if (count > 1) digit.step *= step;
  result.axes[axis] = merged(result.axes[axis]);
  return result;
}

std::optional<View> select(const View& view, std::size_t axis, std::int64_t position) {
  if (!is_of_channels(view.axes[axis])) return std::nullopt;
  View result = view;
  std::int64_t rest = position;
  for (auto digit = view.axes[axis].rbegin(); digit != view.axes[axis].rend(); ++digit) {
    result.first_channel += rest % digit->extent * digit->step;
    rest /= digit->extent;
  }
  result.axes.erase(result.axes.begin() + static_cast<std::ptrdiff_t>(axis));
  return result;
}

std::optional<std::size_t> channel_axis(const View& view) {
  std::optional<std::size_t> found;
  for (std::size_t a = 0; a < view.axes.size(); ++a) {
    const Axis& axis = view.axes[a];
    const auto first = std::ranges::find_if(axis, is_channel);
    if (first == axis.end()) continue;
    if (found) return std::nullopt;
    found = a;
    // A digit of another kind between two of channels splits them.
    const auto end = std::find_if_not(first, axis.end(), is_channel);
    if (std::find_if(end, axis.end(), is_channel) != axis.end()) return std::nullopt;
  }
  if (found) return found;
  return view.axes.size() > 1 ? 1 : 0;  // of one channel: nothing says where it is, and nothing depends on it
}

std::vector<std::int32_t> channels(const View& view) {
  std::vector<std::int64_t> all = {view.first_channel};
  for (const Axis& axis : view.axes) {
    for (const Factor& factor : axis) {
      if (factor.index != Index::channel) continue;
      std::vector<std::int64_t> longer;
      longer.reserve(all.size() * static_cast<std::size_t>(factor.extent));
      for (const std::int64_t channel : all) {
        for (std::int64_t digit = 0; digit < factor.extent; ++digit) longer.push_back(channel + digit * factor.step);
      }
      all = std::move(longer);
    }
  }
  std::vector<std::int32_t> result(all.size());
  std::ranges::transform(all, result.begin(), [](std::int64_t c) { return static_cast<std::int32_t>(c); });
  return result;
}

bool is_settled(const View& view, std::int32_t source_channels) {
  const Factor all{.index = Index::channel, .extent = source_channels};
  std::int64_t digits = 0;
  bool settled = view.first_channel == 0;
  for (const Axis& axis : view.axes) {
    for (const Factor& factor : axis) {
      if (factor.index != Index::channel) continue;
      settled = settled && factor == all;
      ++digits;
    }
  }
  return settled && digits == (source_channels == 1 ? 0 : 1);
}

View with_channels_of(const View& view, graph::NodeId node, std::int32_t count) {
  View result = view;
  result.node = node;
  result.first_channel = 0;
  const std::size_t where = channel_axis(view).value_or(0);
  if (where >= result.axes.size()) return result;  // one channel, and no axis left
  Axis& axis = result.axes[where];
  const auto place = std::ranges::find_if(axis, is_channel);
  const auto at = place - axis.begin();
  std::erase_if(axis, is_channel);
  if (count > 1) axis.insert(axis.begin() + at, Factor{.index = Index::channel, .extent = count});
  return result;
}

std::optional<graph::Operation> choose_channels(std::vector<std::int32_t> channels, std::int32_t source_channels) {
  const auto count = static_cast<std::int32_t>(channels.size());
  bool consecutive = true;
  for (std::int32_t i = 0; i < count; ++i) {
    consecutive = consecutive && channels[static_cast<std::size_t>(i)] == channels[0] + i;
  }
  if (consecutive && count == source_channels) return std::nullopt;
  if (consecutive) return graph::Slice{.first = channels[0], .count = count};

  // Shuffled by g, channel h * (C / g) + j lands at j * g + h: the second one is C / g.
  const std::int32_t apart = channels[1];
  if (count == source_channels && channels[0] == 0 && apart > 1 && count % apart == 0) {
    const std::int32_t groups = count / apart;
    bool shuffled = true;
    for (std::int32_t i = 0; i < count; ++i) {
      shuffled = shuffled && channels[static_cast<std::size_t>(i)] == i % groups * apart + i / groups;
    }
    if (shuffled) return graph::Shuffle{.groups = groups};
  }
  return graph::Gather{.channels = std::move(channels)};
}

}  // namespace riffle::onnx
