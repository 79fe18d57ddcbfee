#include "engine/decode/parts.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "base/error.hpp"

namespace riffle::decode {
namespace {

std::int32_t index_of(const std::string& name, std::span<const OutputShape> outputs, const std::string& what) {
  const auto found = std::ranges::find(outputs, name, &OutputShape::name);
  if (found != outputs.end()) return static_cast<std::int32_t>(found - outputs.begin());
  std::string names;
  for (const OutputShape& output : outputs) names += (names.empty() ? "'" : ", '") + output.name + "'";
  throw Error({what, ": the network has no output '", name, "'; it has ", names});
}

/// Without the leading extents of 1, which say nothing.
std::span<const std::int32_t> told(const OutputShape& output) {
  std::span<const std::int32_t> extents = output.extents;
  while (extents.size() > 1 && extents.front() == 1) extents = extents.subspan(1);
  return extents;
}

std::int64_t size_of(std::span<const std::int32_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
}

/// A level without a grid has as many candidates as its boxes' output has rows of `numbers` numbers. Where the output
/// has more for each, the shorter one of its two extents is theirs, if nothing says otherwise.
std::int32_t length_of_list(const graph::Part& boxes, std::int32_t numbers, std::span<const OutputShape> outputs,
                            const std::string& what) {
  const OutputShape& output = outputs[static_cast<std::size_t>(index_of(boxes.output, outputs, what))];
  const std::span<const std::int32_t> extents = told(output);
  if (extents.size() == 1) return 1;
  if (extents.size() != 2) {
    throw Error({what, ": the output '", output.name, "' has ", extents.size(),
                 " dimensions; a level without a stride reads a list of candidates"});
  }
  const bool is_all = boxes.first == 0 && boxes.count == 0;
  const bool by_numbers = is_all && (extents[0] == numbers) != (extents[1] == numbers);
  const bool looks_like_planes = by_numbers ? extents[0] == numbers : extents[0] < extents[1];
  const bool planes = boxes.components == graph::Components::planes ||
                      (boxes.components == graph::Components::by_shape && looks_like_planes);
  return extents[planes ? 1 : 0];
}

}  // namespace

double softmax_share(const float* first, std::int64_t step, std::int32_t count, std::int32_t k) {
  double most = -std::numeric_limits<double>::infinity(), sum = 0;
  for (std::int32_t i = 0; i < count; ++i) most = std::max(most, static_cast<double>(first[i * step]));
  for (std::int32_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(first[i * step]) - most);
  return std::exp(static_cast<double>(first[k * step]) - most) / sum;
}

PartView find_part(const graph::Part& part, const Grid& grid, std::span<const OutputShape> outputs,
                   const std::string& what) {
  PartView view;
  if (part.output.empty()) return view;
  view.output = index_of(part.output, outputs, what);
  const OutputShape& output = outputs[static_cast<std::size_t>(view.output)];
  const std::span<const std::int32_t> extents = told(output);
  const std::int64_t size = size_of(extents), components = size / grid.candidates();
  if (components == 0 || size % grid.candidates() != 0) {
    throw Error(
        {what, ": the output '", output.name, "' has ", size, " numbers for ", grid.candidates(), " candidates"});
  }
  if (part.first < 0 || part.count < 0 || part.first + std::max(part.count, 1) > components) {
    throw Error({what, ": components ", part.first, " to ", part.first + std::max(part.count, 1) - 1, " of the ",
                 components, " that the output '", output.name, "' has for a candidate"});
  }
  const std::size_t rank = extents.size();
  const bool ends_in_grid = rank >= 3 && extents[rank - 2] == grid.rows && extents[rank - 1] == grid.columns;
  const bool ends_in_list = rank == 2 && extents[1] == grid.candidates() && extents[0] == components;
  const bool planes = part.components == graph::Components::planes ||
                      (part.components == graph::Components::by_shape && (ends_in_grid || ends_in_list));
  if (!planes) {
    const bool anchors_first = rank >= 3 && grid.anchors > 1 && extents[0] == grid.anchors;
    view.component = 1;
    view.anchor = anchors_first ? grid.cells() * components : components;
    view.cell = anchors_first ? components : grid.anchors * components;
  } else if (rank == 2) {
    view.component = grid.candidates();
    view.anchor = 1;
    view.cell = grid.anchors;
  } else {
    view.component = grid.cells();
    view.anchor = components * grid.cells();
    view.cell = 1;
  }
  view.first = part.first * view.component;
  view.count = part.count > 0 ? part.count : static_cast<std::int32_t>(components - part.first);
  return view;
}

Grid grid_of(const graph::Level& level, std::int32_t numbers, std::span<const OutputShape> outputs, std::int32_t height,
             std::int32_t width, const std::string& what) {
  if (level.boxes.output.empty()) throw Error({what, ": it has no boxes"});
  if (level.stride == 0.0F) return {1, length_of_list(level.boxes, numbers, outputs, what), 1};
  if (level.anchors < 1 || !(level.stride > 0.0F)) throw Error({what, ": its stride and its anchors are positive"});
  // A network's padding decides whether a cell that is not whole counts.
  const OutputShape& output = outputs[static_cast<std::size_t>(index_of(level.boxes.output, outputs, what))];
  const auto cells = [&](std::int32_t pixels, bool round_up) {
    const double exact = static_cast<double>(pixels) / static_cast<double>(level.stride);
    return static_cast<std::int32_t>(round_up ? std::ceil(exact) : std::floor(exact));
  };
  for (const bool round_up : {true, false}) {
    const Grid grid = {cells(height, round_up), cells(width, round_up), level.anchors};
    if (grid.candidates() > 0 && size_of(output.extents) % grid.candidates() == 0) return grid;
  }
  throw Error({what, ": the output '", output.name, "' has ", size_of(output.extents), " numbers, no multiple of the ",
               cells(height, true), " x ", cells(width, true), " cells"});
}

}  // namespace riffle::decode
