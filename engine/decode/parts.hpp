// Where a description's parts stand in a network's outputs, and what their numbers stand for.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/description.hpp"

namespace riffle::decode {

/// An output of the network: its name, and its extents without the batch, the outermost first. The numbers are f32.
struct OutputShape {
  std::string name;
  std::vector<std::int32_t> extents;
};

/// The cells that a level's candidates belong to, and how many there are of each. A list is one row.
struct Grid {
  std::int32_t rows = 1, columns = 1, anchors = 1;
  std::int64_t before = 0;  ///< candidates of other levels that stand before these in the same outputs
  std::int64_t others = 0;  ///< those, and what stands behind
  [[nodiscard]] std::int64_t cells() const { return std::int64_t{rows} * columns; }
  [[nodiscard]] std::int64_t candidates() const { return cells() * anchors; }
};

/// Component k of anchor n of cell c stands at first + k * component + n * anchor + c * cell.
struct PartView {
  std::int32_t output = -1;  ///< which of the network's; -1: there is no such part
  std::int32_t count = 0;    ///< of components
  std::int64_t first = 0, component = 1, anchor = 0, cell = 0;

  [[nodiscard]] bool exists() const { return output >= 0; }
  /// Component 0.
  [[nodiscard]] const float* at(std::span<const float* const> outputs, std::int64_t c, std::int64_t n) const {
    return outputs[static_cast<std::size_t>(output)] + first + n * anchor + c * cell;
  }
};

/// Throws Error where there is no such output, or it does not hold so many components for each of the candidates.
/// `what` is for the message: "the boxes of level 2".
PartView find_part(const graph::Part& part, const Grid& grid, std::span<const OutputShape> outputs,
                   const std::string& what);

/// The candidates of each level, each box of which is made of so many numbers, on an input of this size. Levels whose
/// boxes are in one output stand there one after the other. Throws Error where a level has no candidates.
std::vector<Grid> grids_of(std::span<const graph::Level> levels, std::int32_t numbers,
                           std::span<const OutputShape> outputs, std::int32_t height, std::int32_t width);

/// "level 2 of the detector"
std::string level_text(std::size_t level);

/// Throws Error where one of the numbers is not finite.
void expect_finite(const graph::Mapping& mapping, const char* what);

/// Of one number; a softmax over several is the caller's.
inline double transformed(graph::Transform transform, double x) {
  switch (transform) {
    case graph::Transform::sigmoid:
      return 1 / (1 + std::exp(-x));
    case graph::Transform::tanh:
      return std::tanh(x);
    case graph::Transform::exponential:
      return std::exp(x);
    case graph::Transform::none:
    case graph::Transform::softmax:
      break;
  }
  return x;
}

/// The mapping of one number, without its unit.
inline double mapped(const graph::Mapping& mapping, double x) {
  const double y = mapping.times * transformed(mapping.transform, mapping.before * x) + mapping.plus;
  return mapping.power == 1.0F ? y : std::pow(y, static_cast<double>(mapping.power));
}

/// Component k's share of a softmax over `count` components, `step` numbers apart.
double softmax_share(const float* first, std::int64_t step, std::int32_t count, std::int32_t k);

}  // namespace riffle::decode
