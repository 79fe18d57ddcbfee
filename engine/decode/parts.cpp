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

/// Without the outer extents of 1, which say nothing, and the inner ones of a list, (K, candidates, 1).
std::span<const std::int32_t> told(const OutputShape& output, const Grid* grid = nullptr) {
  std::span<const std::int32_t> extents = output.extents;
  while (extents.size() > 1 && extents.front() == 1) extents = extents.subspan(1);
  const auto ends_in_grid = [&] {
    const std::size_t rank = extents.size();
    return grid != nullptr && extents[rank - 2] == grid->rows && extents[rank - 1] == grid->columns;
  };
  while (extents.size() > 1 && extents.back() == 1 && !ends_in_grid()) extents = extents.first(extents.size() - 1);
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
  const std::span<const std::int32_t> extents = told(output, &grid);
  const std::int64_t candidates = grid.candidates() + grid.others;
  const std::int64_t size = size_of(extents), components = size / candidates;
  if (components == 0 || size % candidates != 0) {
    throw Error({what, ": the output '", output.name, "' has ", size, " numbers for ", candidates, " candidates"});
  }
  const std::int64_t first = part.first, count = part.count, last = first + std::max(count, std::int64_t{1}) - 1;
  if (first < 0 || count < 0 || last >= components) {
    throw Error({what, ": components ", first, " to ", last, " of the ", components, " that the output '", output.name,
                 "' has for a candidate"});
  }
  const std::size_t rank = extents.size();
  const bool ends_in_grid = rank >= 3 && extents[rank - 2] == grid.rows && extents[rank - 1] == grid.columns;
  const bool ends_in_list = rank == 2 && extents[1] == candidates && extents[0] == components;
  const bool planes = part.components == graph::Components::planes ||
                      (part.components == graph::Components::by_shape && (ends_in_grid || ends_in_list));
  if (rank > 2 && grid.others > 0) {
    throw Error({what, ": the output '", output.name, "', which several levels read, is no list of candidates"});
  }
  if (!planes) {
    const bool anchors_first = rank >= 3 && grid.anchors > 1 && extents[0] == grid.anchors;
    view.component = 1;
    view.anchor = anchors_first ? grid.cells() * components : components;
    view.cell = anchors_first ? components : grid.anchors * components;
  } else if (rank == 2) {
    view.component = candidates;
    view.anchor = 1;
    view.cell = grid.anchors;
  } else {
    view.component = grid.cells();
    view.anchor = components * grid.cells();
    view.cell = 1;
  }
  view.first = first * view.component + grid.before * (planes ? 1 : components);
  view.count = static_cast<std::int32_t>(count > 0 ? count : components - first);
  return view;
}

std::string level_text(std::size_t level) { return joined({"level ", level, " of the detector"}); }

void expect_finite(const graph::Mapping& mapping, const char* what) {
  for (const float number : {mapping.before, mapping.times, mapping.plus, mapping.power}) {
    if (!std::isfinite(number)) throw Error({what, ": a number of its mapping is not finite"});
  }
}

std::vector<Grid> grids_of(std::span<const graph::Level> levels, std::int32_t numbers,
                           std::span<const OutputShape> outputs, std::int32_t height, std::int32_t width) {
  constexpr std::int32_t max_anchors = 1024;
  constexpr float max_stride = 1 << 15;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const graph::Level& level = levels[i];
    if (level.boxes.output.empty()) throw Error({level_text(i), ": it has no boxes"});
    if (level.anchors < 1 || level.anchors > max_anchors) {
      throw Error({level_text(i), ": ", level.anchors, " anchors, not 1 to ", max_anchors});
    }
    if (level.stride != 0.0F && !(level.stride >= 1.0F && level.stride <= max_stride)) {
      throw Error({level_text(i), ": its stride is not 0, for a list without a grid, or 1 to 32768 pixels"});
    }
  }
  // A network's padding decides whether a cell that is not whole counts.
  const auto grid_of = [&](std::size_t i, bool round_up) -> Grid {
    const graph::Level& level = levels[i];
    if (level.stride == 0.0F) return {1, length_of_list(level.boxes, numbers, outputs, level_text(i)), 1};
    const auto cells = [&](std::int32_t pixels) {
      const double exact = static_cast<double>(pixels) / static_cast<double>(level.stride);
      return static_cast<std::int32_t>(round_up ? std::ceil(exact) : std::floor(exact));
    };
    return {cells(height), cells(width), level.anchors};
  };
  std::vector<Grid> grids;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::string& name = levels[i].boxes.output;
    const std::int64_t size =
        size_of(outputs[static_cast<std::size_t>(index_of(name, outputs, level_text(i)))].extents);
    for (const bool round_up : {true, false}) {
      Grid grid = grid_of(i, round_up);
      for (std::size_t k = 0; k < levels.size(); ++k) {
        if (k == i || levels[k].boxes.output != name) continue;
        const std::int64_t count = grid_of(k, round_up).candidates();
        grid.others += count;
        if (k < i) grid.before += count;
      }
      if (grid.others > 0 && levels[i].stride == 0.0F) {
        throw Error({level_text(i), ": the output '", name,
                     "' is read by another level, too; a level without a grid has "
                     "one to itself"});
      }
      const std::int64_t all = grid.candidates() + grid.others;
      if (grid.candidates() > 0 && size % all == 0) {
        grids.push_back(grid);
        break;
      }
    }
    if (grids.size() == i) {
      const Grid grid = grid_of(i, true);
      throw Error({level_text(i), ": the output '", name, "' has ", size, " numbers, which are not shared out among ",
                   grid.rows, " x ", grid.columns, " cells of ", grid.anchors, " anchors, and what other levels have"});
    }
  }
  return grids;
}

}  // namespace riffle::decode
